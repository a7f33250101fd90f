"""The arguments of a task, and how they reach the library."""

from __future__ import annotations

import ast
import dataclasses
import inspect
from typing import Any

import pytest

from airflow_plugin import S3CopyPermanentError, S3CrossAccountCopyOperator, operator
from airflow_plugin._compat import BaseOperator
from airflow_plugin.arguments import argument_of, copy_options, identical, location
from s3_xfer import CopyOptions, Identical, ValidationError
from tests.airflow.stage import Stage, Ti
from tests.declared import COMPANIONS, cases
from tests.world import DST, SRC

FIELDS = [field.name for field in dataclasses.fields(CopyOptions)]
DOCUMENTED = {
    "source_bucket", "source_key", "destination_bucket", "destination_key", "recursive",
    "source_aws_conn_id", "dest_aws_conn_id", "batch_size", "overwrite", "more_sources",
}  # fmt: skip
# What goes together with all the others.
TOGETHER = {name: value for others in COMPANIONS.values() for name, value in others.items()}


def _as_text(plain: object) -> str:
    """Return a plain value as a template writes it; the texts of a list are lines."""
    return "\n".join(plain) if isinstance(plain, list) else str(plain)


# Every option, as text and as the value that it must become; none is the default.
AS_TEXT = {
    case.name: (_as_text(case.declaration.to_json(value)), value)
    for case in cases(CopyOptions)
    for value in [TOGETHER.get(case.name, case.value)]
}


def arguments() -> dict[str, inspect.Parameter]:
    """Return the operator's own arguments."""
    parameters = inspect.signature(S3CrossAccountCopyOperator.__init__).parameters
    return {
        name: parameter
        for name, parameter in parameters.items()
        if name not in ("self", "kwargs", "args")
    }


@pytest.mark.parametrize("field", FIELDS)
def test_every_option_of_the_library_can_be_reached(field: str) -> None:
    """A new option of the library is an argument, and the class's docstring has it."""
    assert argument_of(field) in arguments()
    assert f":param {argument_of(field)}: " in (S3CrossAccountCopyOperator.__doc__ or "")
    assert field in AS_TEXT


# A copy has at most one input; some options are about one of them.
INPUTS = {
    "from_report_path": (),
    "files_from": ("files_from_format", "files_from_keys"),
    "inventory": (),
}


def together(name: str) -> list[str]:
    """Return the options that a copy with the input ``name`` may have."""
    others = {field for key, more in INPUTS.items() if key != name for field in (key, *more)}
    return [field for field in AS_TEXT if field not in others]


@pytest.mark.parametrize("name", INPUTS)
def test_every_option_may_come_as_text(name: str) -> None:
    """Templates render to text; the library gets its own types."""
    fields = together(name)
    options = copy_options({field: AS_TEXT[field][0] for field in fields})

    assert {field: getattr(options, field) for field in fields} == {
        field: AS_TEXT[field][1] for field in fields
    }
    assert not any(getattr(options, field) == getattr(CopyOptions(), field) for field in fields)


@pytest.mark.parametrize("name", INPUTS)
def test_every_option_may_come_as_what_it_is(name: str) -> None:
    """Enums, numbers and paths are taken as they are; None and empty text are the default."""
    fields = together(name)
    assert copy_options({field: AS_TEXT[field][1] for field in fields}) == copy_options(
        {field: AS_TEXT[field][0] for field in fields}
    )
    assert copy_options(dict.fromkeys(FIELDS, None)) == CopyOptions()
    assert copy_options(dict.fromkeys(FIELDS, "")) == CopyOptions()


def test_arguments_are_keyword_only_and_have_their_documented_names() -> None:
    """Nothing depends on an order."""
    assert set(arguments()) >= DOCUMENTED
    assert {parameter.kind for parameter in arguments().values()} == {
        inspect.Parameter.KEYWORD_ONLY
    }


def test_no_argument_hides_one_of_airflow_s() -> None:
    """``retries`` of a task and of a request are two things."""
    airflow = set(inspect.signature(BaseOperator.__init__).parameters)

    assert not set(arguments()) & airflow
    assert not [name for name in arguments() if hasattr(BaseOperator, name)]


def test_every_argument_is_a_template() -> None:
    """Also what is not text today."""
    assert set(S3CrossAccountCopyOperator.template_fields) == set(arguments())


def test_a_subclass_may_have_fewer_templates(stage: Stage) -> None:
    """The copy reads every argument, also those that are not rendered."""

    class Narrow(S3CrossAccountCopyOperator):
        template_fields = ("source_key",)

    stage.server.put(SRC, "in/x", size=1)
    task = stage.task()
    task.__class__ = Narrow

    result = task.execute({"ti": Ti(1), "outlet_events": {}})  # type: ignore[typeddict-item]

    assert result["files_copied_successfully"] == 1


def test_the_constructor_only_assigns() -> None:
    """A DAG file is parsed every few seconds, and mapped tasks are rendered after construction."""
    values = {name: object() for name in arguments()}

    task = S3CrossAccountCopyOperator(task_id="copy", **values)  # type: ignore[arg-type]

    assert {name: getattr(task, name) for name in values} == values
    assert _calls(inspect.getsource(operator), "__init__") == {
        "super().__init__",
        "super",
        "kwargs.pop",
        "options.items",
        "setattr",
    }


def _calls(source: str, function: str) -> set[str]:
    """Return what the body of a function calls."""
    functions = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef))
    body = next(node for node in functions if node.name == function).body
    nodes = (node for statement in body for node in ast.walk(statement))
    return {ast.unparse(node.func) for node in nodes if isinstance(node, ast.Call)}


def test_an_argument_that_is_not_given_has_its_default() -> None:
    """None, for the options of the library: its own default holds."""
    task = S3CrossAccountCopyOperator(task_id="copy", source_key="s3://src/a")
    parameters = arguments()

    assert {name: getattr(task, name) for name in parameters if name != "source_key"} == {
        name: parameter.default for name, parameter in parameters.items() if name != "source_key"
    }
    assert {parameters[argument_of(field)].default for field in FIELDS} == {None}


def test_an_argument_that_does_not_exist_is_refused() -> None:
    """A typing mistake is found when the DAG is parsed."""
    with pytest.raises(Exception, match="concurency"):
        S3CrossAccountCopyOperator(task_id="copy", source_key="s3://src/a", concurency=1)


def test_default_args_and_mapped_tasks_have_the_options() -> None:
    """Airflow finds them in the signature."""
    task = S3CrossAccountCopyOperator(
        task_id="copy", source_key="s3://src/a", default_args={"concurrency": 3}
    )
    mapped = S3CrossAccountCopyOperator.partial(task_id="copy", dag=None, engine="crt").expand(
        source_key=["s3://src/a"]
    )

    assert task.concurrency == 3  # type: ignore[attr-defined]
    assert mapped.partial_kwargs["engine"] == "crt"
    with pytest.raises(TypeError, match="concurency"):
        S3CrossAccountCopyOperator.partial(task_id="other", concurency=1)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"concurrency": "many"}, "concurrency is 'many'; it must be a whole number"),
        ({"concurrency": 0}, "concurrency is 0; it must be between 1 and 1000"),
        ({"bucket_key": "maybe"}, "bucket_key is 'maybe'; it must be true or false"),
        ({"storage_class": "COLD"}, "storage_class is 'COLD'; it must be one of STANDARD, "),
        ({"retry_delay_s": "soon"}, "request_retry_delay_s is 'soon'; it must be a number"),
        ({"sse_kms_key_id": 5}, "sse_kms_key_id is 5; it must be text"),
        ({"retries": 11}, "request_retries is 11; it must be between 0 and 10"),
    ],
)
def test_what_cannot_be_read_is_named(values: dict[str, Any], words: str) -> None:
    """With the argument's name, the value, and what would be right."""
    with pytest.raises(ValidationError, match=words):
        copy_options(values)


@pytest.mark.parametrize(
    ("value", "first", "retry"),
    [
        ("copy", Identical.COPY, Identical.COPY),
        ("skip", Identical.SKIP, Identical.SKIP),
        ("skip-on-retry", Identical.COPY, Identical.SKIP),
    ],
)
def test_identical_objects_by_try(value: str, first: Identical, retry: Identical) -> None:
    """Only ``skip-on-retry`` tells the first try from later ones."""
    assert identical(value, is_retry=False) is first
    assert identical(value, is_retry=True) is retry


def test_wrong_word_for_identical_lists_the_right_ones() -> None:
    """Those of the library and the operator's own."""
    with pytest.raises(ValidationError, match="one of copy, skip or one of skip-on-retry"):
        identical("sometimes", is_retry=False)


def test_a_key_may_be_a_url() -> None:
    """As everywhere in the Amazon provider."""
    assert location("source", None, "s3://bucket/a/b") == location("source", "bucket", "a/b")


@pytest.mark.parametrize(
    ("bucket", "key", "words"),
    [
        ("bucket", "s3://other/a", "source_bucket is 'bucket' and source_key is the URL"),
        (None, "a/b", "no bucket was given for the source"),
        ("Bucket!", "a", "'Bucket!' is not a bucket name"),
        (None, "s3://", "'s3://' is not an S3 URL"),
    ],
)
def test_an_ambiguous_or_missing_location_is_refused(bucket: str, key: str, words: str) -> None:
    """Both a bucket and a URL, no bucket at all, or a name that S3 does not allow."""
    with pytest.raises(ValidationError, match=words):
        location("source", bucket, key)


@pytest.mark.parametrize(
    "changes",
    [
        {"recursive": "perhaps"},
        {"batch_size": 1001},
        {"batch_size": "lots"},
        {"source_key": "s3://elsewhere/in/"},
        {"storage_class": "COLD"},
        {"identical": "sometimes"},
        {"dest_bucket_owner": "me"},
        {"sse_kms_key_id": "key"},
        {"report_path": "/no/such/folder/report.jsonl"},
        {"from_report_path": "/no/such/report.jsonl"},
    ],
    ids=lambda changes: "-".join(map(str, next(iter(changes.items())))),
)
def test_wrong_input_fails_the_task_at_once(stage: Stage, changes: dict[str, Any]) -> None:
    """No retry is consumed, and S3 is asked nothing that writes."""
    stage.server.put(SRC, "in/x", size=1)

    with pytest.raises(S3CopyPermanentError):
        stage.execute(**changes)

    assert stage.sent("CopyObject") == 0
    assert stage.server.objects(DST) == {}


def test_urls_and_text_copy_like_buckets_and_values(stage: Stage) -> None:
    """A DAG full of templates works like one of values."""
    stage.server.put(SRC, "in/x", size=1)

    result = stage.execute(
        source_bucket=None,
        source_key=f"s3://{SRC}/in/",
        destination_bucket=None,
        destination_key=f"s3://{DST}/elsewhere/",
        recursive="True",
        overwrite="false",
        batch_size="10",
        concurrency="2",
        fail_on_error="yes",
    )

    assert result["files_copied_successfully"] == 1
    assert set(stage.server.objects(DST)) == {"elsewhere/x"}
    assert result["source"] == f"s3://{SRC}/in/"
