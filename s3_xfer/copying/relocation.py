"""A bucket that is in another region than the copies of the CRT engine were sent to.

boto3's client follows S3 to the right region by itself, and remembers it. So any request of it
finds the region, and a template that it composes afterwards is for that region.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from s3_xfer.copying.context import CopyContext
from s3_xfer.copying.template import compose
from s3_xfer.model import CopyTask

if TYPE_CHECKING:
    from s3_xfer.copying.crt import CrtCopyClient  # awscrt is optional


def relocated(copy_client: CrtCopyClient, context: CopyContext, task: CopyTask) -> CrtCopyClient:
    """Return a client for the region of the bucket that ``task`` writes to.

    It is ``copy_client`` itself if there is no better one. Asks S3.
    """
    client = context.destination
    with contextlib.suppress(Exception):  # what S3 said about the copy stands
        client.head_bucket(Bucket=task.destination_bucket)
    template = compose(
        client,
        context.options,
        destination_bucket=task.destination_bucket,
        request=copy_client.template.request,
    )
    if template == copy_client.template:
        return copy_client
    return copy_client.with_template(template)
