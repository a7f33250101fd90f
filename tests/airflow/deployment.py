"""A real Airflow, with runs that tests start and states that they change.

Tests trigger runs and change states through Airflow's own functions in this process, as its
command line and API do; tasks run in processes of their own.
"""

from __future__ import annotations

import importlib
import json
import os
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from scripts.airflow_local import IS_2, LocalAirflow

_START_S = 180
_ANSWER_S = 30
_POLL_S = 0.2


def wait_until(holds: Callable[[], Any], event: str, timeout_s: float = 60) -> Any:
    """Return the first true value that ``holds`` returns; fail after ``timeout_s``."""
    until_s = time.monotonic() + timeout_s
    while not (result := holds()):
        assert time.monotonic() < until_s, f"waited {timeout_s} s in vain for: {event}"
        time.sleep(_POLL_S)
    return result


def sync_dags(dags: list[Any]) -> None:
    """Write DAGs to the database, which 3.x needs before ``dag.test()``."""
    if IS_2:
        return
    from airflow.dag_processing.bundles.manager import DagBundlesManager

    module: Any
    try:
        module = importlib.import_module("airflow.dag_processing.dagbag")
    except ImportError:  # 3.0 and 3.1
        module = importlib.import_module("airflow.models.dagbag")
    bundles: Any = DagBundlesManager
    bundles().sync_bundles_to_db()
    bag = module.DagBag(os.devnull)
    for dag in dags:
        bag.bag_dag(dag)
    if hasattr(module, "sync_bag_to_db"):
        module.sync_bag_to_db(bag, "dags-folder", None)
    else:  # 3.0, which expects what only the reading of a file sets
        for dag in dags:
            dag.relative_fileloc = dag.fileloc
        bag.sync_to_db("dags-folder", None)


class Deployment(LocalAirflow):
    """Airflow for as long as the ``with`` block lasts; ``environment`` is added to this one's."""

    def __init__(self, home: Path, environment: Mapping[str, str]) -> None:
        super().__init__(home, {**os.environ, **environment})
        self.logs = home / "logs"

    # ------------------------------------------------------------------------- runs and states

    def trigger(self, dag_id: str, **params: Any) -> str:
        """Start a run, once the DAG is known and tasks can reach Airflow, and return its id."""
        from airflow.api.common.trigger_dag import trigger_dag

        wait_until(self._answers, "an answer of Airflow", _START_S)
        wait_until(lambda: self._is_known(dag_id), f"the DAG {dag_id}", _START_S)
        settings: dict[str, Any] = {}
        if not IS_2:
            from airflow.utils.types import DagRunTriggeredByType

            settings["triggered_by"] = DagRunTriggeredByType.TEST
        run_id = f"test_{dag_id}"
        trigger_dag(dag_id, run_id=run_id, conf=params or {}, **settings)
        return run_id

    def _answers(self) -> bool:
        """Return whether 3.x's API server does; a task that finds none fails."""
        if IS_2:
            return True
        try:
            with urllib.request.urlopen(f"{self.url}/api/v2/version", timeout=_ANSWER_S):
                return True
        except OSError:
            return False

    def _is_known(self, dag_id: str) -> bool:
        from airflow.models import DagModel
        from airflow.models.serialized_dag import SerializedDagModel

        return SerializedDagModel.has_dag(dag_id) and DagModel.get_current(dag_id) is not None

    def instances(self, dag_id: str) -> list[Any]:
        """Return the task instances of the DAG's run, as they are now."""
        from airflow.models import TaskInstance
        from airflow.utils.session import create_session

        with create_session() as session:
            instances = session.query(TaskInstance).filter(TaskInstance.dag_id == dag_id).all()
            session.expunge_all()
            return list(instances)

    def state_of(self, dag_id: str) -> str | None:
        """Return the state of the DAG's run."""
        from airflow.models import DagRun
        from airflow.utils.session import create_session

        with create_session() as session:
            state: str | None = session.query(DagRun.state).filter(DagRun.dag_id == dag_id).scalar()
            return state

    def wait_for_end(self, dag_id: str, timeout_s: float = 240) -> str:
        """Wait for the end of the DAG's run, and return its state."""
        wait_until(lambda: self.state_of(dag_id) in ("success", "failed"), dag_id, timeout_s)
        return str(self.state_of(dag_id))

    def mark_failed(self, dag_id: str) -> None:
        """Do what the button does."""
        self.instances(dag_id)[0].set_state("failed")

    def clear(self, dag_id: str) -> None:
        """Do what the button does."""
        from airflow.models.taskinstance import TaskInstance, clear_task_instances
        from airflow.utils.session import create_session

        with create_session() as session:
            instances = session.query(TaskInstance).filter(TaskInstance.dag_id == dag_id).all()
            clear_task_instances(instances, session)

    def xcom(self, dag_id: str, task_id: str = "copy", key: str = "return_value") -> Any:
        """Return one XCom of the DAG's run."""
        from airflow.models import xcom
        from airflow.utils.session import create_session

        model: Any = xcom.BaseXCom if IS_2 else xcom.XComModel
        with create_session() as session:
            row = (
                session.query(model)
                .filter(model.dag_id == dag_id, model.task_id == task_id, model.key == key)
                .one()
            )
            return row.value if IS_2 else model.deserialize_value(row)

    def links(self, dag_id: str, task_id: str) -> dict[str, str]:
        """Return what the buttons of a task lead to."""
        if not IS_2:  # computed on the worker, kept as XComs
            return {
                "S3 source": self.xcom(dag_id, task_id, "_link_S3SourceLink"),
                "S3 destination": self.xcom(dag_id, task_id, "_link_S3DestinationLink"),
            }
        from airflow import models  # as the webserver does it

        bag: Any = models.DagBag
        task = bag(read_dags_from_db=True).get_dag(dag_id).get_task(task_id)
        (instance,) = (ti for ti in self.instances(dag_id) if ti.task_id == task_id)
        return {name: task.get_extra_links(instance, name) for name in task.extra_links}

    def asset_events(self) -> dict[str, Any]:
        """Return the extra of every asset event by URI."""
        from airflow.utils.session import create_session

        with create_session() as session:
            if IS_2:
                from airflow.models.dataset import (  # type: ignore[import-not-found]
                    DatasetEvent,
                )

                return {event.dataset.uri: event.extra for event in session.query(DatasetEvent)}
            from airflow.models.asset import AssetEvent

            return {event.asset.uri: event.extra for event in session.query(AssetEvent)}

    def log_of(self, dag_id: str, task_id: str = "copy", try_number: int = 1) -> str:
        """Return the log file of one try."""
        name = f"dag_id={dag_id}/**/task_id={task_id}/**/attempt={try_number}.log"
        (path,) = self.logs.glob(name)
        return path.read_text()


def supervisor_of(instance: Any) -> int:
    """Return the process that watches over a task's process: what a pod's SIGTERM reaches."""
    status = Path(f"/proc/{instance.pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("PPid:")))


def messages(log: str) -> Iterator[str]:
    """Yield the lines of a log file: text on 2.x, JSON on 3.x."""
    for line in log.splitlines():
        yield str(json.loads(line).get("event", "")) if line.startswith("{") else line
