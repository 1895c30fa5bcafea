"""Rebuilding an organization of 2,000 leads and one of 100: whether a lead takes as long."""

import json
from collections.abc import Iterable
from itertools import batched, islice
from uuid import uuid4

from bench.campaign import records
from bench.function import Handler, running
from bench.ground import Ground
from bench.measure import Figure, Goal, alternate, figure
from lead_memory.domain.memories import Lead
from lead_memory_client.rebuild import Rebuilds

FEW = 100
MANY, QUICK_MANY = 2_000, 200
REBUILT_AT_ONCE = 10
"""Leads that the queue gives the rebuilder at once."""
RECORDED_AT_ONCE = 50
"""Leads in a batch of the updater."""


def measure(ground: Ground) -> Iterable[Figure]:
    """A round is the small organization's leads, and as many of the large one's, until those are through.

    The large one's come from the registry as they are needed. The rebuilder's handler gets leads as its queue delivers
    them. Each has five events and three memories. All are sound, so everything is read and folded, and nothing written.
    """
    many = ground.rounds(MANY, QUICK_MANY)
    ground.say(f"recording the histories of {FEW + many:,} leads")
    with running("memory_updater", ground.settings("Updater")) as updater:
        small, large = (_organization(updater, leads) for leads in (FEW, many))
    registry = Rebuilds(ground.stage)
    with running("rebuilder", ground.settings("Rebuilder")) as rebuilder:
        # Before, because all of the registry's partitions are asked however few the leads: it would flatter the large.
        of_small, of_large = list(registry.leads([small])), registry.leads([large])
        _rebuild(rebuilder, of_small)  # with it, connections and keys are warm
        pairs = alternate(
            lambda: _rebuild(rebuilder, islice(of_large, FEW)),
            lambda: _rebuild(rebuilder, of_small),
            many // FEW,
            warm_up=0,
        )
    for what, goal, spent in (
        ("client CPU", Goal(1.1), [(own.cpu, few.cpu) for own, few in pairs]),
        ("time", None, [(own.wall, few.wall) for own, few in pairs]),
    ):
        milliseconds = [(own * 1000 / FEW, few * 1000 / FEW) for own, few in spent]
        note = "sound leads, five events each" if goal else "the local engine's part included"
        yield figure(f"rebuild: {what}, a lead of {many:,} over one of {FEW}", "ms", milliseconds, goal, note=note)


def _organization(updater: Handler, leads: int) -> str:
    """A new one, with as many leads."""
    organization = str(uuid4())
    for some in batched([str(uuid4()) for _ in range(leads)], RECORDED_AT_ONCE, strict=False):
        if updater({"Records": records(organization, some)})["batchItemFailures"]:
            raise RuntimeError("not every event was recorded")
    return organization


def _rebuild(rebuilder: Handler, leads: Iterable[Lead]) -> None:
    run_id, rebuilt = str(uuid4()), 0
    for some in batched(leads, REBUILT_AT_ONCE, strict=False):
        requests = [{**lead._asdict(), "run_id": run_id} for lead in some]
        messages = [{"messageId": each["lead_id"], "body": json.dumps(each)} for each in requests]
        rebuilt += len(some) - len(rebuilder({"Records": messages})["batchItemFailures"])
    if rebuilt != FEW:
        raise RuntimeError(f"{rebuilt:,} of {FEW:,} leads were rebuilt")
