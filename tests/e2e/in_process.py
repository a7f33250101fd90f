"""The program in this process: as fast as a call, for tests of what it prints and writes."""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass

import pytest

from s3_xfer.cli.main import run_to_its_end
from tests.e2e.program import Done, Program


@dataclass(frozen=True, slots=True)
class InProcess:
    """Runs command lines in the environment and the directory of a :class:`Program`."""

    program: Program
    patch: pytest.MonkeyPatch

    def run(self, *args: str) -> Done:
        """Run one to its end."""
        out, err = io.StringIO(), io.StringIO()
        with self.patch.context() as patch:
            for name, value in self.program.env.items():
                patch.setenv(name, value)
            patch.chdir(self.program.directory)
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                code = run_to_its_end(args)
        return Done(code, out.getvalue(), err.getvalue())
