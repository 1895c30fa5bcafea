"""The commands for a CRM's entities: what is known of a lead's, and which of them are one."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

from cyclopts import App, Parameter

from lead_memory.domain.crm import entities as crm
from lead_memory.domain.crm.entities import FIELDS, Kind
from lead_memory.domain.memories import Lead
from lead_memory_client import recording
from lead_memory_client.errors import EntityUnknown
from lead_memory_client.note_commands import SOURCE, By
from lead_memory_client.terminal import OK, Filled, Of, UsageError, answer, say

if TYPE_CHECKING:
    from rich.table import Table

    from lead_memory_client.answers import Entity
    from lead_memory_client.client import LeadMemory

# As everything else spells them.
type KindName = Annotated[Kind, Parameter(name_transform=str.lower)]
type Key = Annotated[str, Parameter(validator=Filled())]

_KEY_WIDTH = 32

entity = App(name="entity", help="One of a CRM's entities: look at it, merge it with another, split it again.")


def entities(*, lead: UUID, of: Of = Of()) -> int:
    """Show the accounts, contacts and other entities of a CRM that are known of a lead, those said last first.

    Args:
        lead: The lead's id.
    """
    found = of.connect().entities(lead, of.organization_id())
    nothing = "No entity is known: they come with what is said, or are looked for with `lead-memory thread extract`."
    answer(of, {"entities": found}, lambda: _listed(found) if found else nothing)
    if found:
        say(f"Next: lead-memory entity show {found[0].kind} {found[0].key} --lead {lead}{of.options()}")
    return OK


@entity.command
def show(kind: KindName, key: Key, /, *, lead: UUID, of: Of = Of()) -> int:
    """Show what is known of an entity, and what was said of it under which name.

    Args:
        kind: What it is.
        key: As `lead-memory entities` shows it.
        lead: The lead's id.
    """
    found = _known(of.connect(), of, lead, kind, key)
    answer(of, {"kind": kind, "key": key, "value": found}, lambda: _shown(found))
    return OK


@entity.command
def merge(kind: KindName, key: Key, other: Key, /, *, lead: UUID, of: Of = Of(), by: By = By()) -> int:
    """Say that two entities are one. What was said of the other is kept, and can be split off again.

    Args:
        kind: What they are.
        key: Of the one that stays, as `lead-memory entities` shows it.
        other: The key of the one that is merged into it.
        lead: The lead's id.
    """
    if key == other:
        raise UsageError(f"{key} is named twice: name the one that stays, and the one that is merged into it.")
    memory = of.connect()
    values = {each: _known(memory, of, lead, kind, each) for each in (key, other)}
    for each, value in values.items():
        if into := value.get("merged_into"):
            raise UsageError(f"The {kind} {each} was merged into {into}: name that one, or split them first.")
    records = crm.records_of(values[other])
    said = {"kind": kind, "key": key, "merged_key": other, "records": records, "author": by.name()}
    _publish(memory, of, lead, "crm.entities_merged", said)
    answer(of, {"kind": kind, "key": key, "merged_key": other}, lambda: f"The {kind} {other} is {key} from now on.")
    say(f"To take it back: lead-memory entity split {kind} {key} {other} --lead {lead}{of.options()}")
    return OK


@entity.command
def split(kind: KindName, key: Key, name_key: Key, /, *, lead: UUID, of: Of = Of(), by: By = By()) -> int:
    """Say that what was said of an entity under a name is another's. The two are never taken for one again.

    Args:
        kind: What they are.
        key: Of the one that it was taken for, as `lead-memory entities` shows it.
        name_key: What was merged into it, or whose records they are, as `lead-memory entity show` shows it.
        lead: The lead's id.
    """
    if key == name_key:
        raise UsageError(f"{key} is the {kind} itself: name another of those that `lead-memory entity show` shows.")
    memory = of.connect()
    value = _known(memory, of, lead, kind, key)
    said_so = [each for each in crm.records_of(value | {"merged": {}}) if each["name_key"] == name_key]
    if not said_so and name_key not in value.get("merged", {}):
        raise EntityUnknown(
            f"Nothing of the {kind} {key} was said under {name_key}: `lead-memory entity show` shows what was."
        )
    said = {"kind": kind, "key": key, "name_key": name_key, "records": said_so, "author": by.name()}
    _publish(memory, of, lead, "crm.entity_split", said)
    answer(
        of, {"kind": kind, "key": key, "name_key": name_key}, lambda: f"The {kind} {name_key} is one of its own again."
    )
    return OK


def _known(memory: "LeadMemory", of: Of, lead: UUID, kind: Kind, key: str) -> dict[str, Any]:
    found = memory.entity(lead, kind, key, of.organization_id())
    if found is None:
        raise EntityUnknown(f"There is no {kind} {key}: `lead-memory entities` shows those that there are.")
    return found


def _publish(memory: "LeadMemory", of: Of, lead: UUID, event_type: str, said: dict[str, Any]) -> None:
    entry = recording.made(SOURCE, event_type, said, Lead(str(of.organization_id()), str(lead)))
    recording.checked(entry)
    recording.record(memory, entry, of)


def _listed(found: Sequence["Entity"]) -> "Table":
    from lead_memory_client.show import age, new_table, now, printable

    table = new_table("kind", "key", "name", "id", "related to", "last said", "merged into")
    # To be copied whole.
    table.columns[1].min_width = min(_KEY_WIDTH, max(len(each.key) for each in found))
    for each in found:
        related = "\n".join(f"{one.kind} {one.key}" for one in each.relations.values())
        said_at = age((now() - each.last_said_at).total_seconds()) if each.last_said_at else None
        cells = (each.kind, each.key, each.name, each.id, related, said_at, each.merged_into)
        table.add_row(*(printable(cell or "") for cell in cells))
    return table


def _shown(value: dict[str, Any]) -> "Table":
    """The fields, then each record under its name's key."""
    from rich.table import Table
    from rich.text import Text

    from lead_memory_client.show import printable

    shown = Table.grid(padding=(0, 2))

    def add(title: str, fields: dict[str, Any]) -> None:
        shown.add_row(Text(printable(title), "bold"))
        for field, what in fields.items():
            if field in FIELDS or field in ("at", "merged_into"):
                shown.add_row(printable(f"  {field}"), printable(str(what)))

    add("Known", value)
    for record in value.get("records", ()):
        add(f"Said {'by a person' if 'by_person' in record else 'under ' + record['name_key']}", record)
    for key, records in value.get("merged", {}).items():
        for record in records:
            add(f"Merged from {key}", record)
    return shown
