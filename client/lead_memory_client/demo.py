"""The product on the local stack: webhooks in, memories derived, messages and answers out."""

import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING
from uuid import UUID

from rich.console import Console
from rich.text import Text

from lead_memory.domain import canonical
from lead_memory_client import demo_conversation, demo_recall
from lead_memory_client.client import LeadMemory
from lead_memory_client.delivery import POLL_SECONDS
from lead_memory_client.demo_events import EVENTS, DemoFailed, delivered
from lead_memory_client.entries import read_entries
from lead_memory_client.show import leads_table, memories_text, message, now
from lead_memory_client.stage import LOCAL, find_stage

if TYPE_CHECKING:
    from lead_memory_client.show import Steps

TEMPLATE = (
    "Hi {{lead.name}}, I noticed you purchased {{purchase.last_transaction.product_name}} for "
    "R${{purchase.last_transaction.amount}}. You found us through "
    "{{form.sat_survey_2026:how_did_you_find_us.answer}}, right?"
)
BUYER, ASKER, ANSWERED = "Ana Souza", "Helena Prado", "Laura"
MESSAGE = "Hi Ana Souza, I noticed you purchased Whey Protein 1kg for R$189.90. You found us through Instagram, right?"
TEMPLATES = {
    ("Shopify", "John Smith"): "Hi {{lead.first_name}}, your {{purchase.last_transaction.product_name}} order of "
    '{{purchase.last_transaction.amount | money: "USD", "en_US"}} is on its way.',
    ("Stripe", "Martin"): "{{lead.name}}, your {{purchase.last_transaction.product_name}} was renewed on "
    '{{purchase.last_transaction.purchased_at | date: "long", "en_US"}}.',
    ("Typeform", "Laura"): "{{lead.name}}, you rated Sydney's weather {{form.lT4Z3j:readable_ref_number1.answer}} of "
    "5, and yet your favourite is {{form.lT4Z3j:readable_ref_multiple_choice.answer}}!",
    ("Intercom", "Rose Poodle"): 'Hi {{lead.first_name}}, your ticket "{{support.ticket:66040342.subject}}" is '
    "{{support.ticket:66040342.status}}.",
    ("HubSpot", "Kovat Tif"): "{{lead.first_name}}, how is life as a {{fact.work.job_title | downcase}}?",
    ("Segment", "Bruno Lima"): "Oi {{lead.first_name}}, você pagou "
    '{{purchase.last_transaction.amount | money: "BRL", "pt_BR"}} em '
    '{{purchase.last_transaction.purchased_at | date: "short", "pt_BR"}}.',
}
NEXT = """\
What to do next:
  make dev                                    start the stack and let it stay up
  .venv/bin/lead-memory publish --wait PATH   publish events of yours, written as in events/
  .venv/bin/lead-memory memories --lead {buyer}
  .venv/bin/lead-memory resolve --lead {buyer} '{{{{lead.name}}}}'
  .venv/bin/lead-memory context --lead {asker} --thread {thread}
  .venv/bin/lead-memory recall 'when can we call?' --lead {answered}
  .venv/bin/lead-memory explain --lead {asker} fact contact_profile
  .venv/bin/lead-memory entities --lead {asker}
  make down                                   stop the stack"""


def run(
    local_stack: ModuleType, out: Console, steps: Callable[[], "Steps"], organization_id: UUID, *, stay: bool
) -> None:
    """Leaves the stack up where it was up before, or is to `stay`. Raises `DemoFailed`."""
    people = canonical.decode((EVENTS.parent / "local" / "leads.json").read_bytes())
    leads = {person["name"]: person["id"] for person in people}
    with _stack(local_stack, steps, stay=stay):
        stage = find_stage(LOCAL, profile=None, region=None)
        memory = LeadMemory(stage)
        _publish(memory, out, steps)
        _specification(memory, out, organization_id, leads)
        _integrations(memory, out, organization_id, leads)
        _heading(out, f"What is remembered of {BUYER}")
        out.print(memories_text(memory.memories(leads[BUYER], organization_id), now()))
        _heading(out, "What an agent is told before a silence of two weeks, and after it")
        demo_conversation.show(stage, out, steps)
        _heading(out, f"What {ANSWERED}'s memories answer, in whichever language they are asked")
        demo_recall.show(memory, out, steps, organization_id, leads[ANSWERED])
    out.print()
    by_name = {"buyer": leads[BUYER], "asker": leads[ASKER], "answered": leads[ANSWERED]}
    out.print(NEXT.format(**by_name, thread=demo_conversation.THREAD), soft_wrap=True)


@contextmanager
def _stack(local_stack: ModuleType, steps: Callable[[], "Steps"], *, stay: bool) -> Iterator[None]:
    stay = stay or local_stack.find() is not None
    # A closed terminal or a `kill` ends the demo as Ctrl-C does, so that nothing stays behind.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda received, _: sys.exit(128 + received))
    with steps() as progress:
        local_stack.up(progress)
    try:
        yield
    finally:
        if not stay:
            with steps() as progress:
                local_stack.down(progress)


def _publish(memory: LeadMemory, out: Console, steps: Callable[[], "Steps"]) -> None:
    entries = read_entries([EVENTS])
    with steps() as progress:
        progress(f"Publishing {len(entries)} events, and waiting until each can be read.")
        first = delivered(memory, entries[:1])
        others = delivered(memory, entries[1:])
    _heading(out, "From publish to visible")
    out.print(f"The first, alone: {first.summary()}")
    out.print(f"The others, at once: {others.summary()}")
    out.print(
        f"Timed from before PutEvents to the first strongly consistent read that finds the event, read every "
        f"{POLL_SECONDS * 1000:.0f} ms. Where the stack was just started, the first event also waits for the "
        "function to start.",
        style="dim",
    )


def _specification(memory: LeadMemory, out: Console, organization_id: UUID, leads: Mapping[str, str]) -> None:
    _heading(out, "The specification's template, for every lead")
    out.print(Text(TEMPLATE, "green"))
    answers = memory.resolve(list(leads.values()), organization_id=organization_id, template=TEMPLATE)
    out.print()
    out.print(leads_table(answers, {lead_id: name for name, lead_id in leads.items()}))
    texts = {answer.lead: answer.text for answer in answers}
    if texts[leads[BUYER]] != MESSAGE:
        raise DemoFailed(f"{BUYER}'s message is {texts[leads[BUYER]]!r}, and should be {MESSAGE!r}.")


def _integrations(memory: LeadMemory, out: Console, organization_id: UUID, leads: Mapping[str, str]) -> None:
    _heading(out, "A template for what each integration knows")
    for (integration, name), template in TEMPLATES.items():
        [answer] = memory.resolve([leads[name]], organization_id=organization_id, template=template)
        out.print(Text.assemble((f"{integration}  ", "bold"), (template, "green")))
        out.print(message(answer))
        if answer.text is None:
            raise DemoFailed(f"There is no message for {name}, whose events came through {integration}.")


def _heading(out: Console, text: str) -> None:
    out.print()
    out.print(Text(text, "bold"))
