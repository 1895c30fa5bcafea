"""Times as memories' values have them."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta


def iso(time: datetime) -> str:
    """ISO 8601 with `Z`, to the second where there is no fraction."""
    return time.isoformat().replace("+00:00", "Z")


def newest[T](entries: Mapping[str, T], count: int, at: Callable[[T], str]) -> dict[str, T]:
    """The last `count` by their times, so that a memory does not grow with what comes from outside.

    A stored object has its fields by name, whatever order they came in.
    """
    # Without the zone's letter, which would sort a whole second after its fractions.
    by_time = sorted(entries.items(), key=lambda entry: (at(entry[1]).removesuffix("Z"), entry[0]))
    return dict(by_time[-count:])


def time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def on_the_hour(time: datetime) -> datetime:
    """The full hour at which a time is reached."""
    hour = time.replace(minute=0, second=0, microsecond=0)
    return hour if hour == time else hour + timedelta(hours=1)
