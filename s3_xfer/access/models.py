"""botocore's descriptions of services and endpoints, read once for all sessions of this process.

A client needs about 1.5 MB of JSON. botocore reads it again for each session, into ordered dicts,
which take twice the time of plain ones, and looks through the folders of all services to learn
whether there is one. Where it looks for files, and which of them it takes, stays its own choice.
Endpoints of services that are never asked, and texts for people, are forgotten: 5 of 8 MiB.
"""

from __future__ import annotations

import functools
import gzip
import json
import os
from collections.abc import Callable, Mapping
from typing import Any

from botocore.loaders import JSONFileLoader, Loader, create_loader
from botocore.session import Session

# By the prefixes of their endpoints; one that is not there has the usual form of its partition.
_SERVICES_USED = frozenset({"s3", "s3-control", "sts", "portal.sso", "oidc"})
_OPENED_BY: Mapping[str, Callable[..., Any]] = {".json": open, ".json.gz": gzip.open}


class _Files(JSONFileLoader):
    """Reads a file of JSON, compressed or not, into plain dicts, which keep their order, too."""

    def load_file(self, file_path: str) -> Any:
        """Return what the file has, whose name lacks its extension; None if there is none."""
        for extension, opened_by in _OPENED_BY.items():
            if os.path.isfile(file_path + extension):
                with opened_by(file_path + extension, "rb") as file:
                    return _used(json.loads(file.read()))
        return None


def _used(model: Any) -> Any:
    """Return ``model`` without texts for people, and without endpoints of other services."""
    match model:
        case {"partitions": [*partitions]}:
            for partition in partitions:
                services = partition.get("services", {})
                for name in services.keys() - _SERVICES_USED:
                    del services[name]
        case {"shapes": _, "operations": _}:
            _remove_documentation(model)
    return model


def _remove_documentation(node: Any) -> None:
    if isinstance(node, dict):
        if isinstance(node.get("documentation"), str):  # not a member of that name
            node["documentation"] = ""  # botocore expects one
        for child in node.values():
            _remove_documentation(child)
    elif isinstance(node, list):
        for child in node:
            _remove_documentation(child)


class _Models(Loader):
    """A loader that knows services by the names of their folders alone."""

    FILE_LOADER_CLASS = _Files

    def list_available_services(self, type_name: str) -> list[str]:  # noqa: ARG002 - as the base
        """Return the folders of services. Whether one has the file is seen when it is read."""
        paths = (path for path in self.search_paths if os.path.isdir(path))
        return sorted({name for path in paths for name in os.listdir(path)})


def share_models(core: Session) -> None:
    """Let ``core`` take its models from those that other sessions have read."""
    core.lazy_register_component(
        "data_loader", lambda: models(core.get_config_variable("data_path"))
    )


@functools.cache
def models(data_path: str | None = None) -> Loader:
    """Return what loads models for a value of ``AWS_DATA_PATH``, for good."""
    paths = create_loader(data_path).search_paths
    return _Models(paths, include_default_search_paths=False)
