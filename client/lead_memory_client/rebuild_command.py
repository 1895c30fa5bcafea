"""What `lead-memory rebuild` does, with a bar that shows how far it is."""

import time
from collections.abc import Iterable, Sequence

import msgspec
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from lead_memory.domain.memories import Lead
from lead_memory.services.rebuild import Report
from lead_memory_client.rebuild import NotChecked, Progress, Rebuilds
from lead_memory_client.terminal import out, say

LOOK_EVERY_SECONDS = 0.5


class Summary(msgspec.Struct, frozen=True):
    checked: bool
    """Nothing was changed."""
    leads: int
    memories: int
    """That differed from the fold of the log, and after a rebuild no more."""
    failed: int
    """Leads that could not be looked at; of a rebuild through the queue, those in its dead-letter queue."""
    drift: Sequence[Report] = ()
    """The leads with memories that differed; left out of a rebuild through the queue, which only counts them."""
    not_checked: Sequence[NotChecked] = ()

    @property
    def whole(self) -> bool:
        return not (self.failed or (self.checked and self.memories))

    def text(self) -> str:
        rows = [
            f"{report.lead_id}  {each.memory_type}.{each.key}  {each.kind}"
            for report in self.drift
            for each in report.differences
        ]
        rows += [f"{each.lead_id}  not checked: {each.reason}" for each in self.not_checked]
        did, differing = ("checked", "that differ from their events") if self.checked else ("rebuilt", "rewritten")
        counts = f"Leads {did}: {self.leads}; failed: {self.failed}. Memories {differing}: {self.memories}."
        return "\n".join([*rows, counts])


def one(rebuilds: Rebuilds, lead: Lead, *, derivation: str | None, check: bool) -> Summary:
    return _summary([rebuilds.lead(lead, derivation=derivation, check=check)], checked=check)


def check_all(rebuilds: Rebuilds, organization_ids: Iterable[str], *, derivation: str | None) -> Summary:
    with _bar() as bar:
        leads = rebuilds.leads(organization_ids)
        return _summary(bar.track(rebuilds.check(leads, derivation=derivation), description="Checking"), checked=True)


def rebuild_all(rebuilds: Rebuilds, organization_ids: Sequence[str], *, derivation: str | None) -> Summary:
    """Sends the leads to the queue and waits until each is rebuilt or a dead letter."""
    with _bar() as bar:
        sending = bar.add_task("Sending to the queue", total=None)
        run = rebuilds.start(
            organization_ids, derivation=derivation, sent=lambda leads: bar.update(sending, advance=leads)
        )
        bar.update(sending, total=run.leads)
        rebuilding = bar.add_task("Rebuilding", total=run.leads)
        try:
            while not _finished(progress := rebuilds.progress(run), run.leads):
                bar.update(rebuilding, completed=progress.leads + progress.failed)
                time.sleep(LOOK_EVERY_SECONDS)
            bar.update(rebuilding, completed=run.leads)
        except KeyboardInterrupt:
            say("The leads that are in the queue will be rebuilt all the same.")
            raise
    return Summary(checked=False, leads=progress.leads, memories=progress.memories, failed=progress.failed)


def _finished(progress: Progress, leads: int) -> bool:
    return progress.leads + progress.failed >= leads and progress.queued == 0


def _summary(found: Iterable[Report | NotChecked], *, checked: bool) -> Summary:
    leads = 0
    drift: list[Report] = []
    not_checked: list[NotChecked] = []
    for each in found:
        if isinstance(each, NotChecked):
            not_checked.append(each)
            continue
        leads += 1
        if each.differences:
            drift.append(each)
    return Summary(
        checked=checked,
        leads=leads,
        memories=sum(len(report.differences) for report in drift),
        failed=len(not_checked),
        drift=drift,
        not_checked=not_checked,
    )


def _bar() -> Bar:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = out(stderr=True)
    return Bar(*columns, console=console, disable=not console.is_terminal)
