"""How many memories the cleanup announces, on a local stack of its own: `python -m bench.scale.sweeping`."""

from collections.abc import Mapping
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
        with ground.silent_bus() as silent, ground.wire():
            rounds = [swept(ground, silent, ended) for _ in range(ROUNDS)]
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


def swept(ground: Ground, silent: Mapping[str, str], ended: int) -> Spent:
    with running("cleanup", {**ground.settings("Cleanup"), **silent}) as cleanup:
        told: list[object] = []
        time = spent(lambda: told.append(cleanup({})))
    if told != [{"published": ended, "finished": True}]:
        raise RuntimeError(f"not all was swept: {told}")
    return time


if __name__ == "__main__":
    main()
