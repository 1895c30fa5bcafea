"""What is put on the bus, and the files that hold it."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, NamedTuple
from uuid import UUID

import msgspec

from lead_memory.domain import canonical
from lead_memory.domain.errors import LeadMemoryError
from lead_memory.domain.memories import Lead
from lead_memory_client import batching
from lead_memory_client.batching import BYTES_PER_CALL

type _Text = Annotated[str, msgspec.Meta(min_length=1)]


class EntryError(LeadMemoryError):
    """An entry that is not worth sending; the message names its file."""


class EventName(NamedTuple):
    lead: Lead
    ref: str
    """`<source>/<event_id>`."""


class Entry(msgspec.Struct, frozen=True, rename="pascal"):
    """An entry of EventBridge's PutEvents; docs/reference/events.md says what `detail` holds."""

    source: _Text
    detail_type: _Text
    detail: dict[str, Any]

    @property
    def ref(self) -> str:
        return f"{self.source}/{self.detail.get('metadata', {}).get('event_id')}"

    @property
    def name(self) -> EventName:
        """Raises `KeyError` or `ValueError` for an entry that would be rejected."""
        ids = (str(UUID(self.detail["metadata"][name])) for name in ("organization_id", "lead_organization_id"))
        return EventName(Lead(*ids), self.ref)

    def detail_json(self) -> str:
        return canonical.encode(self.detail).decode()


class _Metadata(msgspec.Struct):
    event_id: _Text
    occurred_at: Annotated[datetime, msgspec.Meta(tz=True)]
    organization_id: UUID
    lead_organization_id: UUID


class _Detail(msgspec.Struct):
    metadata: _Metadata


def batches(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    return batching.batches(entries, _size)


def read_entries(paths: Sequence[Path]) -> list[Entry]:
    """Those of the files, and of every `.json` file under the folders, by the time at which they occurred.

    A file holds one entry or a list of them; a `Detail` may be JSON or, as for the AWS CLI, JSON in a string.
    Raises `EntryError` for the first that would be rejected whatever the stage.
    """
    files = [file for path in paths for file in _files(path)]
    if not files:
        raise EntryError(f"There is no .json file under {', '.join(map(str, paths))}: name files that hold events.")
    entries = [entry for file in files for entry in _read(file)]
    return sorted(entries, key=lambda entry: datetime.fromisoformat(entry.detail["metadata"]["occurred_at"]))


def _files(path: Path) -> list[Path]:
    if not path.exists():
        raise EntryError(f"There is no file or folder {path}: check the path.")
    return sorted(path.rglob("*.json")) if path.is_dir() else [path]


def _read(file: Path) -> list[Entry]:
    try:
        found = canonical.decode(file.read_bytes())
        return [_entry(entry) for entry in (found if isinstance(found, list) else [found])]
    except msgspec.ValidationError as error:
        raise EntryError(f"{file} holds no event that can be published: {error}.") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise EntryError(f"{file} cannot be read as JSON ({error}).") from None
    except OSError as error:
        raise EntryError(f"{file} could not be read: {error.strerror}.") from None


def _entry(found: Any) -> Entry:
    if isinstance(found, dict) and isinstance(found.get("Detail"), str):
        found = found | {"Detail": canonical.decode(found["Detail"])}
    entry = msgspec.convert(found, Entry)
    msgspec.convert(entry.detail, _Detail)
    if (size := _size(entry)) > BYTES_PER_CALL:
        raise msgspec.ValidationError(f"it has {size:,} bytes, and the bus takes {BYTES_PER_CALL:,}")
    return entry


def _size(entry: Entry) -> int:
    return sum(len(text.encode()) for text in (entry.source, entry.detail_type, entry.detail_json()))
