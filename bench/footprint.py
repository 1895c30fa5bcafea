"""The most memory that a function's process takes, with everything loaded that it ever loads."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

from bench.ground import Ground
from bench.leads import entry_of, make_leads
from bench.measure import Figure, Goal, figure
from bench.resolving import TEMPLATE
from lead_memory.domain.limits import LEADS
from lead_memory.domain.memories import Lead
from local.state import PROJECT
from tests.events import body

RESOLVER_MEGABYTES = 120
UPDATER_MEGABYTES = 160
EVENT_BYTES = 6 * 1024 * 1024
"""What Lambda calls a function with at most."""
MESSAGE_OVERHEAD_BYTES = 200
CALLS, QUICK_CALLS = 2, 1
"""Of each kind, as a process has many: what the first leaves behind is there in the second."""
MESSAGES = (100, 7)
"""In the largest batches: as many as the queue gives at once, and nearly as large as each can be."""
LETTER = TEMPLATE.replace("amount}}", 'amount | money: "BRL", "pt_BR"}}') + "Have a good day, and do come back. " * 250
"""With a price, for which Babel is loaded; for 500 leads it nearly fills Lambda's answer."""
PROGRAM = """
import json, os, re, sys
from pathlib import Path
from {package}.handler import handler

class Context:
    def get_remaining_time_in_millis(self):
        return 30_000

for event in sys.stdin:
    answer = handler(json.loads(event), Context())
peak = re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())
print(json.dumps({{"answer": answer, "peak_bytes": int(peak[1]) * 1024}}), flush=True)
os._exit(0)
"""
"""An event a line, of which the text is kept while it is handled, as Lambda's runtime does."""


def measure(ground: Ground) -> Iterable[Figure]:
    settings = ground.settings("Resolver"), ground.settings("Updater")
    calls = ground.rounds(CALLS, QUICK_CALLS)
    # Memory is measured and not time, so both at once.
    with ThreadPoolExecutor() as at_once:
        resolver, updater = (
            at_once.submit(_resolver, ground, settings[0], calls),
            at_once.submit(_updater, settings[1], calls),
        )
    return [resolver.result(), updater.result()]


def _resolver(ground: Ground, settings: Mapping[str, str], calls: int) -> Figure:
    ground.say(f"recording the histories of {LEADS} leads")
    leads = make_leads(ground, LEADS)
    request = {"organization_id": leads.organization_id, "leads": leads.lead_ids, "template": LETTER}
    answer, megabytes = _run("resolver", settings, [request] * calls)
    if {lead["status"] for lead in answer["leads"]} != {"ok"}:
        raise RuntimeError("not every lead was resolved")
    return _figure(f"resolver's process at {LEADS} leads a call", megabytes, RESOLVER_MEGABYTES)


def _updater(settings: Mapping[str, str], calls: int) -> Figure:
    organization_id = str(uuid4())
    batches = [_batch(organization_id, messages) for messages in MESSAGES * calls]
    answer, megabytes = _run("memory_updater", settings, batches)
    if answer["batchItemFailures"]:
        raise RuntimeError("not every message was taken in")
    return _figure("updater's process at its largest batch", megabytes, UPDATER_MEGABYTES)


def _figure(name: str, megabytes: float, bound: float) -> Figure:
    return figure(name, "MB at most", [(megabytes, bound)], Goal(1.0))


def _run(package: str, settings: Mapping[str, str], events: Sequence[Any]) -> tuple[Any, float]:
    """The answer to the last event, and the peak of the process in megabytes."""
    process = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(package=package)],
        env=os.environ | settings,
        cwd=PROJECT,
        input="".join(f"{json.dumps(event)}\n" for event in events),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    # Before it are the metrics.
    said = json.loads(process.stdout.splitlines()[-1])
    return said["answer"], said["peak_bytes"] / 1_000_000


def _batch(organization_id: str, messages: int) -> dict[str, Any]:
    """As large as Lambda takes it: orders of a lead each, and in the end a message that is rejected."""
    size = EVENT_BYTES // (messages - 1) - MESSAGE_OVERHEAD_BYTES
    orders = [_order(Lead(organization_id, str(uuid4())), size) for _ in range(messages - 1)]
    return {"Records": [{"messageId": str(uuid4()), "body": text} for text in [*orders, "{}"]]}


def _order(lead: Lead, size_bytes: int) -> str:
    """Filled with what shops note on orders, random so that it does not compress; the size is that within an event."""
    entry = entry_of("shopify/order.paid.json", lead, event_id=str(uuid4()))
    room = size_bytes - len(json.dumps(body(entry)))
    entry["Detail"]["raw_payload"]["note_attributes"] = [_note() for _ in range(room // NOTE_BYTES)]
    return body(entry)


def _note() -> dict[str, str]:
    return {"name": str(uuid4()), "value": str(uuid4())}


NOTE_BYTES = len(json.dumps(json.dumps([_note(), _note()]))) // 2
