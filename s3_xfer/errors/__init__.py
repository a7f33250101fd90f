"""Everything that can go wrong, what each class means for a run, and how it is recognised."""

from s3_xfer.errors.error_class import RUNBOOK, ErrorClass, RetryAction
from s3_xfer.errors.exceptions import (
    AccessAction,
    CopyFailed,
    Diagnosis,
    ErrorInfo,
    JournalError,
    Missing,
    ObjectError,
    PreflightError,
    ReportError,
    RunAborted,
    RunCancelled,
    S3XferError,
    ValidationError,
)
from s3_xfer.errors.translation import ATTEMPTS, classify, translate, translate_answer

__all__ = [
    "ATTEMPTS",
    "RUNBOOK",
    "AccessAction",
    "CopyFailed",
    "Diagnosis",
    "ErrorClass",
    "ErrorInfo",
    "JournalError",
    "Missing",
    "ObjectError",
    "PreflightError",
    "ReportError",
    "RetryAction",
    "RunAborted",
    "RunCancelled",
    "S3XferError",
    "ValidationError",
    "classify",
    "translate",
    "translate_answer",
]
