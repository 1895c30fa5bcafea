"""Organizations ask for each other's leads in every way there is, and for content that no filter keeps from them."""

from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any, NamedTuple
from uuid import uuid4

import boto3
from boto3.dynamodb.conditions import Key

from lead_memory.adapters import keys
from lead_memory.adapters.memory_items import ORGANIZATION
from lead_memory.domain.memories import Lead
from lead_memory_client.delivery import deliver
from tests.e2e.ways import EVENT, SECRET, WAYS, Asked, answer, order
from tests.prove.ground import Ground, hold

ORGANIZATIONS = 12
LEADS = 6
"""Of each."""
PAIRS = 200
TAKEN = 6
"""Leads that are made to look as if they were another organization's."""
AT_ONCE = 16
"""Most of the time is spent waiting for queues, in which an export looks and an erasure too."""
PATIENCE_SECONDS = 120
# In one process the commands share the standard output; what they ask, the client's methods ask too.
TRIED = sorted(way for way in WAYS if not way.startswith("command "))


class _Ask(NamedTuple):
    way: str
    organization_id: str
    lead: Lead


def prove_isolation(ground: Ground) -> str:
    random = Random(1)
    organizations = [str(uuid4()) for _ in range(ORGANIZATIONS)]
    leads = [Lead(each, str(uuid4())) for each in organizations for _ in range(LEADS)]
    ground.say(f"publishing orders of {len(leads):,} leads of {ORGANIZATIONS} organizations")
    delivery = deliver(
        ground.memory,
        [order(lead, EVENT.partition("/")[2], note="") for lead in leads],
        patience_seconds=PATIENCE_SECONDS,
    )
    hold(not (delivery.waiting or delivery.rejected), f"{len(delivery.waiting)} orders were not recorded")

    asks = [_pair(random, organizations, leads, TRIED[number % len(TRIED)]) for number in range(PAIRS)]
    ground.say(f"asking {PAIRS:,} times for another organization's lead")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        same = list(pool.map(lambda ask: _as_nobody(ground, ask), asks))
    leaked = [ask.way for ask, is_same in zip(asks, same, strict=True) if not is_same]
    hold(not leaked, f"{len(leaked)} of {PAIRS} answers differ from those for a lead that does not exist: {leaked[:5]}")

    ground.say("taking the filter away")
    taken = [_taken(ground, *_pair(random, organizations, leads, "")[1:]) for _ in range(TAKEN)]
    reads = [(way, lead) for lead in taken for way in TRIED]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(lambda read: answer(_asked(ground, read[1]), WAYS[read[0]]), reads))
    opened = [way for (way, _), said in zip(reads, answers, strict=True) if SECRET in said]
    hold(not opened, f"content of another organization was opened by {opened}")
    return (
        f"isolation: {PAIRS:,} reads in {len(TRIED)} ways across {ORGANIZATIONS} organizations, 0 differ from those of "
        f"a lead that does not exist; {len(reads):,} reads of items that claim to be the reader's, 0 opened"
    )


def _pair(random: Random, organizations: list[str], leads: list[Lead], way: str) -> _Ask:
    lead = random.choice(leads)
    return _Ask(way, random.choice([each for each in organizations if each != lead.organization_id]), lead)


def _asked(ground: Ground, lead: Lead) -> Asked:
    return Asked(ground.stage, ground.memory, lead)


def _as_nobody(ground: Ground, ask: _Ask) -> bool:
    theirs, nobodys = Lead(ask.organization_id, ask.lead.lead_id), Lead(ask.organization_id, str(uuid4()))
    return answer(_asked(ground, theirs), WAYS[ask.way]) == answer(_asked(ground, nobodys), WAYS[ask.way])


def _taken(ground: Ground, organization_id: str, lead: Lead) -> Lead:
    """The lead once all of its items say that they are the organization's."""
    table: Any = boto3.resource("dynamodb", **ground.stack.client_arguments()).Table(ground.stage.resources.table_name)
    for item in table.query(KeyConditionExpression=Key(keys.PK).eq(lead.lead_id), ConsistentRead=True)["Items"]:
        table.put_item(Item=item | {ORGANIZATION: organization_id})
    return Lead(organization_id, lead.lead_id)
