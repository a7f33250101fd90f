"""Two Airflow connections become the two sides of a copy, as the Amazon provider reads them."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

from airflow_plugin import S3CopyPermanentError, S3CopyRetryableError
from airflow_plugin.connections import Side
from s3_xfer import ValidationError
from tests.airflow.stage import SECRET, Stage, connection
from tests.fault_server import Fault
from tests.world import DESTINATION_ACCOUNT, DESTINATION_KEY, DST, SOURCE_ACCOUNT, SOURCE_KEY, SRC

ROLE = f"arn:aws:iam::{DESTINATION_ACCOUNT}:role/copier"
SCHEDULER = "333333333333"


def connect(monkeypatch: pytest.MonkeyPatch, stage: Stage, conn_id: str, **extra: Any) -> None:
    """Make a connection with the destination's key."""
    value = connection(DESTINATION_KEY, stage.server.url, **extra)
    monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", value)


def accounts_of(stage: Stage, operation: str) -> set[str]:
    """Return which accounts sent requests of this kind."""
    return {
        request.account_id for request in stage.server.requests if request.operation == operation
    }


def test_each_connection_does_its_side_s_work(stage: Stage) -> None:
    """The source's lists, the destination's copies."""
    stage.server.put(SRC, "in/x", size=1)

    stage.execute()

    assert accounts_of(stage, "ListObjectsV2") == {SOURCE_ACCOUNT}
    assert accounts_of(stage, "CopyObject") == {DESTINATION_ACCOUNT}


def test_without_a_source_connection_the_destination_s_lists(stage: Stage) -> None:
    """One connection is enough if its role may list the source."""
    stage.server.put(SRC, "in/x", size=1)

    stage.execute(source_aws_conn_id=None)

    assert accounts_of(stage, "ListObjectsV2") == {DESTINATION_ACCOUNT}


def test_without_connections_the_worker_s_own_identity_copies(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As everywhere in the Amazon provider: boto3's own chain."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", DESTINATION_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", stage.server.url)
    stage.server.put(SRC, "in/x", size=1)

    result = stage.execute(source_aws_conn_id=None, dest_aws_conn_id=None)

    assert result["files_copied_successfully"] == 1
    assert accounts_of(stage, "CopyObject") == {DESTINATION_ACCOUNT}


@pytest.mark.parametrize("side", ["source", "dest"])
def test_a_named_connection_that_is_missing_fails_the_task(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, side: str
) -> None:
    """Airflow's hook would go on as the pod; here not a request is sent."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", DESTINATION_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_ENDPOINT_URL", stage.server.url)
    stage.server.put(SRC, "in/x", size=1)

    changes: dict[str, Any] = {f"{side}_aws_conn_id": "missing"}
    with pytest.raises(S3CopyPermanentError, match="'missing', which does not exist"):
        stage.execute(**changes)

    assert stage.server.requests == []


def test_a_role_with_an_external_id_is_assumed(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection's role makes the copy, not the key that assumes it."""
    stage.server.add_account(SCHEDULER, access_key="AKIASCHEDULER")
    stage.server.require_external_id(ROLE, "agreed")
    stage.server.put(SRC, "in/x", size=1)
    role = {"role_arn": ROLE, "assume_role_kwargs": {"ExternalId": "agreed"}}
    monkeypatch.setenv("AIRFLOW_CONN_US", connection("AKIASCHEDULER", stage.server.url, **role))

    stage.execute()

    assert accounts_of(stage, "AssumeRole") == {SCHEDULER}
    assert accounts_of(stage, "CopyObject") == {DESTINATION_ACCOUNT}


def test_a_role_that_may_not_be_assumed_fails_the_task_at_once(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message has the connection's name and STS's words, and not the secret."""
    stage.server.require_external_id(ROLE, "agreed")
    connect(monkeypatch, stage, "us", role_arn=ROLE, assume_role_kwargs={"ExternalId": "wrong"})

    with pytest.raises(
        S3CopyPermanentError, match="the connection 'us' cannot be used: "
    ) as refused:
        stage.execute()

    assert "AccessDenied" in str(refused.value) or "not authorized" in str(refused.value)
    assert SECRET not in str(refused.value)
    assert accounts_of(stage, "ListObjectsV2") == set()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("THEM", {"extra": {"service_config": "s3"}}, id="text for a mapping"),
        pytest.param("US", {"extra": {"service_config": "s3"}}, id="the destination's"),
        pytest.param("US", {"extra": {"config_kwargs": {"no_such": 1}}}, id="unknown setting"),
        pytest.param("US", {"extra": {"region_name": 5}}, id="a number for a region"),
        pytest.param("US", {"extra": {"role_arn": 5}}, id="a number for a role"),
        pytest.param("US", {"extra": {"assume_role_method": "wish", "role_arn": ROLE}}, id="how"),
    ],
)
def test_what_the_hook_cannot_read_is_said_of_the_connection(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, name: str, value: dict[str, Any]
) -> None:
    """Whatever it raises (AttributeError, TypeError, ...), and without a retry."""
    monkeypatch.setenv(f"AIRFLOW_CONN_{name}", json.dumps({"conn_type": "aws", **value}))
    stage.server.put(SRC, "in/x", size=1)

    with pytest.raises(S3CopyPermanentError, match=f"the connection '{name.lower()}' cannot be"):
        stage.execute()

    assert stage.sent("CopyObject") == 0


def test_sts_out_of_reach_is_worth_a_retry(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is wrong with the connection itself."""
    sts = {"sts": {"endpoint_url": "http://127.0.0.1:9"}}
    connect(monkeypatch, stage, "us", role_arn=ROLE, service_config=sts)

    with pytest.raises(S3CopyRetryableError, match="the connection 'us' cannot be used: "):
        stage.execute()


def test_credentials_of_a_role_are_renewed_while_the_copy_lasts(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy may outlive its session many times over."""
    stage.server.session_lifetime_s = 2
    for number in range(40):
        stage.server.put(SRC, f"in/{number}", size=1)
    stage.server.inject(Fault.slow("CopyObject", delay_s=0.1))
    connect(monkeypatch, stage, "us", role_arn=ROLE)

    result = stage.execute(concurrency=1)

    assert result["files_copied_successfully"] == 40
    assert stage.server.count("AssumeRole") > 1


def test_config_kwargs_are_kept_and_added_to(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The operator's botocore settings are merged into the connection's and do not replace them."""
    chosen = {"signature_version": "s3v4", "s3": {"addressing_style": "path"}}
    connect(monkeypatch, stage, "tuned", config_kwargs=chosen)

    account = Side(
        name="source", aws_conn_id="tuned", botocore_config={"connect_timeout": 3}
    ).account()

    config: Any = account.client_config
    assert config.s3 == {"addressing_style": "path"}
    assert (config.signature_version, config.connect_timeout) == ("s3v4", 3)


def test_region_and_certificates_come_from_the_task_before_the_connection(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in the operators of the Amazon provider."""
    connect(monkeypatch, stage, "far", region_name="eu-west-1", verify="/etc/connection.pem")

    as_connected = Side(name="source", aws_conn_id="far").account()
    as_asked = Side(
        name="source", aws_conn_id="far", region_name="ap-south-1", verify="/etc/task.pem"
    ).account()

    assert (as_connected.region, as_connected.ca_bundle) == ("eu-west-1", "/etc/connection.pem")
    assert (as_asked.region, as_asked.ca_bundle) == ("ap-south-1", "/etc/task.pem")
    assert as_asked.session is not None
    assert as_asked.session.region_name == "ap-south-1"


def test_s3_has_an_endpoint_of_its_own(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """``service_config`` goes before the endpoint of all services."""
    connect(
        monkeypatch,
        stage,
        "vpc",
        endpoint_url="https://everything.example",
        service_config={"s3": {"endpoint_url": "https://s3.example"}},
    )

    assert Side(name="source", aws_conn_id="vpc").account().endpoint_url == "https://s3.example"


def test_certificates_are_always_checked(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that turns the check off is refused."""
    connect(monkeypatch, stage, "trusting", verify=False)

    with pytest.raises(ValidationError, match="turns off the check of certificates"):
        Side(name="source", aws_conn_id="trusting").account()


def test_the_owner_of_a_bucket_can_be_demanded(stage: Stage) -> None:
    """S3 itself refuses if another account owns the bucket."""
    stage.server.put(SRC, "in/x", size=1)

    with pytest.raises(S3CopyPermanentError):
        stage.execute(source_bucket_owner="999999999999")

    assert stage.execute(source_bucket_owner=SOURCE_ACCOUNT)["files_copied_successfully"] == 1


def test_profile_connections_work(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection may stand for a profile of the worker."""
    with open(os.environ["AWS_SHARED_CREDENTIALS_FILE"], "w") as file:
        file.write(f"[team]\naws_access_key_id={SOURCE_KEY}\naws_secret_access_key={SECRET}\n")
    extra = {"profile_name": "team", "endpoint_url": stage.server.url, "region_name": "us-east-1"}
    value = {"conn_type": "aws", "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_THEM", json.dumps(value))
    stage.server.put(SRC, "in/x", size=1)

    stage.execute()

    assert accounts_of(stage, "ListObjectsV2") == {SOURCE_ACCOUNT}


def test_missing_credentials_are_reported_before_anything_is_sent(stage: Stage) -> None:
    """The message is the library's."""
    with pytest.raises(S3CopyPermanentError, match="no AWS credentials were found"):
        stage.execute(source_aws_conn_id=None, dest_aws_conn_id=None)

    assert stage.server.objects(DST) == {}
