"""The commands for the projects that memories belong to."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from itertools import batched
from typing import TYPE_CHECKING, Annotated

import msgspec
from cyclopts import App, Parameter

from lead_memory.domain.errors import Erased
from lead_memory.domain.memories import Lead
from lead_memory_client import recording
from lead_memory_client.note_commands import SOURCE
from lead_memory_client.stage import find_stage
from lead_memory_client.terminal import FAILED, OK, Filled, Of, answer, out, say

if TYPE_CHECKING:
    from lead_memory_client.client import LeadMemory
    from lead_memory_client.entries import Entry

LEADS_AT_ONCE = 100
"""Their events are waited for before the next are looked at."""

project = App(name="project", help="A project that memories belong to.")


class _Removed(msgspec.Struct, kw_only=True):
    project_id: str
    leads: int = 0
    """That were looked at."""
    memories: int = 0
    """That belong to it no more."""
    left: int = 0


@project.command
def remove(project_id: Annotated[str, Parameter(validator=Filled())], /, *, of: Of = Of()) -> int:
    """Take a project's id out of all memories of an organization, which stay. It can be run again.

    Args:
        project_id: As the memories have it.
    """
    from lead_memory_client.delivery import deliver
    from lead_memory_client.rebuild import Rebuilds
    from lead_memory_client.show import counted

    organization_id = str(of.organization_id())
    memory = of.connect()
    leads = Rebuilds(find_stage(of.stage, profile=None, region=None)).leads([organization_id])
    done = _Removed(project_id=project_id)
    with counted(out(stderr=True), "Looking at leads") as progress:
        for some in batched(leads, LEADS_AT_ONCE, strict=False):
            if entries := _clearing(memory, some, project_id):
                delivery = deliver(memory, entries, patience_seconds=recording.PATIENCE_SECONDS)
                left = len(delivery.waiting) + len(delivery.rejected)
                done.left += left
                done.memories += len(entries) - left
            done.leads += len(some)
            progress(done.leads, None)
    answer(of, done, lambda: f"{done.memories} memories of {done.leads} leads belong to {project_id} no more.")
    if done.left:
        say(f"{done.left} events were rejected, or could not be read in time: run this again.")
    return FAILED if done.left else OK


def _clearing(memory: "LeadMemory", leads: Iterable[Lead], project_id: str) -> Sequence["Entry"]:
    entries = []
    for lead in leads:
        with suppress(Erased):  # meanwhile
            for each in memory.stored(lead.lead_id, lead.organization_id):
                if each.annotations.project_id == project_id:
                    named = each.name._asdict()
                    entries.append(recording.made(SOURCE, "memory.annotated", named, lead, nulls=["project_id"]))
    return entries
