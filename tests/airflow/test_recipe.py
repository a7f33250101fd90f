"""The recipe for people's own tests of their DAGs, as the how-to prints it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "testing.md"


def test_the_recipe_for_testing_a_dag_works(tmp_path: Path) -> None:
    """Its two files are written as they stand there, and run."""
    section = PAGE.read_text(encoding="utf-8").split("## A DAG\n")[1]
    dag, test = re.findall(r"^```python\n(.*?)^```$", section, re.M | re.S)
    (tmp_path / "my_dags").mkdir()
    (tmp_path / "my_dags" / "copy_orders.py").write_text(dag)
    (tmp_path / "test_copy_orders.py").write_text(test)
    programs = str(Path(sys.executable).parent)

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "test_copy_orders.py"],
        cwd=tmp_path,
        env={**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout
