"""S3's refusals, word for word where a client may read them.

Operations raise a :class:`Refusal`; only the server turns it into an answer. This module refuses
to decide *when* something is refused. Codes and status: "Error responses" of the S3 API reference.
"""

from __future__ import annotations

from collections.abc import Mapping

MAX_COPY_BYTES = 5 * 1024**3  # largest source of CopyObject, and largest part


class Refusal(Exception):  # noqa: N818 - S3 says no; that is not this server's error
    """An answer other than success: status, S3's code, message, more XML elements, headers."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str = "",
        *,
        details: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status, code, message)
        self.status = status
        self.code = code
        self.message = message or code
        self.details = details or {}
        self.headers = headers or {}


def access_denied(**headers: str) -> Refusal:
    """The account may not do that, or the bucket's owner is not the expected one."""
    return Refusal(403, "AccessDenied", "Access Denied", headers=headers)


def invalid_access_key(access_key: str) -> Refusal:
    """Nobody has this access key."""
    message = "The AWS Access Key Id you provided does not exist in our records."
    return Refusal(403, "InvalidAccessKeyId", message, details={"AWSAccessKeyId": access_key})


def expired_token() -> Refusal:
    """The session's credentials are past their end."""
    return Refusal(400, "ExpiredToken", "The provided token has expired.")


def no_such_bucket(name: str) -> Refusal:
    """There is no such bucket, in any account."""
    message = "The specified bucket does not exist"
    return Refusal(404, "NoSuchBucket", message, details={"BucketName": name})


def no_such_key(key: str) -> Refusal:
    """There is no such object, and the account may know that."""
    return Refusal(404, "NoSuchKey", "The specified key does not exist.", details={"Key": key})


def no_such_version(key: str, version: str) -> Refusal:
    """The object is not there in that version."""
    details = {"Key": key, "VersionId": version}
    return Refusal(404, "NoSuchVersion", "The specified version does not exist.", details=details)


def no_such_upload(upload_id: str) -> Refusal:
    """The upload was completed, aborted or never begun."""
    message = (
        "The specified upload does not exist. The upload ID may be invalid, or the upload may have "
        "been aborted or completed."
    )
    return Refusal(404, "NoSuchUpload", message, details={"UploadId": upload_id})


def wrong_region(signed: str, actual: str) -> Refusal:
    """The request was signed for another region than the bucket's."""
    message = (
        f"The authorization header is malformed; the region '{signed}' is wrong; "
        f"expecting '{actual}'"
    )
    return Refusal(
        400,
        "AuthorizationHeaderMalformed",
        message,
        details={"Region": actual},
        headers={"x-amz-bucket-region": actual},
    )


def precondition_failed(condition: str) -> Refusal:
    """A condition of the request does not hold; S3 names the header in ``Condition``."""
    message = "At least one of the pre-conditions you specified did not hold"
    return Refusal(412, "PreconditionFailed", message, details={"Condition": condition})


def source_too_large() -> Refusal:
    """The source, or the part, is above 5 GiB."""
    message = (
        "The specified copy source is larger than the maximum allowable size for a copy source: "
        f"{MAX_COPY_BYTES}"
    )
    return invalid_request(message)


def copy_to_itself() -> Refusal:
    """Source and destination are the same and nothing about the object would change."""
    return invalid_request(
        "This copy request is illegal because it is trying to copy an object to itself without "
        "changing the object's metadata, storage class, website redirect location or encryption "
        "attributes."
    )


def archived(storage_class: str) -> Refusal:
    """The source is in Glacier and not restored."""
    message = "Operation is not valid for the source object's storage class"
    return Refusal(403, "InvalidObjectState", message, details={"StorageClass": storage_class})


def acl_not_supported() -> Refusal:
    """The bucket has ACLs disabled (BucketOwnerEnforced)."""
    return Refusal(400, "AccessControlListNotSupported", "The bucket does not allow ACLs")


def key_too_long(key: str) -> Refusal:
    """The key has more than 1,024 bytes of UTF-8."""
    details = {"Size": str(len(key.encode())), "MaxSizeAllowed": "1024"}
    return Refusal(400, "KeyTooLongError", "Your key is too long", details=details)


def invalid_request(message: str) -> Refusal:
    """S3's catch-all; only the message tells the cases apart."""
    return Refusal(400, "InvalidRequest", message)


def invalid_argument(message: str, name: str = "") -> Refusal:
    """One argument has a value that S3 does not take."""
    details = {"ArgumentName": name} if name else {}
    return Refusal(400, "InvalidArgument", message, details=details)


def invalid_range(source_size: int) -> Refusal:
    """The range does not lie inside the source.

    Not InvalidRange: S3 itself says InvalidArgument here (versity/versitygw#610, fsspec/s3fs#321).
    """
    message = f"Range specified is not valid for source object of size: {source_size}"
    return invalid_argument(message, "x-amz-copy-source-range")


def invalid_part(upload_id: str, number: int, etag: str) -> Refusal:
    """The list of a CompleteMultipartUpload names a part that is not there."""
    message = (
        "One or more of the specified parts could not be found.  The part may not have been "
        "uploaded, or the specified entity tag may not match the part's entity tag."
    )
    details = {"UploadId": upload_id, "PartNumber": str(number), "ETag": etag}
    return Refusal(400, "InvalidPart", message, details=details)


def invalid_part_order() -> Refusal:
    """The list of a CompleteMultipartUpload is not in ascending order."""
    message = "The list of parts was not in ascending order. Parts must be ordered by part number."
    return Refusal(400, "InvalidPartOrder", message)


def entity_too_small(number: int, size: int) -> Refusal:
    """A part other than the last has less than 5 MiB."""
    details = {"ProposedSize": str(size), "MinSizeAllowed": "5242880", "PartNumber": str(number)}
    message = "Your proposed upload is smaller than the minimum allowed size"
    return Refusal(400, "EntityTooSmall", message, details=details)


def malformed_xml() -> Refusal:
    """The body is not the XML that the operation wants."""
    message = (
        "The XML you provided was not well-formed or did not validate against our published schema"
    )
    return Refusal(400, "MalformedXML", message)


def not_implemented(what: str) -> Refusal:
    """This server does not do that; S3 may."""
    message = f"The fault server does not implement {what}."
    return Refusal(501, "NotImplemented", message)
