"""What somebody may have meant."""

from collections.abc import Iterable


def nearest(name: str, known: Iterable[str], *, likeness: float) -> str | None:
    """The known name that is most like it, in any case of letters; `likeness` is from 0 to 1, which is the same."""
    from difflib import get_close_matches  # noqa: PLC0415 - only an author's mistake needs it

    spellings = {spelling.lower(): spelling for spelling in known}
    return next((spellings[match] for match in get_close_matches(name.lower(), spellings, 1, likeness)), None)
