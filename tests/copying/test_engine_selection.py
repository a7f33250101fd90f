"""Which engine sends the copies: why not CRT is always said, and never found out too late."""

from __future__ import annotations

import importlib.util
import sys
from typing import Any

import pytest
from botocore.config import Config

from s3_xfer import Engine, ErrorClass, PreflightError
from tests.world import DESTINATION_KEY, SRC, World

HAS_CRT = importlib.util.find_spec("awscrt") is not None
needs_crt = pytest.mark.skipif(not HAS_CRT, reason="awscrt is not here")


def why_managed(world: World, **changes: Any) -> str:
    """Return why a copy that may choose was sent by the managed engine; empty if it was not."""
    world.server.put(SRC, "in/x", size=1)
    result = world.copy(engine=Engine.AUTO, **changes)
    assert result.metrics.files_copied_successfully == 1
    assert ("managed" in result.metrics.copied_by_engine) == bool(result.why_managed)
    return result.why_managed


def test_without_awscrt_copies_are_managed_and_the_reason_says_how_to_get_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The extra is optional: its absence is a reason, not an error."""
    monkeypatch.delattr("s3_xfer.copying.crt", raising=False)
    monkeypatch.setitem(sys.modules, "s3_xfer.copying.crt", None)
    assert why_managed(world) == "awscrt is not installed (pip install 's3-xfer[crt]')"


@pytest.mark.skipif(HAS_CRT, reason="this is about an environment without awscrt")
def test_environment_without_awscrt_is_a_supported_one(world: World) -> None:
    """The oldest dependencies come without it, and everything still works."""
    assert "not installed" in why_managed(world)


def test_managed_engine_can_be_asked_for(world: World) -> None:
    """``--engine managed`` is its own reason."""
    world.server.put(SRC, "in/x", size=1)
    result = world.copy(engine=Engine.MANAGED)
    assert result.metrics.copied_by_engine == {"managed": 1}
    assert result.why_managed == 'engine="managed"'


@needs_crt
def test_proxies_are_left_to_boto3(world: World) -> None:
    """The fault server understands what is sent to a proxy."""
    proxied = Config(proxies={"http": world.server.url})
    assert why_managed(
        world, destination=world.account(DESTINATION_KEY, client_config=proxied)
    ) == ("a proxy is configured")


@needs_crt
@pytest.mark.parametrize(
    "environment",
    [
        {"HTTP_PROXY": "http://127.0.0.1:9", "NO_PROXY": "127.0.0.1"},
        {"NO_PROXY": "example.com"},
        {"ftp_proxy": "http://127.0.0.1:9"},
        {"all_proxy": "socks5://127.0.0.1:9"},
        {"https_proxy": "http://127.0.0.1:9"},  # and the endpoint is http
        {"http_proxy": "http://127.0.0.1:9", "no_proxy": "*"},
    ],
    ids="+".join,
)
def test_proxies_that_the_endpoint_does_not_use_do_not_count(
    world: World, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]
) -> None:
    """As with botocore, which looks for the scheme of the endpoint."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert why_managed(world) == ""


@needs_crt
def test_proxies_that_are_configured_for_another_scheme_do_not_count(world: World) -> None:
    """Neither does a configuration that says that there is none."""
    for proxies in ({"https": "http://127.0.0.1:9"}, {}):
        config = Config(proxies=proxies)
        assert why_managed(
            world, destination=world.account(DESTINATION_KEY, client_config=config)
        ) == ("")


@needs_crt
def test_client_certificates_are_left_to_boto3(world: World) -> None:
    """Awscrt is not asked to show one."""
    config = Config(client_cert="/nowhere.pem")
    destination = world.account(DESTINATION_KEY, client_config=config)
    assert why_managed(world, destination=destination) == "a client certificate is configured"


@needs_crt
def test_awscrt_that_works_in_another_way_is_left_alone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Answers reach the program through methods that are not part of awscrt's promises."""
    from s3_xfer.copying import crt_adapter  # noqa: PLC0415 - not everywhere

    names = (*crt_adapter.CALLED_BY_AWSCRT, "_on_news")
    monkeypatch.setattr(crt_adapter, "CALLED_BY_AWSCRT", names)
    assert "is not known to s3-xfer" in why_managed(world)


@needs_crt
def test_engine_that_was_asked_for_is_used_or_refused(world: World) -> None:
    """Nothing is written, and the message says what to leave out."""
    world.server.put(SRC, "in/x", size=1)
    config = Config(proxies={"http": world.server.url})
    operation = world.operation(
        engine=Engine.CRT, destination=world.account(DESTINATION_KEY, client_config=config)
    )
    with pytest.raises(PreflightError, match="a proxy is configured") as refused:
        operation.run()
    assert refused.value.error_class is ErrorClass.INVALID_INPUT
    assert 'leave out engine="crt"' in str(refused.value)
    assert not world.arrived()
