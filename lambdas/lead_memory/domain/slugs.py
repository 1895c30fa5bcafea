"""Readable keys out of names."""

import hashlib
import re
import unicodedata

_MAX_CHARACTERS = 120
_DIGEST_CHARACTERS = 8


def unaccented(text: str) -> str:
    """In lower case too, and in Unicode's form C: `Né` -> `ne`."""
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    plain = "".join(character for character in decomposed if not unicodedata.combining(character))
    return unicodedata.normalize("NFC", plain)


def slug(name: str) -> str:
    """`Whey-1KG` -> `whey_1kg`: lower case, accents dropped, every run of other characters one underscore.

    Letters of any script stay. What is longer than 120 characters is cut and ends in a digest of the whole.
    """
    words = re.sub(r"[\W_]+", "_", unaccented(name)).strip("_")
    if words and len(words) <= _MAX_CHARACTERS:
        return words
    digest = hashlib.sha256(name.encode()).hexdigest()[:_DIGEST_CHARACTERS]
    kept = words[: _MAX_CHARACTERS - len(digest) - 1]
    return f"{kept}_{digest}" if kept else digest
