"""The tables for people who come from other operators name all arguments of these."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path

import pytest

from airflow_plugin import S3CrossAccountCopyOperator

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "airflow-coming-from.md"
MODULES = {
    "S3CopyObjectOperator": "s3",
    "S3CopyPrefixOperator": "s3",
    "DataSyncOperator": "datasync",
}
AIRFLOWS_OWN = {"execution_timeout"}


def rows_of(name: str) -> list[tuple[str, str]]:
    """Return argument and counterpart of each row of an operator's table."""
    section = PAGE.read_text(encoding="utf-8").split(f"## {name}\n")[1].split("\n## ")[0]
    return re.findall(r"^\| `(\w+)`[^|]* \| (.+?) \|", section, re.M)


def arguments_of(operator: type) -> set[str]:
    """Return what a constructor takes by name."""
    parameters = inspect.signature(operator).parameters.values()
    return {each.name for each in parameters if each.kind is each.KEYWORD_ONLY}


@pytest.mark.parametrize("name", MODULES)
def test_each_argument_has_its_row(name: str) -> None:
    """All that the operator of this Airflow has, and where it is newer here, no other."""
    module = importlib.import_module(f"airflow.providers.amazon.aws.operators.{MODULES[name]}")
    operator = getattr(module, name, None)
    if operator is None:
        pytest.skip(f"this provider has no {name}")
    theirs = set(inspect.signature(operator.__init__).parameters) - {"self", "kwargs"}

    assert theirs - {"aws_conn_id"} <= {row[0] for row in rows_of(name)}


@pytest.mark.parametrize("name", MODULES)
def test_each_counterpart_is_an_argument(name: str) -> None:
    """Of the operator, or of every operator."""
    ours = arguments_of(S3CrossAccountCopyOperator) | AIRFLOWS_OWN

    assert {word for _, text in rows_of(name) for word in re.findall(r"`(\w+)`", text)} <= ours
