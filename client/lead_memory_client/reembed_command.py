"""What `lead-memory reembed` does, with a bar that shows how far it is."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import msgspec
from cyclopts import Parameter

from lead_memory.domain.memories import Lead
from lead_memory_client.stage import find_stage
from lead_memory_client.terminal import FAILED, OK, Of, answer, check_whose, out, say

if TYPE_CHECKING:
    from lead_memory_client.reembed import Reembeds, Run

LOOK_EVERY_SECONDS = 0.5
QUIET_LOOKS = 3
"""In a row, before an empty queue is believed: SQS estimates."""

type Flag = Annotated[bool, Parameter(negative="")]


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    leads: int
    failed: int
    """Requests in the dead-letter queue."""

    @property
    def whole(self) -> bool:
        return not self.failed

    def text(self) -> str:
        return f"Leads looked at: {self.leads}; failed: {self.failed}."


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    leads: int
    failed: int
    """That could not be read."""
    embedding_versions: dict[str, int]
    """By the model that made the vectors, of how many memories."""
    without_vector: int
    missing: int
    """That recalls do not know."""

    @property
    def whole(self) -> bool:
        return not (self.failed or self.missing or self.without_vector or len(self.embedding_versions) > 1)

    def text(self) -> str:
        by_version = [f"by {version}: {count}" for version, count in sorted(self.embedding_versions.items())]
        entries = [*by_version, f"without a vector: {self.without_vector}", f"missing: {self.missing}"]
        return f"Leads checked: {self.leads}; failed: {self.failed}. Memories {', '.join(entries)}."


def reembed(
    *,
    lead: UUID | None = None,
    every: Annotated[bool, Parameter(name="--all", negative="")] = False,
    check: Flag = False,
    of: Of = Of(),
) -> int:
    """Have the embedder look again at the memories of a lead, of an organization's leads, or of all leads.

    What recalls do not know, or know by an older text or by the vector of another model, is embedded; the rest stays.

    Args:
        lead: The lead's id; without it, all leads of --organization.
        every: The leads of every organization.
        check: Change nothing; count the memories by the model that made their vectors, and those that are missing.
    """
    from lead_memory_client.reembed import Reembeds

    check_whose(of, lead, every=every)
    reembeds = Reembeds(find_stage(of.stage, profile=None, region=None))
    one = Lead(str(of.organization_id()), str(lead)) if lead else None
    organization_ids = [] if one else reembeds.organizations() if every else [str(of.organization)]
    summary: Checked | Summary
    if check:
        summary = _checked(reembeds, [one] if one else reembeds.leads(organization_ids))
    else:
        summary = _reembedded(reembeds, one, organization_ids)
    answer(of, summary, summary.text)
    return OK if summary.whole else FAILED


def _checked(reembeds: "Reembeds", leads: Iterable[Lead]) -> Checked:
    from lead_memory_client.show import counted

    versions, counts = Counter[str](), Counter[str]()
    with counted(out(stderr=True), "Checking") as progress:
        for found in reembeds.check(leads):
            counts["leads"] += 1
            if found is None:
                counts["failed"] += 1
                continue
            versions.update(found.embedding_versions)
            counts["without_vector"] += found.without_vector
            counts["missing"] += found.missing
            progress(counts["leads"], None)
    return Checked(
        leads=counts["leads"],
        failed=counts["failed"],
        embedding_versions=versions,
        without_vector=counts["without_vector"],
        missing=counts["missing"],
    )


def _reembedded(reembeds: "Reembeds", one: Lead | None, organization_ids: Sequence[str]) -> Summary:
    """Sends the leads to the queue, and waits until it is empty."""
    from lead_memory_client.show import counted

    console = out(stderr=True)
    if one:
        run = reembeds.lead(one)
    else:
        sent = 0
        with counted(console, "Sending to the queue") as progress:

            def more(leads: int) -> None:
                nonlocal sent
                sent += leads
                progress(sent, None)

            run = reembeds.start(organization_ids, more)
    with counted(console, "Embedding") as progress:
        failed = _finished(reembeds, run, progress)
    return Summary(leads=run.leads, failed=failed)


def _finished(reembeds: "Reembeds", run: "Run", progress: Callable[[int, int | None], None]) -> int:
    """How many requests failed."""
    quiet = 0
    try:
        while True:
            now = reembeds.progress(run)
            progress(max(0, run.leads - now.queued), run.leads)
            quiet = 0 if now.queued else quiet + 1
            if quiet == QUIET_LOOKS:
                return now.failed
            time.sleep(LOOK_EVERY_SECONDS)
    except KeyboardInterrupt:
        say("The leads that are in the queue will be looked at all the same.")
        raise
