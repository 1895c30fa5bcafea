"""The resolver's own handler against one read for each variable."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from uuid import uuid4

import boto3

from bench.baseline.resolve import TemplateResolver
from bench.function import running
from bench.ground import Ground
from bench.leads import Leads, make_leads
from bench.measure import Figure, Goal, alternate, figure
from lead_memory.domain import canonical
from lead_memory.domain.templates.syntax import parse
from lead_memory.domain.templates.variables import plan

LEADS = 100
TEMPLATE = (
    "Hi {{lead.name}}, I noticed you purchased {{purchase.last_transaction.product_name}} for "
    "R${{purchase.last_transaction.amount}}. You found us through "
    "{{form.sat_survey_2026:how_did_you_find_us.answer}}, right? "
    "We will call you in the {{preference.contact_time.value}}."
)

type Resolve = Callable[[Sequence[str]], list[str]]
"""The texts of leads."""


def measure(ground: Ground) -> Iterable[Figure]:
    ground.say(f"recording the histories of {LEADS} leads")
    leads = make_leads(ground, LEADS)
    with ground.wire(), _baseline(ground, leads) as baseline, _resolver(ground, leads) as ours:
        # It also warms both up.
        if ours(leads.lead_ids) != baseline.resolve_all(TEMPLATE, leads.lead_ids):
            raise RuntimeError("the resolver and the baseline do not write the same texts")
        return [*_one_lead(ground, leads, ours, baseline), _many_leads(ground, leads, ours, baseline)]


def _one_lead(ground: Ground, leads: Leads, ours: Resolve, baseline: TemplateResolver) -> list[Figure]:
    asked = leads.lead_ids[: ground.rounds(20, quick=5)]
    pairs = alternate(
        lambda: [ours([lead_id]) for lead_id in asked],
        lambda: [baseline.resolve(TEMPLATE, lead_id) for lead_id in asked],
        ground.rounds(15, quick=3),
    )
    what = "resolve 5 variables over 3 memories and the profile, one lead"
    to_milliseconds = 1000 / len(asked)
    cpu = [(own.cpu * to_milliseconds, theirs.cpu * to_milliseconds) for own, theirs in pairs]
    wall = [(own.wall * to_milliseconds, theirs.wall * to_milliseconds) for own, theirs in pairs]
    return [
        figure(f"{what}: client CPU", "ms", cpu, Goal(0.30)),
        figure(f"{what}: time on the wire", "ms", wall, Goal(0.25)),
    ]


def _many_leads(ground: Ground, leads: Leads, ours: Resolve, baseline: TemplateResolver) -> Figure:
    pairs = alternate(
        lambda: ours(leads.lead_ids),
        lambda: baseline.resolve_all(TEMPLATE, leads.lead_ids),
        ground.rounds(15, quick=2),
        warm_up=0,
    )
    rates = [(LEADS / own.cpu, LEADS / theirs.cpu) for own, theirs in pairs]
    return figure(
        f"resolve for {LEADS} leads in one call", "leads per second of client CPU", rates, Goal(10, at_most=False)
    )


@contextmanager
def _resolver(ground: Ground, leads: Leads) -> Iterator[Resolve]:
    with running("resolver", ground.settings("Resolver")) as handler:

        def resolve(lead_ids: Sequence[str]) -> list[str]:
            request = {"organization_id": leads.organization_id, "leads": lead_ids, "template": TEMPLATE}
            return [lead["text"] for lead in handler(request)["leads"]]

        yield resolve


@contextmanager
def _baseline(ground: Ground, leads: Leads) -> Iterator[TemplateResolver]:
    """With the same memories, unsealed, in a table of its own."""
    table = boto3.resource("dynamodb").create_table(
        TableName=f"baseline-{uuid4()}",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    )
    try:
        table.wait_until_exists()
        with table.batch_writer() as batch:
            for lead_id in leads.lead_ids:
                for name in plan(parse(TEMPLATE).variables).memories:
                    value = canonical.encode(leads.memories[name]).decode()
                    batch.put_item({"pk": lead_id, "sk": f"{name.memory_type}#{name.key}", "value": value})
        settings = ground.settings("Resolver")
        yield TemplateResolver(
            table.name,
            cluster_arn=settings["LEAD_MEMORY_PROFILE_CLUSTER_ARN"],
            secret_arn=settings["LEAD_MEMORY_PROFILE_SECRET_ARN"],
            database=settings["LEAD_MEMORY_PROFILE_DATABASE"],
        )
    finally:
        table.delete()
