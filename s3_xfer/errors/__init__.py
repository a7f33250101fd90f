"""Everything that can go wrong, what each class means for a run, and how it is recognised."""

from s3_xfer.errors.codes import classify as classify
from s3_xfer.errors.error_class import RUNBOOK as RUNBOOK
from s3_xfer.errors.error_class import ErrorClass as ErrorClass
from s3_xfer.errors.error_class import RetryAction as RetryAction
from s3_xfer.errors.exceptions import AccessAction as AccessAction
from s3_xfer.errors.exceptions import CopyFailed as CopyFailed
from s3_xfer.errors.exceptions import Diagnosis as Diagnosis
from s3_xfer.errors.exceptions import ErrorInfo as ErrorInfo
from s3_xfer.errors.exceptions import JournalError as JournalError
from s3_xfer.errors.exceptions import Missing as Missing
from s3_xfer.errors.exceptions import ObjectError as ObjectError
from s3_xfer.errors.exceptions import PreflightError as PreflightError
from s3_xfer.errors.exceptions import ReportError as ReportError
from s3_xfer.errors.exceptions import RunAborted as RunAborted
from s3_xfer.errors.exceptions import RunCancelled as RunCancelled
from s3_xfer.errors.exceptions import S3XferError as S3XferError
from s3_xfer.errors.exceptions import ValidationError as ValidationError
from s3_xfer.errors.translation import ATTEMPTS as ATTEMPTS
from s3_xfer.errors.translation import translate as translate
from s3_xfer.errors.translation import translate_answer as translate_answer
from s3_xfer.errors.translation import upload_is_gone as upload_is_gone
