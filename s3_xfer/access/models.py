"""botocore's descriptions of services and endpoints, read once for all sessions of this process.

A client needs about 1.5 MB of JSON. botocore reads it again for each session, into ordered dicts,
which take twice the time of plain ones, and looks through the folders of all services to learn
whether there is one. Where it looks for files, and which of them it takes, stays its own choice.

Nearly half of the JSON are the endpoints of all services. Those of S3 in the regions follow one
pattern, so it is not read for them: that saves 10 ms of each start, and 4 MiB.
"""

from __future__ import annotations

import functools
import gzip
import json
import os
from collections.abc import Callable, Mapping
from typing import Any

from botocore.loaders import JSONFileLoader, Loader, create_loader
from botocore.regions import EndpointResolver
from botocore.session import Session

_OPENED_BY: Mapping[str, Callable[..., Any]] = {".json": open, ".json.gz": gzip.open}


class _Files(JSONFileLoader):
    """Reads a file of JSON, compressed or not, into plain dicts, which keep their order, too."""

    def load_file(self, file_path: str) -> Any:
        """Return what the file has, whose name lacks its extension; None if there is none."""
        for extension, opened_by in _OPENED_BY.items():
            if os.path.isfile(file_path + extension):
                with opened_by(file_path + extension, "rb") as file:
                    return json.loads(file.read())
        return None


class _Models(Loader):
    """A loader that knows services by the names of their folders alone."""

    FILE_LOADER_CLASS = _Files

    def list_available_services(self, type_name: str) -> list[str]:  # noqa: ARG002 - as the base
        """Return the folders of services. Whether one has the file is seen when it is read."""
        paths = (path for path in self.search_paths if os.path.isdir(path))
        return sorted({name for path in paths for name in os.listdir(path)})


class _Endpoints(EndpointResolver):
    """The endpoints of botocore's own file, which is read when they are not S3's in a region."""

    def __init__(self, loader: Loader) -> None:
        self.uses_builtin_data = True
        self._loader = loader

    @functools.cached_property
    def _endpoint_data(self) -> Mapping[str, Any]:
        data: Mapping[str, Any] = self._loader.load_data("endpoints")
        return data

    @functools.cached_property
    def _partitions(self) -> Mapping[str, Mapping[str, str]]:
        """The partition of each region; what is global has endpoints of its own."""
        return {
            region: partition["outputs"]
            for partition in self._loader.load_data("partitions")["partitions"]
            for region in partition["regions"]
            if not region.endswith("-global")
        }

    def construct_endpoint(  # type: ignore[override] # the two bases differ
        self,
        service_name: str,
        region_name: str | None = None,
        partition_name: str | None = None,
        use_dualstack_endpoint: bool = False,  # noqa: FBT001, FBT002 - as the base
        use_fips_endpoint: bool = False,  # noqa: FBT001, FBT002
    ) -> dict[str, Any] | None:
        """Return what describes the endpoint; None if there is none."""
        demands = (partition_name, use_dualstack_endpoint, use_fips_endpoint)
        partition = self._partitions.get(region_name or "")
        if service_name != "s3" or not partition or any(demands):
            return super().construct_endpoint(service_name, region_name, *demands)
        return {
            "partition": partition["name"],
            "dnsSuffix": partition["dnsSuffix"],
            "endpointName": region_name,
            "hostname": f"s3.{region_name}.{partition['dnsSuffix']}",
            "protocols": ["http", "https"],
            "signatureVersions": ["s3v4"],
        }

    def get_available_endpoints(
        self,
        service_name: str,
        partition_name: str = "aws",
        allow_non_regional: bool = False,  # noqa: FBT001, FBT002 - as the base
        endpoint_variant_tags: Any = None,
    ) -> list[str]:
        """Return the regions; a client of S3 asks whether its own is known."""
        demands = (allow_non_regional, endpoint_variant_tags)
        if service_name != "s3" or any(demands):
            return super().get_available_endpoints(service_name, partition_name, *demands)
        partitions = self._partitions.items()
        return [region for region, each in partitions if each["name"] == partition_name]


def share_models(core: Session) -> None:
    """Let ``core`` take its models from those that other sessions have read."""
    core.lazy_register_component(
        "data_loader", lambda: models(core.get_config_variable("data_path"))
    )
    # botocore has no other way to replace the resolver, whose data it reads at the first client.
    core._internal_components.lazy_register_component(  # type: ignore[attr-defined] # noqa: SLF001
        "endpoint_resolver", lambda: _endpoints(core.get_component("data_loader"))
    )


def _endpoints(loader: Loader) -> EndpointResolver:
    """Return botocore's endpoints, or those of a file of the user, if there is one."""
    files = (os.path.join(folder, "endpoints") for folder in loader.search_paths)
    if loader.is_builtin_path(next(filter(loader.file_loader.exists, files), "")):
        return _Endpoints(loader)
    data, path = loader.load_data_with_path("endpoints")
    return EndpointResolver(data, uses_builtin_data=loader.is_builtin_path(path))


@functools.cache
def models(data_path: str | None = None) -> Loader:
    """Return what loads models for a value of ``AWS_DATA_PATH``, for good."""
    paths = create_loader(data_path).search_paths
    return _Models(paths, include_default_search_paths=False)
