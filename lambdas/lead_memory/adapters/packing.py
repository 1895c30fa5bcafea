"""Contents of events and of large memories, compressed.

With a dictionary, because most are too short to have said their words before.
"""

import zlib
from pathlib import Path

_DICTIONARY = Path(__file__).with_name("packing_words.txt").read_bytes()
"""What is packed opens with the same bytes alone, so they never change: other words are another dictionary's.

The words that are said most come last, where they cost least.
"""


def pack(content: bytes) -> bytes:
    compressor = zlib.compressobj(zdict=_DICTIONARY)
    return compressor.compress(content) + compressor.flush()


def unpack(packed: bytes) -> bytes:
    """Raises `zlib.error`."""
    decompressor = zlib.decompressobj(zdict=_DICTIONARY)
    content = decompressor.decompress(packed) + decompressor.flush()
    if not decompressor.eof:
        raise zlib.error("content that ends too soon")
    return content
