"""What is loaded when a DAG file is parsed."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from airflow_plugin import example_dags

EXAMPLES = Path(example_dags.__file__).parent

PROGRAM = """
import sys
try:
    from airflow.sdk import BaseOperator
except ImportError:
    from airflow.models import BaseOperator
import airflow.configuration, airflow.plugins_manager
class AnyOperator(BaseOperator):
    pass
AnyOperator(task_id="any")  # the first one of all loads modules of Airflow: in 3.0, of its server
before = set(sys.modules)
from airflow_plugin import {name}
extra = {{}} if "Batch" not in "{name}" else {{"plan": "p", "role_arn": "r", "report_bucket": "b"}}
{name}(task_id="task", source_key="s3://a/b", destination_key="s3://c/d", **extra)
heavy = ("boto3", "botocore", "s3transfer", "awscrt", "rich", "click")
engine = ("s3_xfer.copying", "s3_xfer.runs", "s3_xfer.access", "s3_xfer.operations")
for module in sorted(set(sys.modules) - before):
    if module.split(".")[0] in heavy or module.startswith(engine):
        print("heavy:", module)
"""


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("example_*.py")), ids=lambda path: path.stem)
def test_every_example_describes_itself(path: Path) -> None:
    """The page "Docs" of each DAG is the text at the top of its file."""
    module = importlib.import_module(f"{example_dags.__name__}.{path.stem}")

    assert module.dag.doc_md
    assert module.dag.doc_md.strip() == (module.__doc__ or "").strip()
    assert module.dag.description


@pytest.mark.parametrize(
    "name",
    ["S3CrossAccountCopyOperator", "S3CrossAccountCheckOperator", "S3BatchCopyOperator"],
)
def test_parsing_a_dag_loads_neither_boto3_nor_the_engine(name: str) -> None:
    """Beyond what any operator loads: each file is parsed every few seconds, in a new process."""
    loaded = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(name=name)],
        env=os.environ,
        capture_output=True,
        text=True,
        check=True,
    )

    heavy = [line for line in loaded.stdout.splitlines() if line.startswith("heavy: ")]
    assert heavy == []  # Airflow 3.0 prints lines of its own
