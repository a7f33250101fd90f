"""botocore's models: the same as its own loader reads, but once, and in less time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import botocore.loaders
import pytest
from botocore.exceptions import UnknownServiceError
from botocore.regions import EndpointResolver
from botocore.session import Session

from s3_xfer.access.models import models, share_models

NEWER = "2999-01-01"


@pytest.mark.parametrize("kind", ["service-2", "endpoint-rule-set-1", "paginators-1"])
@pytest.mark.parametrize("service", ["s3", "s3control", "sts", "sso"])
def test_a_model_is_what_botocore_reads_itself(service: str, kind: str) -> None:
    """But for its documentation, and with what is in the files beside it."""
    own = botocore.loaders.Loader().load_service_model(service, kind)
    expected = _undocumented(own) if kind == "service-2" else own
    assert models().load_service_model(service, kind) == expected


def _undocumented(own: Any) -> Any:
    """Return a model without its texts; a member of the same name stays."""
    if isinstance(own, dict):
        return {
            name: "" if name == "documentation" and isinstance(value, str) else _undocumented(value)
            for name, value in own.items()
        }
    return [_undocumented(value) for value in own] if isinstance(own, list) else own


@pytest.mark.parametrize("service", ["s3", "s3-control", "sts", "portal.sso", "oidc", "signin"])
@pytest.mark.parametrize("region", ["eu-central-1", "cn-north-1", "us-gov-west-1", "mars-east-1"])
def test_endpoints_are_those_of_botocore(service: str, region: str) -> None:
    """For all services that are asked; those of others are forgotten."""
    ours, own = (
        EndpointResolver(loader.load_data("endpoints")).construct_endpoint(service, region)
        for loader in (models(), botocore.loaders.Loader())
    )
    assert ours == own


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


def test_an_unknown_service_is_named_with_the_known_ones() -> None:
    """As botocore says it."""
    with pytest.raises(UnknownServiceError, match=r"Unknown service: 's4'.*\bs3\b"):
        models().load_service_model("s4", "service-2")
