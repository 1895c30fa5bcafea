"""A thousand damaged leads are made again from their events while more of their events come in."""

import threading
import time
from uuid import uuid4

from tests.e2e.test_rebuild import damage, lead_memory, order, publish
from tests.prove.ground import Ground, hold

LEADS = 1_000


def prove_rebuild(ground: Ground) -> str:
    organization = str(uuid4())
    leads = [str(uuid4()) for _ in range(LEADS)]
    ground.say(f"publishing orders of {LEADS:,} leads")
    publish([order(organization, lead, 0) for lead in leads])
    damaged = damage(ground.stack, ground.stage, leads)

    arriving = [order(organization, lead, 1) for lead in leads]
    live = threading.Thread(target=publish, args=(arriving,))
    started = time.monotonic()
    live.start()
    _, rebuilt = lead_memory("rebuild", "--organization", organization)
    seconds = time.monotonic() - started
    live.join()

    hold(rebuilt["leads"] == LEADS, f"{rebuilt['leads']:,} of {LEADS:,} leads were found")
    hold(rebuilt["failed"] == 0, f"{rebuilt['failed']:,} leads were not rebuilt")
    _, left = lead_memory("rebuild", "--organization", organization, "--check")
    hold(left["leads"] == LEADS, f"{left['leads']:,} of {LEADS:,} leads were checked")
    hold(not left["drift"], f"{len(left['drift']):,} leads are not the fold of their events")
    return (
        f"rebuild: {LEADS:,} leads with {damaged:,} damaged memories, while {len(arriving):,} of their events came in: "
        f"all are the fold of their events; {LEADS / seconds:,.0f} leads/s"
    )
