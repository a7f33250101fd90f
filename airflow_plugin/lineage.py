"""The lineage of a copy for OpenLineage: two datasets, and afterwards objects and bytes.

OpenLineage's packages are optional, so this module is imported only when its listener asks; the
listener sends the events. A location is one dataset, however many objects lie below it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow.providers.openlineage.extractors import OperatorLineage
from openlineage.client.event_v2 import Dataset, InputDataset, OutputDataset
from openlineage.client.facet_v2 import output_statistics_output_dataset

from s3_xfer import S3Location


def lineage(
    source: S3Location, destination: S3Location | None, result: Mapping[str, Any] | None
) -> OperatorLineage[Any, Any]:
    """Return the lineage of one copy; with counts and bytes once there is a result.

    Without a ``destination``, for a dry run, nothing is written.
    """
    facets: dict[str, Any] = {}
    if result is not None:
        facets["outputStatistics"] = (
            output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(
                fileCount=result["files_copied_successfully"],
                size=result["total_bytes_transferred"],
            )
        )
    inputs: list[Dataset] = [InputDataset(*_name(source))]
    outputs: list[Dataset] = (
        [OutputDataset(*_name(destination), outputFacets=facets)] if destination else []
    )
    return OperatorLineage(inputs=inputs, outputs=outputs)


def _name(location: S3Location) -> tuple[str, str]:
    """Return namespace and name after OpenLineage's naming of S3, as other producers write it."""
    return f"s3://{location.bucket}", location.key.rstrip("/") or "/"
