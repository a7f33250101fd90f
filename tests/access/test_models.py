"""botocore's models: the same as its own loader reads, but once, and in less time."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path
from typing import Any

import botocore.loaders
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from botocore.exceptions import BotoCoreError, UnknownServiceError
from botocore.session import Session
from urllib3 import HTTPResponse

from s3_xfer.access.models import models, share_models

NEWER = "2999-01-01"


@pytest.mark.parametrize("kind", ["service-2", "endpoint-rule-set-1", "paginators-1"])
def test_a_model_is_what_botocore_reads_itself(kind: str) -> None:
    """All of it, what is in the files beside it included."""
    own = botocore.loaders.Loader()
    assert models().load_service_model("s3", kind) == own.load_service_model("s3", kind)


def test_other_data_is_what_botocore_reads_itself() -> None:
    """The endpoints of all services, which are read for each client."""
    assert models().load_data("endpoints") == botocore.loaders.Loader().load_data("endpoints")


def test_sessions_share_what_was_read() -> None:
    """The model is read once in a process, not once for each account."""
    one, other = Session(), Session()
    share_models(one)
    share_models(other)
    assert one.get_component("data_loader") is other.get_component("data_loader")
    assert one.get_service_model("s3").metadata is other.get_service_model("s3").metadata


def test_a_folder_of_models_is_looked_into_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As AWS_DATA_PATH names it, and the newest version in it counts."""
    folder = tmp_path / "s3" / NEWER
    folder.mkdir(parents=True)
    model = {"metadata": {"apiVersion": NEWER, "endpointPrefix": "s3"}, "operations": {}}
    (folder / "service-2.json").write_text(json.dumps(model), encoding="utf-8")
    monkeypatch.setenv("AWS_DATA_PATH", str(tmp_path))
    session = Session()
    share_models(session)
    assert session.get_service_model("s3").api_version == NEWER


def _sharing_session() -> Session:
    session = Session()
    share_models(session)
    return session


_OWN, _SHARING = Session(), _sharing_session()  # reading the endpoints takes most of a test


def _s3_regions() -> list[str | None]:
    """Every region of every partition, what is global, and names that are no region."""
    session = Session()
    partitions = session.get_available_partitions()
    known = {
        region
        for partition in partitions
        for region in session.get_available_regions(
            "s3", partition_name=partition, allow_non_regional=True
        )
    }
    listed = {
        region
        for partition in models().load_data("partitions")["partitions"]
        for region in partition["regions"]
    }
    return [None, "garage", "auto", "us-east-99", *sorted(known | listed)]


@pytest.mark.parametrize("region", _s3_regions())
def test_a_client_reaches_s3_where_botocore_does_by_itself(region: str | None) -> None:
    """In each region, and with the variants of its endpoint."""
    configs = Config(), Config(use_dualstack_endpoint=True), Config(use_fips_endpoint=True)
    for config in configs:
        expected, described = (_described(session, region, config) for session in (_OWN, _SHARING))
        assert described == expected


def _client(
    session: Session, service: str, region: str | None, config: Config | None = None
) -> Any:
    return session.create_client(
        service,
        region_name=region,
        aws_access_key_id="AKIAIOSFODNN7EXAMPLE",
        aws_secret_access_key="example",
        config=config,
    )


def _no_content() -> HTTPResponse:
    return HTTPResponse(BytesIO(), preload_content=False)


def _described(session: Session, region: str | None, config: Config) -> object:
    """Return where a client of S3 sends a request, and how it signs it; or why there is none."""
    sent: list[AWSPreparedRequest] = []

    def answer(request: AWSPreparedRequest, **_: object) -> AWSResponse:
        sent.append(request)
        return AWSResponse(request.url, 200, HTTPHeaders(), _no_content())

    try:
        client = _client(session, "s3", region, config)
        client.meta.events.register("before-send.s3", answer)
        client.head_bucket(Bucket="b")
    except BotoCoreError as error:
        return type(error), str(error)
    signed = str(sent[0].headers["Authorization"]).split("SignedHeaders", 1)[0]
    meta = client.meta
    return sent[0].url, signed, meta.endpoint_url, meta.region_name, meta.partition, meta.config.s3


def test_the_endpoints_of_other_services_are_not_read_for_s3() -> None:
    """Until one of them is needed."""
    session = _sharing_session()
    resolver = session._internal_components.get_component("endpoint_resolver")  # type: ignore[attr-defined]
    _client(session, "s3", "eu-west-1")
    assert "_endpoint_data" not in vars(resolver)
    _client(session, "sts", "eu-west-1")
    assert "_endpoint_data" in vars(resolver)


def test_a_file_of_endpoints_of_the_users_own_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As AWS_DATA_PATH names it."""
    data = botocore.loaders.Loader().load_data("endpoints")
    data["partitions"][0]["services"]["s3"]["endpoints"]["eu-west-1"] = {
        "hostname": "s3.example.test"
    }
    (tmp_path / "endpoints.json").write_text(json.dumps(data), encoding="utf-8")
    monkeypatch.setenv("AWS_DATA_PATH", str(tmp_path))
    expected, described = (
        _described(session, "eu-west-1", Config()) for session in (Session(), _sharing_session())
    )
    assert expected == described
    assert "s3.example.test" in str(described)


def test_an_unknown_service_is_named_with_the_known_ones() -> None:
    """As botocore says it."""
    with pytest.raises(UnknownServiceError, match=r"Unknown service: 's4'.*\bs3\b"):
        models().load_service_model("s4", "service-2")
