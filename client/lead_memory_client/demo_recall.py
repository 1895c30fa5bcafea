"""Questions to a lead's memories, in two languages: found by what they mean."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING
from uuid import UUID

from rich.console import Console
from rich.text import Text

from lead_memory.domain.memories import MemoryKey, MemoryType
from lead_memory_client.client import LeadMemory
from lead_memory_client.demo_events import PATIENCE_SECONDS, DemoFailed
from lead_memory_client.recall_text import recall_table

if TYPE_CHECKING:
    from lead_memory_client.show import Steps

OUTREACH = MemoryKey(MemoryType.PREFERENCE, "outreach")
DIET = MemoryKey(MemoryType.FACT, "diet")
"""Both were declared in English, in none of the questions' words."""
QUESTIONS = {
    "how do they want to be contacted?": OUTREACH,
    "como eles querem ser contatados?": OUTREACH,
    "o que eles não podem comer?": DIET,
}
SHOWN = 2
_POLL_SECONDS = 0.2


def show(memory: LeadMemory, out: Console, steps: Callable[[], "Steps"], organization_id: UUID, lead_id: str) -> None:
    """Raises `DemoFailed` unless each question is answered first with the memory that it is about."""
    with steps() as progress:
        progress("Waiting until the embedder has read what was declared.")
        _wait_for_vectors(memory, organization_id, lead_id)
    for question, name in QUESTIONS.items():
        found = memory.recall(lead_id, organization_id, question, k=SHOWN)
        out.print(Text(question, "green"))
        out.print(recall_table(found))
        if [each.name for each in found.memories[:1]] != [str(name)]:
            raise DemoFailed(f"The question {question!r} is about {name}, and something else was recalled first.")


def _wait_for_vectors(memory: LeadMemory, organization_id: UUID, lead_id: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while missing := {OUTREACH, DIET} - _with_vectors(memory, organization_id, lead_id):
        if time.monotonic() > deadline:
            raise DemoFailed(
                f"After {PATIENCE_SECONDS} seconds {' and '.join(map(str, sorted(missing)))} cannot be recalled: with "
                "`lead-memory demo --stay` the stack stays up, and .local/aws.log says why."
            )
        time.sleep(_POLL_SECONDS)


def _with_vectors(memory: LeadMemory, organization_id: UUID, lead_id: str) -> set[MemoryKey]:
    indexed = memory.indexed(lead_id, organization_id)
    return {name for name, each in indexed.items() if each and each.embedding_version}
