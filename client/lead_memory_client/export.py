"""Everything that is held of a lead, for a person who asks for it: one file for programs, and one to read."""

import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple

from lead_memory.adapters.waiting_messages import names
from lead_memory.domain.memories import Lead
from lead_memory.services.erase import Subject
from lead_memory_client.answers import Exported, ResolvedLead
from lead_memory_client.errors import NothingHeld, NotWritten
from lead_memory_client.export_document import Document, Profile, Progress, Spool, what_is_not_included, write_json
from lead_memory_client.export_page import write_page
from lead_memory_client.export_records import WAITING_MESSAGES, Record, WaitingMessage, record
from lead_memory_client.queues import Letter, WaitingQueue, depth, held
from lead_memory_client.table import LeadTable

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

JSON_FILE, PAGE_FILE = "lead.json", "lead.html"
LOOKED_AT = 10_000
"""Messages of each queue; if there are more, the export says so."""
LOOK_SECONDS = 120
"""For how long others do not see these messages, should the process die."""


class Holdings(NamedTuple):
    """Where a stage keeps what it holds of leads."""

    stage: str
    region: str
    table: LeadTable
    sqs: "SQSClient"
    queues: Mapping[str, WaitingQueue]
    profile: Callable[[Lead], ResolvedLead | None]
    """None where the stage has no profiles."""


def export_lead(holdings: Holdings, lead: Lead, folder: Path, progress: Progress) -> Exported:
    """Makes the folder, and both files in it for the caller's eyes alone; where it fails, none of it is left.

    Raises `NotWritten`, `NothingHeld`, `Erased`, also where the lead is erased meanwhile, and what the SDK raises.
    """
    with _new_folder(folder), Spool(folder, progress) as spool:
        exported_at = datetime.now(UTC)
        known = holdings.table.has(lead)
        unreadable = _spool_items(holdings.table, lead, spool)
        not_looked_at = _spool_messages(holdings, lead, spool, known=known)
        found = holdings.profile(lead)
        if not (spool.counts() or (found and found.values)):
            raise NothingHeld(
                f"The organization {lead.organization_id} holds nothing of a lead {lead.lead_id}: check both ids."
            )
        document = Document(
            lead=lead,
            stage=holdings.stage,
            region=holdings.region,
            exported_at=exported_at,
            profile=_profile(found) if found else None,
            spool=spool,
            not_included=what_is_not_included(not_looked_at),
        )
        with _new_file(folder / JSON_FILE) as file:
            write_json(file, document.written_for_programs())
            file.write("\n")
        with _new_file(folder / PAGE_FILE) as file:
            write_page(file, document)
        holdings.table.has(lead)  # of a lead that was erased meanwhile nothing may stay
    return Exported(
        files=(str(folder / JSON_FILE), str(folder / PAGE_FILE)),
        counts=spool.counts(),
        unreadable=unreadable,
        messages_not_looked_at=not_looked_at,
        unavailable=tuple(each.variable for each in found.missing if each.reason.passing) if found else (),
    )


def _spool_items(table: LeadTable, lead: Lead, spool: Spool) -> int:
    """How many of them do not open."""
    unreadable = 0
    for item, keyring in table.partition(lead):
        each = record(item, keyring)
        spool.add(each)
        unreadable += each.unreadable
    return unreadable


def _spool_messages(holdings: Holdings, lead: Lead, spool: Spool, *, known: bool) -> int:
    """About how many were not looked at."""

    def about(named: tuple[str, WaitingQueue]) -> tuple[list[Record], int]:
        name, queue = named
        with held(holdings.sqs, queue, LOOKED_AT, seconds=LOOK_SECONDS, patient=True) as letters:
            found = [
                Record(
                    WAITING_MESSAGES,
                    (letter.sent_at, letter.message_id),
                    WaitingMessage(name, letter.reason, letter.detail, letter.sent_at, letter.body),
                )
                for letter in letters.values()
                if _is_about(letter, lead, known=known)
            ]
            return found, depth(holdings.sqs, queue.url).waiting if len(letters) >= LOOKED_AT else 0

    left = 0
    # At once, because each takes a second or more to say that it is empty.
    with ThreadPoolExecutor(len(holdings.queues) or 1) as threads:
        for found, not_looked_at in threads.map(about, holdings.queues.items()):
            left += not_looked_at
            for each in found:
                spool.add(each)
    return left


def _is_about(letter: Letter, lead: Lead, *, known: bool) -> bool:
    """As an erasure tells; where the lead is not known to be the organization's, it names the organization too."""
    return names(letter.body, Subject(*lead)) and (known or names(letter.body, Subject(lead.organization_id)))


def _profile(found: ResolvedLead) -> Profile:
    return Profile(
        fields={name.removeprefix("lead."): each.value for name, each in found.values.items()},
        without_value={each.variable.removeprefix("lead."): each.reason for each in found.missing},
    )


@contextmanager
def _new_folder(folder: Path) -> Iterator[None]:
    """Gone again, with both files, where what it is for fails."""
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        raise NotWritten(f"There is a {folder} already, and an export overwrites nothing: name a new folder.") from None
    except OSError as error:
        raise NotWritten(f"The folder {folder} could not be made: {error.strerror}.") from None
    try:
        yield
    except BaseException as error:
        for name in (JSON_FILE, PAGE_FILE):
            (folder / name).unlink(missing_ok=True)
        with suppress(OSError):  # somebody put something else there
            folder.rmdir()
        if isinstance(error, OSError):
            raise NotWritten(f"Nothing could be written to {folder}: {error.strerror}.") from error
        raise


def _new_file(path: Path) -> IO[str]:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    return open(descriptor, "w", encoding="utf-8", errors="backslashreplace")
