"""The Job and the job definition for shards, against what the engines' own rules say of them."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
import yaml
from botocore.session import get_session
from botocore.validate import ParamValidator

from s3_xfer.cli.exit_codes import ExitCode
from s3_xfer.plans.shard_run import AUTO, ENGINE_VARIABLES
from tests.docs.pages import ROOT
from tests.docs.words import check_call

FOLDER = ROOT / "docs" / "how-to"
JOB: dict[str, Any] = yaml.safe_load((FOLDER / "kubernetes-shards.yaml").read_text())
SPEC: dict[str, Any] = JOB["spec"]
POD: dict[str, Any] = SPEC["template"]["spec"]
CONTAINER: dict[str, Any] = POD["containers"][0]
ONE_COPY: dict[str, Any] = yaml.safe_load((FOLDER / "kubernetes-job.yaml").read_text())
DEFINITION: dict[str, Any] = json.loads((FOLDER / "aws-batch-job-definition.json").read_text())


def test_each_command_is_read_by_the_program() -> None:
    """Both name a plan, and leave the number to the engine."""
    command = DEFINITION["containerProperties"]["command"]
    for words in (CONTAINER["args"], command):
        check_call([word.replace("Ref::plan", "plan") for word in words])
        assert words[words.index("--shard") + 1] == AUTO
    assert DEFINITION["parameters"].keys() == {"plan"}


@pytest.mark.parametrize("version", ["1.29", "1.33", "1.37"])  # back-off of each index; stable
@pytest.mark.parametrize("job", [JOB, ONE_COPY], ids=["shards", "one copy"])
def test_kubernetes_takes_the_job(job: dict[str, Any], version: str) -> None:
    """By Kubernetes' JSON schema of that version; a name that it does not know is wrong."""
    kubernetes = pytest.importorskip("kubernetes_validate", reason="of the locked tests only")

    kubernetes.validate(job, version, strict=True)
    with pytest.raises(kubernetes.ValidationError):
        kubernetes.validate(
            {**job, "spec": {**job["spec"], "paralellism": 1}}, version, strict=True
        )


def test_an_index_is_repeated_alone_and_not_in_vain() -> None:
    """What the API demands for that: Indexed, Never, and a name for the container."""
    fail, ignore = SPEC["podFailurePolicy"]["rules"]

    assert (SPEC["completionMode"], POD["restartPolicy"]) == ("Indexed", "Never")
    assert SPEC["backoffLimitPerIndex"] > 0
    assert "backoffLimit" not in SPEC
    assert fail == {
        "action": "FailIndex",
        "onExitCodes": {
            "containerName": CONTAINER["name"],
            "operator": "In",
            "values": [ExitCode.PERMANENT],
        },
    }
    assert ignore == {
        "action": "Ignore",
        "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}],
    }
    assert SPEC["parallelism"] <= SPEC["completions"]


def test_the_pod_is_that_of_one_copy() -> None:
    """As unprivileged, with as much time to stop; only the volumes differ."""
    other = ONE_COPY["spec"]["template"]["spec"]
    (container,) = other["containers"]

    same = ("securityContext", "terminationGracePeriodSeconds", "serviceAccountName")
    assert {name: POD[name] for name in same} == {name: other[name] for name in same}
    same_of_container = ("image", "resources", "securityContext", "env")
    assert {name: CONTAINER[name] for name in same_of_container} == {
        name: container[name] for name in same_of_container
    }
    mounted = {mount["name"] for mount in CONTAINER["volumeMounts"]}
    assert mounted == {volume["name"] for volume in POD["volumes"]}


def test_the_job_definition_is_what_aws_batch_takes() -> None:
    """Checked with the service's own model, as botocore ships it."""
    model = get_session().get_service_model("batch")
    shape = model.operation_model("RegisterJobDefinition").input_shape

    assert shape
    assert ParamValidator().validate(DEFINITION, shape).generate_report() == ""


@pytest.mark.parametrize("code", sorted(ExitCode), ids=lambda code: code.name)
def test_aws_batch_repeats_what_may_be_repeated(code: ExitCode) -> None:
    """The first rule that matches decides; 0 is no failure."""
    rules = DEFINITION["retryStrategy"]["evaluateOnExit"]
    action = next(rule["action"] for rule in rules if rule.get("onExitCode") in (str(code), "*"))

    assert action == ("EXIT" if code in (ExitCode.OK, ExitCode.PERMANENT) else "RETRY")


def test_the_engines_variables_are_not_set_here() -> None:
    """Or tests of shards would depend on where they run."""
    assert not any(os.environ.get(name) for name in ENGINE_VARIABLES)
