"""What the library imports: nothing of the command line's."""

from __future__ import annotations

from tests.library.embedded import OBJECTS, Embedded

BLOCKED = """
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("rich", "click"):
            raise ImportError(f"{name} is the command line's")

sys.meta_path.insert(0, Blocked())
"""


def test_a_copy_needs_neither_rich_nor_click(embedded: Embedded) -> None:
    """Nor does anything public: numbers and results in words included."""
    embedded.slowness.remove()
    ended = embedded.run(
        f"""
        {BLOCKED.replace(chr(10), chr(10) + " " * 8)}
        import s3_xfer
        for name in s3_xfer.__all__:
            getattr(s3_xfer, name)
        run = slowly_copying().start()
        result = run.result()
        rates = s3_xfer.RateMeter().observe(result.metrics)
        assert "300" in s3_xfer.progress_text(run.state, result.metrics, rates)
        assert s3_xfer.result_text(result, source_url="a", destination_url="b")
        assert s3_xfer.result_html(result, run.operation)
        say(result.metrics.files_copied_successfully)
        """
    )

    assert ended.out == f"{OBJECTS}\n", ended.said


def test_help_shows_what_is_imported_late(any_engine: Embedded) -> None:
    """``help(s3_xfer)`` and completion know every name."""
    ended = any_engine.run(
        """
        import pydoc, rlcompleter, s3_xfer
        text = pydoc.plain(pydoc.render_doc(s3_xfer))
        say([name for name in s3_xfer.__all__ if name not in text])
        completer = rlcompleter.Completer({"s3_xfer": s3_xfer})
        say(completer.complete("s3_xfer.S3CopyOp", 0))
        """
    )

    assert ended.out == "[]\ns3_xfer.S3CopyOperation(\n", ended.said
