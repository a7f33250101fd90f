"""What a run logs: to the logger ``s3_xfer`` or the caller's own, with the run's id."""

from __future__ import annotations

import logging
from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any

LOGGER = logging.getLogger("s3_xfer")
RUN_ID = "s3_xfer_run_id"  # attribute of every record

if TYPE_CHECKING:
    _Adapter = logging.LoggerAdapter[logging.Logger]
else:
    _Adapter = logging.LoggerAdapter


class RunLog(_Adapter):
    """Passes records on to ``logger``, each with ``run_id`` in its attribute :data:`RUN_ID`."""

    def __init__(self, logger: logging.Logger = LOGGER, run_id: str = "") -> None:
        super().__init__(logger, {RUN_ID: run_id})

    def process(
        self, msg: Any, kwargs: MutableMapping[str, Any]
    ) -> tuple[Any, MutableMapping[str, Any]]:
        """Add the id to what the call itself adds."""
        kwargs["extra"] = {**(self.extra or {}), **(kwargs.get("extra") or {})}
        return msg, kwargs
