"""Bodies of messages that are too long for a queue as they are."""

import base64
import gzip

PACKED = "gzip+base64"
"""What the attribute `encoding` then says."""


def packed(body: str) -> str:
    return base64.b64encode(gzip.compress(body.encode())).decode()


def unpacked(body: str, encoding: str | None) -> str:
    return gzip.decompress(base64.b64decode(body)).decode() if encoding == PACKED else body
