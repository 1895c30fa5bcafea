"""Every way to ask for a lead, and every one that names none: of the client, the command and the functions."""

import contextlib
import io
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple
from uuid import uuid4

import msgspec

from lead_memory.domain.errors import LeadMemoryError
from lead_memory.domain.memories import Lead, MemoryType
from lead_memory_client import Entry, LeadMemory
from lead_memory_client.cli import main
from lead_memory_client.delivery import Delivery, deliver
from lead_memory_client.entries import EventName
from lead_memory_client.rebuild import Rebuilds
from lead_memory_client.stage import Stage
from tests import events
from tests.events import NOW

PATIENCE_SECONDS = 60
SECRET = "Violet-Heron-4471"
"""In all content of the leads that are asked for."""
LARGE = Random(1).randbytes(400_000).hex()
"""What no compression makes small enough for an item."""
EVENT = "test/o-1"
WHEY = (MemoryType.PURCHASE, "product:whey_1kg")
THREAD, NOTE = "t", "n"
ACCOUNT = ("account", "acme")
TEMPLATE = "{{purchase.last_transaction.product_name}}"
QUESTION = "What did they buy?"


class Asked(NamedTuple):
    """What a way to ask is given."""

    stage: Stage
    memory: LeadMemory
    lead: Lead
    """The lead that is asked for, by the organization that asks."""

    @property
    def rebuilds(self) -> Rebuilds:
        return Rebuilds(self.stage)

    @property
    def by_id(self) -> tuple[str, str]:
        return self.lead.lead_id, self.lead.organization_id

    def invoke(self, function: str, request: Mapping[str, Any]) -> Any:
        answer = self.stage.client("lambda").invoke(FunctionName=function, Payload=msgspec.json.encode(request))
        return msgspec.json.decode(answer["Payload"].read())


type Way = Callable[[Asked], Any]


def _command(*arguments: str) -> Way:
    def run(asked: Asked) -> tuple[int, str, str]:
        with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
            lead = ["--lead", asked.lead.lead_id]
            code = main([*arguments, *lead, "--organization", asked.lead.organization_id, "--json"])
        return code, out.getvalue(), err.getvalue()

    return run


def _exported(asked: Asked) -> str:
    with TemporaryDirectory() as folder:
        asked.memory.export_lead(*asked.by_id, Path(folder) / "lead")
        return (Path(folder) / "lead" / "lead.json").read_text()


def _export_command(asked: Asked) -> tuple[int, str, str]:
    with TemporaryDirectory() as folder:
        code, out, err = _command("export", "lead", "--out", f"{folder}/lead")(asked)
        return code, out.replace(folder, ""), err.replace(folder, "")


def _rebuild_of_queue(asked: Asked) -> Any:
    body = msgspec.json.encode(asked.lead._asdict()).decode()
    function = asked.stage.resources.rebuilder_function
    return asked.invoke(function, {"Records": [{"messageId": "m", "body": body}]})


CLIENT: dict[str, Way] = {
    "resolve": lambda asked: asked.memory.resolve(
        [asked.lead.lead_id], organization_id=asked.lead.organization_id, template=TEMPLATE
    ),
    "resolve, several templates": lambda asked: asked.memory.resolve(
        [asked.lead.lead_id],
        organization_id=asked.lead.organization_id,
        templates={"a": TEMPLATE, "b": "{{lead.name}}"},
    ),
    "resolve, variables": lambda asked: asked.memory.resolve(
        [asked.lead.lead_id], organization_id=asked.lead.organization_id, variables=["purchase.summary.order_count"]
    ),
    "memories": lambda asked: asked.memory.memories(*asked.by_id),
    "memories, as of": lambda asked: asked.memory.memories(*asked.by_id, as_of=NOW.replace(year=2100)),
    "records": lambda asked: asked.memory.records(*asked.by_id),
    "stored": lambda asked: asked.memory.stored(*asked.by_id),
    "memory": lambda asked: asked.memory.memory(asked.lead.lead_id, *WHEY, asked.lead.organization_id),
    "lifecycle": lambda asked: asked.memory.lifecycle(*asked.by_id),
    "explain": lambda asked: asked.memory.explain(asked.lead.lead_id, *WHEY, asked.lead.organization_id),
    "lineage": lambda asked: asked.memory.lineage(asked.lead.lead_id, *WHEY, asked.lead.organization_id),
    "events": lambda asked: asked.memory.events(*asked.by_id),
    "notes": lambda asked: asked.memory.notes(*asked.by_id),
    "notes, of a thread": lambda asked: asked.memory.notes(*asked.by_id, thread_id=THREAD),
    "entities": lambda asked: asked.memory.entities(*asked.by_id),
    "entity": lambda asked: asked.memory.entity(asked.lead.lead_id, *ACCOUNT, asked.lead.organization_id),
    "intelligence": lambda asked: asked.memory.intelligence(*asked.by_id),
    "knows_thread": lambda asked: asked.memory.knows_thread(asked.lead.lead_id, THREAD, asked.lead.organization_id),
    "context": lambda asked: asked.memory.context(asked.lead.lead_id, THREAD, asked.lead.organization_id),
    "context, messages": lambda asked: asked.memory.context(
        asked.lead.lead_id, THREAD, asked.lead.organization_id, format="messages"
    ),
    "recall": lambda asked: asked.memory.recall(*asked.by_id, QUESTION),
    "indexed": lambda asked: list(map(str, asked.memory.indexed(*asked.by_id))),
    "recorded": lambda asked: len(asked.memory.recorded([EventName(asked.lead, EVENT)])),
    "export_lead": _exported,
    "erase_event": lambda asked: asked.memory.erase_event(
        asked.lead.lead_id, EVENT, asked.lead.organization_id, dry_run=True
    ),
    "erase_lead": lambda asked: asked.memory.erase_lead(*asked.by_id, dry_run=True),
    "content_hashes": lambda asked: list(asked.memory.content_hashes([EventName(asked.lead, EVENT)]).values()),
}
CLIENT_OF_THE_ORGANIZATION = {
    "begin_organization",
    "configure_conversations",
    "configure_memories",
    "conversation_settings",
    "erase_organization",
    "memory_settings",
    "reseal",
    "rotate_key",
}
"""What names the organization alone."""
CLIENT_OF_THE_STAGE = {"connect", "plan", "publish", "queues", "redrive", "rejections", "status"}
"""What names no lead: for those who run the stage, who may read its queues."""

REBUILDS: dict[str, Way] = {
    "lead": lambda asked: asked.rebuilds.lead(asked.lead, derivation=None, check=False),
    "check": lambda asked: list(asked.rebuilds.check([asked.lead], derivation=None)),
    "leads": lambda asked: list(asked.rebuilds.leads([asked.lead.organization_id])),
}
REBUILDS_OF_THE_STAGE = {"organizations", "progress", "start"}
"""`start` goes by what `leads` gives."""

COMMANDS: dict[str, Way] = {
    "resolve": _command("resolve", TEMPLATE),
    "memories": _command("memories"),
    "lifecycle": _command("lifecycle"),
    "memory archive": _command("memory", "archive", *WHEY),
    "memory delete": _command("memory", "delete", *WHEY),
    "memory restore": _command("memory", "restore", *WHEY),
    "memory purge": _command("memory", "purge", *WHEY),
    "memory annotate": _command("memory", "annotate", *WHEY, "--tag", "vip"),
    "events": _command("events"),
    "context": _command("context", "--thread", THREAD),
    "recall": _command("recall", QUESTION),
    "reembed": _command("reembed", "--check"),
    "note list": _command("note", "list"),
    "note edit": _command("note", "edit", NOTE, "--priority", "high"),
    "entities": _command("entities"),
    "intelligence": _command("intelligence"),
    "entity show": _command("entity", "show", *ACCOUNT),
    "entity merge": _command("entity", "merge", *ACCOUNT, "umbrella"),
    "entity split": _command("entity", "split", *ACCOUNT, "umbrella"),
    "explain": _command("explain", *WHEY),
    "lineage": _command("lineage", *WHEY),
    "export lead": _export_command,
    "erase event": _command("erase", "event", EVENT, "--dry-run"),
    "erase lead": _command("erase", "lead", "--dry-run"),
    "rebuild": _command("rebuild"),
    "rebuild, check": _command("rebuild", "--check"),
}
COMMANDS_OF_THE_ORGANIZATION = {
    "erase organization",
    "keys hash-names",
    "keys reseal",
    "keys rotate",
    "organization conversations",
    "organization retention",
    "organization weights",
    "project remove",
}
COMMANDS_THAT_PUBLISH = {"note add", "note remove", "say", "thread extract", "thread resolve", "thread summarize"}
"""What becomes of an event of another's lead is a test below."""
COMMANDS_OF_THE_STAGE = {"demo", "down", "plan", "publish", "queues", "redrive", "status", "up"}

FUNCTIONS: dict[str, Way] = {
    "resolver": lambda asked: asked.invoke(
        asked.stage.resources.resolver_function,
        {"organization_id": asked.lead.organization_id, "leads": [asked.lead.lead_id], "template": TEMPLATE},
    ),
    "context": lambda asked: asked.invoke(
        asked.stage.resources.context_function,
        {"organization_id": asked.lead.organization_id, "lead_id": asked.lead.lead_id, "thread_id": THREAD},
    ),
    "recall": lambda asked: asked.invoke(
        asked.stage.resources.recall_function, {**asked.lead._asdict(), "query": QUESTION}
    ),
    "rebuilder": lambda asked: asked.invoke(asked.stage.resources.rebuilder_function, asked.lead._asdict()),
    "rebuilder, from its queue": _rebuild_of_queue,
    "privacy": lambda asked: asked.invoke(
        asked.stage.resources.privacy_function,
        {"operation": "erase_lead", **asked.lead._asdict(), "asked_by": "somebody", "dry_run": True},
    ),
}
FUNCTIONS_OF_THE_STAGE = {"cleanup", "embedder", "extractor", "memory_updater"}
"""The first takes no request; what the others make of another's lead are tests below."""

WAYS = {
    f"{surface} {name}": way
    for surface, ways in (
        ("client", CLIENT),
        ("rebuilds", REBUILDS),
        ("command", COMMANDS),
        ("function", FUNCTIONS),
    )
    for name, way in ways.items()
}


def answer(asked: Asked, way: Way) -> str:
    """What is answered, or said, less what was asked with and what it cost."""
    try:
        said = msgspec.json.encode(way(asked)).decode()
    except LeadMemoryError as error:
        said = f"{type(error).__name__}: {error}"
    named = said.replace(asked.lead.lead_id, "<lead>").replace(asked.lead.organization_id, "<organization>")
    without_ids = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "<id>", named)
    without_cost = re.sub(r'"(requests|milliseconds)\\*":[\d.]+', r'"\1":<cost>', without_ids)
    return re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)", "<time>", without_cost)


def orders(lead: Lead) -> list[Entry]:
    """An order whose item holds it, and one that is in S3."""
    return [order(lead, EVENT.partition("/")[2], note="small"), order(lead, "large", note=LARGE)]


def conversation(lead: Lead) -> list[Entry]:
    """A message, a note on the contact and on the thread, an account that was named, and what a model was asked."""
    note = {"note_id": NOTE, "category": "warning", "content": SECRET, "author": "somebody"}
    message = {"thread_id": THREAD, "channel": "sms", "text": SECRET}
    account = {"kind": ACCOUNT[0], "key": ACCOUNT[1], "record": {"name": SECRET}}
    evaluated = {"attempt_id": "a", "importance_score": 1, "jobs": [{"job": "facts", "status": "skipped"}]}
    return [
        _entry(lead, "conversation.message_received", message, "m-1"),
        _entry(lead, "note.pinned", note, "n-1"),
        _entry(lead, "note.pinned", {**note, "thread_id": THREAD}, "n-2"),
        _entry(lead, "crm.entity_extracted", account, "c-1"),
        _entry(lead, "intelligence.evaluated", evaluated, "i-1"),
    ]


def order(lead: Lead, event_id: str, *, note: str) -> Entry:
    product = {"sku": "whey_1kg", "price": "189.90", "name": SECRET}
    data = {"order_id": event_id, "total": "189.90", "currency": "BRL", "products": [product], "note": note + SECRET}
    return _entry(lead, "order.paid", data, event_id)


def _entry(lead: Lead, event_type: str, data: dict[str, Any], event_id: str) -> Entry:
    made = events.entry(
        event_type, data, event_id=event_id, organization_id=lead.organization_id, lead_organization_id=lead.lead_id
    )
    return msgspec.convert(made, Entry)


def publish(memory: LeadMemory, *entries: Entry) -> Delivery:
    delivery = deliver(memory, entries, patience_seconds=PATIENCE_SECONDS)
    assert not delivery.waiting
    return delivery


def new_lead() -> Lead:
    return Lead(str(uuid4()), str(uuid4()))


def known_lead(memory: LeadMemory) -> Lead:
    lead = new_lead()
    assert not publish(memory, *orders(lead), *conversation(lead)).rejected
    return lead
