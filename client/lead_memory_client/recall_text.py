"""What was recalled, for people, and what was not."""

from collections.abc import Iterator

from rich.table import Table
from rich.text import Text

from lead_memory_client.recalled import Recall, RecalledMemory
from lead_memory_client.show import age, new_table, now, printable


def recall_table(found: Recall, *, parts: bool = False) -> Table:
    """Best first; with `parts`, what each score is the sum of."""
    table = new_table("score", "memory", "text", "when")
    for each in found.memories:
        when = age((now() - each.updated_at).total_seconds())
        table.add_row(f"{each.score:.2f}", printable(each.name), Text("\n").join(_lines(each, parts=parts)), when)
    return table


def _lines(each: RecalledMemory, *, parts: bool) -> Iterator[Text]:
    yield Text(printable(each.text))
    if each.summary_of:
        yield Text(f"sums up {printable(', '.join(each.summary_of))}", "dim")
    if each.summarized_in:
        yield Text(f"summed up in {printable(each.summarized_in)}", "dim")
    if parts:
        yield Text(" + ".join(f"{part:.3f} {name}" for name, part in each.parts.items()), "dim")


def left_out(found: Recall) -> Iterator[str]:
    """What may be missing, and what to try."""
    if not found.lead_known:
        yield "Nothing is remembered of this lead: look at its id and the organization."
    if found.similarity == "unavailable":
        yield "The embedder did not answer, so the memories are ranked by all but their meaning: ask again."
    if found.waiting:
        yield (
            f"{_memories(found.waiting)} not compared by meaning yet: ask again in a minute; where it stays so, "
            "`lead-memory reembed` sees to it."
        )
    if found.cold:
        yield f"{_memories(found.cold)} cold and not looked at: ask with --cold."
    if found.changed_since:
        yield (
            f"{_memories(found.changed_since)} left out because of a change after that time: `lead-memory memories "
            "--as-of` shows what they were."
        )
    if not found.uses_counted:
        yield "This use of the memories was not counted, because the queue of uses did not answer."


def _memories(count: int) -> str:
    return "1 memory is" if count == 1 else f"{count} memories are"
