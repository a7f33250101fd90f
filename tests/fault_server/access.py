"""Who asks, and whether they may: the checks that moto leaves out.

The signature is not verified, only the access key in it is looked up. What an account may do is
decided as S3 does for a bucket policy, with the identity policy thought away: a denial wins, the
owner may do everything, anybody else what was granted.

Refuses: conditions other than a key prefix, and object ACLs.
"""

from __future__ import annotations

from tests.fault_server import refusals
from tests.fault_server.state import Bucket, Principal, StoredObject, World
from tests.fault_server.wire import Request

# A request that names a version needs another permission (S3 API reference, per operation).
_WITH_VERSION = {
    "s3:GetObject": "s3:GetObjectVersion",
    "s3:GetObjectTagging": "s3:GetObjectVersionTagging",
    "s3:PutObjectTagging": "s3:PutObjectVersionTagging",
}


def account_of(world: World, access_key: str) -> str:
    """Return the account that ``access_key`` belongs to, empty if to none."""
    principal = world.principals.get(access_key)
    return principal.account_id if principal else ""


PUBLIC = Principal(account_id="", arn="")  # what everybody may, see FaultServer.grant


def authenticate(world: World, request: Request) -> Principal:
    """Return whom the request speaks for: nobody, if S3 gets it unsigned."""
    if not request.access_key:
        if request.service == "sts":
            raise refusals.access_denied()
        return PUBLIC
    principal = world.principals.get(request.access_key)
    if principal is None:
        if request.service == "sts":
            message = "The security token included in the request is invalid."
            raise refusals.Refusal(403, "InvalidClientTokenId", message)
        raise refusals.invalid_access_key(request.access_key)
    if principal.is_expired:
        raise refusals.expired_token()
    return principal


def open_bucket(world: World, request: Request) -> Bucket:
    """Return the bucket that the request addresses: it exists, here, and as expected."""
    bucket = _owned_bucket(world, request, request.bucket, "x-amz-expected-bucket-owner")
    if bucket.check_region and request.signed_region != bucket.region:
        raise refusals.wrong_region(request.signed_region, bucket.region)
    return bucket


def open_source_bucket(world: World, request: Request, name: str) -> Bucket:
    """Return the bucket of a copy source; S3 finds it in whatever region it is."""
    return _owned_bucket(world, request, name, "x-amz-source-expected-bucket-owner")


def require(bucket: Bucket, request: Request, action: str, resource: str) -> None:
    """Raise AccessDenied unless the requesting account may do ``action`` on ``resource``."""
    if bucket.authority:
        bucket.authority.require(bucket, request, action, resource)
    elif not bucket.allows(request.account_id, action, resource):
        raise refusals.access_denied()


def may(bucket: Bucket, request: Request, action: str, resource: str) -> bool:
    """Return whether :func:`require` would let it pass."""
    try:
        require(bucket, request, action, resource)
    except refusals.Refusal:
        return False
    return True


def require_key(world: World, request: Request, key_arn: str, action: str) -> None:
    """Raise unless the requesting account may use the KMS key; without an authority all may."""
    if key_arn and world.authority:
        world.authority.require_key(request, key_arn, action)


def find_object(
    bucket: Bucket, request: Request, key: str, *, action: str, version: str = ""
) -> StoredObject:
    """Return the object, if ``action`` on it is allowed.

    A missing key is NoSuchKey only for who may list the bucket; others are denied, so that they
    cannot find out which keys exist (S3 API reference, HeadObject, "Permissions").
    """
    require(bucket, request, _WITH_VERSION[action] if version else action, key)
    found = bucket.objects.get(key)
    if found is None:
        require(bucket, request, "s3:ListBucket", key)
        raise refusals.no_such_key(key)
    if version and version != found.version_id:
        raise refusals.no_such_version(key, version)
    return found


def _owned_bucket(world: World, request: Request, name: str, owner_header: str) -> Bucket:
    bucket = world.buckets.get(name)
    if bucket is None:
        raise refusals.no_such_bucket(name)
    if request.headers.get(owner_header, bucket.owner) != bucket.owner:
        raise refusals.access_denied()
    return bucket
