"""The commands that erase, and those for organizations' keys."""

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

from cyclopts import App, Parameter

from lead_memory_client.terminal import FAILED, OK, At, Of, UsageError, answer, out, say, steps

if TYPE_CHECKING:
    from lead_memory_client.answers import Erasure, Resealed
    from lead_memory_client.client import LeadMemory

type NoWaitForKeys = Annotated[
    bool, Parameter(negative="", help="Seal again at once; what is written meanwhile may have the key before.")
]


@Parameter(name="*")
@dataclass(frozen=True)
class Erasing:
    """Who asks, and how much is done."""

    dry_run: Annotated[bool, Parameter(negative="", help="Change nothing; only count what would be removed.")] = False
    yes: Annotated[bool, Parameter(negative="", help="Do not ask to type the id first.")] = False
    no_wait: Annotated[
        bool,
        Parameter(negative="", help="Leave out the look for what was in flight; the receipt is then not verified."),
    ] = False
    asked_by: Annotated[
        str | None,
        Parameter(env_var="LEAD_MEMORY_ASKED_BY", help="Who asks, for the receipt; the caller's ARN, unless given."),
    ] = None

    def confirm(self, id_: str, what: str) -> None:
        if self.yes or self.dry_run:
            return
        if not sys.stdin.isatty():
            raise UsageError(
                f"{what} Give --yes to do so without a terminal, or --dry-run to see what would be removed."
            )
        say(f"{what} --dry-run shows what would be removed. Type {id_} to go on:")
        if sys.stdin.readline().strip() != id_:
            raise UsageError("That is something else; nothing was erased.")


erase = App(name="erase", help="Erase an event, a lead or an organization, so that it stays out.")
keys = App(name="keys", help="Look after an organization's keys.")


@erase.command(name="event")
def erase_event(event: str, /, *, lead: UUID, how: Erasing = Erasing(), of: Of = Of()) -> int:
    """Erase one event; what other events support stays remembered, as they alone give it.

    Args:
        event: Its source and id, as `lead-memory events` shows them, for example shopify/1001.
        lead: The lead's id.
    """
    from lead_memory_client.privacy import UPDATERS_SETTLE_SECONDS

    source, _, event_id = event.partition("/")
    if not source or not event_id:
        raise UsageError(f"'{event}' names no event: give its source and id, for example shopify/1001.")
    organization_id = of.organization_id()
    how.confirm(event, f"This erases the event {event} of the lead {lead} for ever.")
    memory = of.connect()
    settle_seconds = 0 if how.no_wait else UPDATERS_SETTLE_SECONDS
    again = f"lead-memory erase event {shlex.quote(event)} --lead {lead} --organization {organization_id}"
    with _going_on_with(again, of), steps() as progress:
        progress(_beginning("the event", settle_seconds, dry_run=how.dry_run))
        erasure = memory.erase_event(
            lead, event, organization_id, asked_by=how.asked_by, dry_run=how.dry_run, settle_seconds=settle_seconds
        )
    return _told(of, erasure, again, waited=not how.no_wait)


@erase.command(name="lead")
def erase_lead(*, lead: UUID, how: Erasing = Erasing(), of: Of = Of()) -> int:
    """Erase everything about a lead: memories, events, objects, and messages that wait for a person.

    Args:
        lead: The lead's id.
    """
    from lead_memory_client.privacy import UPDATERS_SETTLE_SECONDS

    organization_id = of.organization_id()
    how.confirm(str(lead), f"This erases everything about the lead {lead} for ever.")
    memory = of.connect()
    settle_seconds = 0 if how.no_wait else UPDATERS_SETTLE_SECONDS
    again = f"lead-memory erase lead --lead {lead} --organization {organization_id}"
    with _going_on_with(again, of), steps() as progress:
        progress(_beginning("the lead", settle_seconds, dry_run=how.dry_run))
        erasure = memory.erase_lead(
            lead, organization_id, asked_by=how.asked_by, dry_run=how.dry_run, settle_seconds=settle_seconds
        )
    return _told(of, erasure, again, waited=not how.no_wait)


@erase.command(name="organization")
def erase_organization(organization: UUID, /, *, how: Erasing = Erasing(), at: At = At()) -> int:
    """Erase an organization: its keys first, which makes all its content unreadable, then every lead.

    Args:
        organization: The organization's id.
    """
    from lead_memory_client.privacy import ORGANIZATION_SETTLES_SECONDS
    from lead_memory_client.show import counted

    how.confirm(str(organization), f"This erases the organization {organization} with all its leads for ever.")
    memory = at.connect()
    settle_seconds = 0 if how.no_wait else ORGANIZATION_SETTLES_SECONDS
    say(_beginning("the organization", settle_seconds, dry_run=how.dry_run))
    again = f"lead-memory erase organization {organization}"
    with _going_on_with(again, at), counted(out(stderr=True), "Leads") as progress:
        erasure = memory.erase_organization(
            organization,
            asked_by=how.asked_by,
            dry_run=how.dry_run,
            settle_seconds=settle_seconds,
            progress=lambda leads: progress(leads, None),
        )
    return _told(at, erasure, again, waited=not how.no_wait)


@keys.command
def rotate(
    *, reseal: Annotated[bool, Parameter(negative="")] = False, no_wait: NoWaitForKeys = False, of: Of = Of()
) -> int:
    """Give an organization a new data key, which seals within five minutes; what older keys sealed still opens.

    Args:
        reseal: Then seal all content with the new key, as `keys reseal` does; otherwise each item when it is written.
    """
    organization_id = of.organization_id()
    memory = of.connect()
    version = memory.rotate_key(organization_id)
    say(f"The organization's data key has version {version}.")
    resealed = _resealed(memory, of, no_wait=no_wait) if reseal else None
    answer(of, {"version": version, "resealed": resealed}, lambda: _resealed_text(resealed))
    return FAILED if resealed and resealed.unreadable else OK


@keys.command(name="reseal")
def reseal_all(*, no_wait: NoWaitForKeys = False, of: Of = Of()) -> int:
    """Seal all content of an organization with its newest data key; what is sealed with it already is left alone."""
    resealed = _resealed(of.connect(), of, no_wait=no_wait)
    answer(of, {"resealed": resealed}, lambda: _resealed_text(resealed))
    return FAILED if resealed.unreadable else OK


@keys.command
def hash_names(*, of: Of = Of()) -> int:
    """Keep the keys of an organization's memories out of clear text, from its first event on.

    It is refused for an organization that has keys already, and cannot be taken back.
    """
    organization_id = of.organization_id()
    of.connect().begin_organization(organization_id, hash_names=True)
    answer(
        of,
        {"organization_id": str(organization_id), "hashes_names": True},
        lambda: "The organization has a data key, and the names of its memories will be hashed.",
    )
    return OK


def _beginning(what: str, settle_seconds: float, *, dry_run: bool) -> str:
    if dry_run:
        return f"Counting what there is of {what}."
    later = f", and looking again after {settle_seconds:.0f} seconds" if settle_seconds else ""
    return f"Erasing {what}{later}."


@contextmanager
def _going_on_with(command: str, at: At) -> Iterator[None]:
    """Tells who interrupts it what has to be done yet."""
    try:
        yield
    except KeyboardInterrupt:
        say(f"Interrupted: what has begun is not taken back. It goes on with: {command} --stage {at.stage}")
        raise


def _told(at: At, erasure: "Erasure", again: str, *, waited: bool) -> int:
    """`again` is the command that does the same, and looks once more."""
    from lead_memory_client.show_privacy import receipt_table

    receipt = erasure.receipt
    if not (receipt.removed or receipt.removed_before):
        say(f"Nothing of it is {'' if receipt.dry_run else 'or was '}held: look at the ids.")
    to_do = None if receipt.dry_run or erasure.verified else f"{again} --yes --stage {at.stage}"
    answer(at, {"receipt": receipt, "verified": erasure.verified, "to_do": to_do}, lambda: receipt_table(erasure))
    if to_do and not at.json:
        print(f"still to do: {to_do}")
    if to_do and (waited or receipt.found_again):
        say("Not everything is gone yet: do the same again, and it goes on where it stopped.")
        return FAILED
    return OK


def _resealed(memory: "LeadMemory", of: Of, *, no_wait: bool) -> "Resealed":
    from lead_memory_client.privacy import KEYS_SETTLE_SECONDS
    from lead_memory_client.show import counted

    organization_id = of.organization_id()
    settle_seconds = 0 if no_wait else KEYS_SETTLE_SECONDS
    if settle_seconds:
        say(f"Waiting {settle_seconds // 60} minutes, until no process seals with the key before.")
    again = f"lead-memory keys reseal --organization {organization_id}"
    with _going_on_with(again, of), counted(out(stderr=True), "Leads") as progress:
        return memory.reseal(
            organization_id, settle_seconds=settle_seconds, progress=lambda leads: progress(leads, None)
        )


def _resealed_text(resealed: "Resealed | None") -> str:
    if resealed is None:
        return "Within five minutes all that is written is sealed with it."
    if not resealed.leads:
        return "The organization has no leads: look at its id."
    done = f"Sealed again: {resealed.items} items and {resealed.objects} objects of {resealed.leads} leads."
    return f"{done} {resealed.unreadable} do not open and stay as they are." if resealed.unreadable else done
