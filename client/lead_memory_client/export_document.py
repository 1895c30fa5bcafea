"""The export of a lead: what it holds, and how it is written for programs."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, NamedTuple, Self

import msgspec

from lead_memory.domain.memories import Lead
from lead_memory_client.export_records import ERASED_EVENTS, EVENTS, MEMORIES, WAITING_MESSAGES, Record

FORMAT = 1
"""Of the file; higher once a program that reads it has to change."""
INDENT = "  "

type Progress = Callable[[str, int], None]
"""What is being done, and of how many records it is done."""

_JSON = msgspec.json.Encoder(decimal_format="number")


class Spool:
    """Records on disk, for a lead of any size. The file has no name, and is gone with the process."""

    def __init__(self, folder: Path, progress: Progress) -> None:
        self._file = TemporaryFile(dir=folder)  # noqa: SIM115 - closed by `__exit__`
        self._places: defaultdict[str, list[tuple[tuple[Any, ...], int, int]]] = defaultdict(list)
        self._progress = progress
        self._added = self._read = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, record: Record) -> None:
        content = _JSON.encode(record.content)
        self._places[record.section].append((record.place, self._file.tell(), len(content)))
        self._file.write(content)
        self._added += 1
        self._progress("Reading what is held", self._added)

    def counts(self) -> dict[str, int]:
        """Of each section."""
        return {section: len(places) for section, places in sorted(self._places.items())}

    def places(self, section: str) -> list[tuple[Any, ...]]:
        return sorted(place for place, _, _ in self._places.get(section, ()))

    def read(self, section: str) -> Iterator[bytes]:
        """JSON, in order of place."""
        for _, offset, size in sorted(self._places.get(section, ())):
            self._file.seek(offset)
            yield self._file.read(size)
            self._read += 1
            self._progress("Writing the files", self._read)


class NotIncluded(msgspec.Struct, frozen=True):
    what: str
    where: str
    """To ask, or to look."""


class Profile(msgspec.Struct, frozen=True):
    fields: Mapping[str, Any]
    without_value: Mapping[str, str]
    """The reason of each."""


class Document(NamedTuple):
    lead: Lead
    stage: str
    region: str
    exported_at: datetime
    profile: Profile | None
    """None where the stage has no profiles."""
    spool: Spool
    not_included: tuple[NotIncluded, ...]

    @property
    def other_kinds(self) -> list[str]:
        known = (MEMORIES, EVENTS, ERASED_EVENTS, WAITING_MESSAGES)
        return [section for section in self.spool.counts() if section not in known]

    def written_for_programs(self) -> dict[str, Any]:
        """Iterators are lists of JSON texts."""
        return {
            "about": {
                "format": FORMAT,
                "exported_at": self.exported_at,
                "organization_id": self.lead.organization_id,
                "lead_organization_id": self.lead.lead_id,
                "stage": self.stage,
                "region": self.region,
                "counts": self.spool.counts(),
            },
            "profile": self.profile,
            **{name: self.spool.read(name) for name in (MEMORIES, EVENTS, ERASED_EVENTS, WAITING_MESSAGES)},
            "other_items": {kind: self.spool.read(kind) for kind in self.other_kinds},
            "not_included": self.not_included,
        }


def write_json(file: IO[str], value: Any, within: str = "") -> None:
    """Indented, and record by record."""
    match value:
        case Mapping() if value:
            members = ((f"{_JSON.encode(name).decode()}: ", member) for name, member in value.items())
            _write_all(file, "{}", members, within)
        case Iterator():
            _write_all(file, "[]", (("", msgspec.Raw(each)) for each in value), within)
        case _:
            text = msgspec.json.format(_JSON.encode(value), indent=len(INDENT)).decode()
            file.write(text.replace("\n", f"\n{within}"))


def _write_all(file: IO[str], brackets: str, members: Iterator[tuple[str, Any]], within: str) -> None:
    file.write(brackets[0])
    separator = ""
    for name, member in members:
        file.write(f"{separator}\n{within}{INDENT}{name}")
        write_json(file, member, within + INDENT)
        separator = ","
    file.write(f"\n{within}{brackets[1]}" if separator else brackets[1])


def what_is_not_included(messages_not_looked_at: int) -> tuple[NotIncluded, ...]:
    found = [
        NotIncluded(
            "Events that were on their way when this was read, in the ingest queue.",
            "They are recorded within moments: export again.",
        ),
        NotIncluded(
            "The bus's archive, which keeps events as they were published for some weeks, where the stage has one.",
            "The stage's operator: it cannot be searched by person, only replayed, and ends by itself.",
        ),
        NotIncluded(
            "Backups of the table: point-in-time recovery keeps up to 35 days, and other copies are kept as set.",
            "The stage's operator: they hold older states of what is here.",
        ),
        NotIncluded(
            "Objects of large events that were left over by writes that failed: sealed, and named by no event.",
            "The stage's operator; erasing the lead removes them.",
        ),
        NotIncluded(
            "What was erased before: only the time of it is kept, and an event's place.",
            "Nobody has it, except in the backups and the archive until these end.",
        ),
        NotIncluded(
            "The numbers that stand for a memory's text when it is searched by meaning.",
            "They are computed from the memories that are here, and say no more than those.",
        ),
        NotIncluded(
            "Columns of the profile database that messages do not read, and messages that were sent.",
            "The organization that holds the profile and sends the messages.",
        ),
        NotIncluded(
            "What the systems hold that the events came from, such as shops, forms and help desks.",
            "The organization: each event names its source.",
        ),
        NotIncluded(
            "Why this is held, on which legal ground, for how long, and who receives it.",
            "The organization's privacy notice.",
        ),
    ]
    if messages_not_looked_at:
        found.insert(
            0,
            NotIncluded(
                f"{messages_not_looked_at} messages that wait for a person and were not looked at: some may be about "
                "this lead.",
                "The stage's operator: clear the queues (`lead-memory queues`), then export again.",
            ),
        )
    return tuple(found)
