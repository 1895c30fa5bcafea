"""How many memories the cleanup announces, on a local stack of its own: `python -m bench.scale.sweeping`."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from bench.function import running
from bench.ground import Ground, own_ground
from bench.measure import Spent, spent
from tests.events import body, entry

LEADS, MEMORIES_A_LEAD = 320, 25
BATCH = 100
ROUNDS = 3
SAID_AT = datetime(2020, 1, 1, tzinfo=UTC)


def main() -> None:
    with own_ground(quick=False) as ground:
        ended = record_ended(ground)
        with silent_bus(ground) as bus, ground.wire():
            rounds = [swept(ground, bus, ended) for _ in range(ROUNDS)]
    for each in rounds:
        print(f"{ended / each.cpu:,.0f} memories a processor-second, {ended / each.wall:,.0f} a second")


def record_ended(ground: Ground) -> int:
    """Memories whose time is over, of leads of every shard; how many."""
    organization = str(uuid4())
    with running("memory_updater", ground.settings("Updater")) as updater:
        for lead_id in (str(uuid4()) for _ in range(LEADS)):
            bodies = [_declared(number, organization, lead_id) for number in range(MEMORIES_A_LEAD)]
            records = [{"messageId": str(number), "body": each} for number, each in enumerate(bodies)]
            if updater({"Records": records})["batchItemFailures"]:
                raise RuntimeError("what is to be swept was not recorded")
    return LEADS * MEMORIES_A_LEAD


def _declared(number: int, organization: str, lead_id: str) -> str:
    said = {"memory_type": "fact", "key": f"away {number}", "value": {"until": "Monday"}}
    over = {**said, "expires_at": (SAID_AT + timedelta(days=number + 1)).isoformat()}
    whose = {"organization_id": organization, "lead_organization_id": lead_id}
    return body(entry("memory.declared", over, event_id=f"away {number}", at=SAID_AT, **whose))


@contextmanager
def silent_bus(ground: Ground) -> Iterator[str]:
    """A bus that nobody listens to, so that what is announced stays due."""
    events, name = ground.stage.client("events"), f"silent-{uuid4()}"
    events.create_event_bus(Name=name)
    yield name
    events.delete_event_bus(Name=name)


def swept(ground: Ground, bus: str, ended: int) -> Spent:
    with running("cleanup", ground.settings("Cleanup") | {"LEAD_MEMORY_BUS_NAME": bus}) as cleanup:
        told: list[object] = []
        time = spent(lambda: told.append(cleanup({})))
    if told != [{"published": ended, "finished": True}]:
        raise RuntimeError(f"not all was swept: {told}")
    return time


if __name__ == "__main__":
    main()
