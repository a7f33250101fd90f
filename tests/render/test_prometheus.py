"""The metrics file: a format that Prometheus reads, and names that the documents know."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from s3_xfer.render.progress import Phase
from s3_xfer.render.prometheus import Sample, prometheus_text
from tests.docs.pages import ROOT
from tests.render import samples

HOW_TO = ROOT / "docs" / "how-to" / "monitoring.md"
DASHBOARD = ROOT / "docs" / "how-to" / "grafana-dashboard.json"
_NAME = re.compile(r"\bs3_xfer_[a-z_]+")


def text_of(**changes: Any) -> str:
    """Return the file of a run with failures that has ended."""
    usual: dict[str, Any] = {
        "name": "nightly",
        "command": "copy",
        "phase": Phase.ENDED,
        "metrics": samples.ended(),
        "exit_code": 1,
        "last_success_s": 1.5e9,
    }
    return prometheus_text(Sample(**(usual | changes)))


def names_of(text: str) -> set[str]:
    """Return the names of all samples."""
    return {
        sample.name for family in text_string_to_metric_families(text) for sample in family.samples
    }


@pytest.mark.parametrize("name", ["nightly", 'a"b', "a\\b", "a\nb", "é", "{}", "a=b,c"])
def test_any_name_of_a_file_is_a_label(name: str) -> None:
    """It comes back as it was."""
    families = list(text_string_to_metric_families(text_of(name=name)))

    assert {sample.labels["name"] for each in families for sample in each.samples} == {name}


def test_labels_have_few_values() -> None:
    """Neither keys nor buckets, ids or messages are labels."""
    families = text_string_to_metric_families(text_of())
    labels = {
        label: {sample.labels[label] for sample in each.samples}
        for each in families
        for label in each.samples[0].labels
    }

    assert labels.keys() == {
        *("name", "outcome", "error_class", "operation", "phase", "command", "version"),
    }
    assert labels["error_class"] == {"AccessDenied", "Throttled"}
    assert sum(map(len, labels.values())) < 30


def test_what_is_not_known_is_not_there() -> None:
    """A run that lasts has no exit code, and zero would be a success."""
    names = names_of(text_of(exit_code=None, last_success_s=None))

    assert not {"s3_xfer_exit_code", "s3_xfer_last_success_timestamp_seconds"} & names


def test_the_documents_and_the_dashboard_know_every_metric() -> None:
    """And no other."""
    names = names_of(text_of())
    dashboard = json.loads(DASHBOARD.read_text())
    queries = " ".join(
        target["expr"] for panel in dashboard["panels"] for target in panel["targets"]
    )

    assert set(_NAME.findall(HOW_TO.read_text())) == names
    assert set(_NAME.findall(queries)) <= names
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])


def test_the_dashboard_is_one_that_grafana_draws() -> None:
    """Panels of known types in a grid of 24 columns, none over another; its variables exist."""
    dashboard = json.loads(DASHBOARD.read_text())
    variables = {each["name"] for each in dashboard["templating"]["list"]}
    taken = set[tuple[int, int]]()

    assert dashboard["schemaVersion"] >= 36  # since then a data source is an object
    for panel in dashboard["panels"]:
        grid, references = panel["gridPos"], [each["refId"] for each in panel["targets"]]
        cells = {(grid["x"] + x, grid["y"] + y) for x in range(grid["w"]) for y in range(grid["h"])}
        assert panel["title"]
        assert panel["type"] in {"stat", "timeseries"}
        assert {"defaults", "overrides"} <= panel["fieldConfig"].keys()
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert max(x for x, _ in cells) < 24
        assert not cells & taken
        assert len(set(references)) == len(references) > 0
        taken |= cells
    assert set(re.findall(r"\$\{?([a-z_]+)", json.dumps(dashboard["panels"]))) == variables
