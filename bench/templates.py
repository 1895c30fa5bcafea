"""The template language against python-liquid, from text to text."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from itertools import batched
from typing import Any, NamedTuple

from bench.baseline import template as liquid
from bench.ground import Ground
from bench.measure import Figure, Goal, Spent, alternate, figure
from lead_memory.domain.memories import MemoryKey, MemoryType
from lead_memory.domain.templates.render import Escape, OnMissing, render
from lead_memory.domain.templates.syntax import parse
from lead_memory.domain.templates.variables import plan

TEXT = (
    "Hi {{{{lead.name}}}}, I noticed you purchased {{{{purchase.{purchase}.product_name | upcase}}}} for "
    "R${{{{purchase.{purchase}.amount}}}}. You found us through {{{{{form}.answer}}}}, right? "
    'We will call you in the {{{{preference.{preference}.value | default: "morning"}}}}.'
)
PROFILE_FIELDS = ("name", "first_name", "email", "phone", "city", "country", "locale")
PROFILE = {"name": "Ana Souza"}
AT_ONCE = 500
WARM_UP = 1


class Sample(NamedTuple):
    """A template in both languages, and the values that it asks for, as each of them takes values."""

    ours: str
    liquid: str
    memories: Mapping[MemoryKey, Mapping[str, Any]]
    values: Mapping[str, Any]

    @classmethod
    def of(cls, number: int) -> "Sample":
        """With names that no other number has."""
        purchase, preference = f"transaction_{number}", f"contact_time_{number}"
        form = f"sat_survey_{number}:how_did_you_find_us"
        values: dict[str, dict[str, Any]] = {
            MemoryType.PURCHASE: {purchase: {"product_name": "Whey Protein 1kg", "amount": Decimal("189.90")}},
            MemoryType.FORM: {form: {"answer": "Instagram"}},
            MemoryType.PREFERENCE: {preference: {"value": "evening"}},
        }
        return cls(
            TEXT.format(purchase=purchase, preference=preference, form=f"form.{form}"),
            # A colon in a name is a syntax error there.
            TEXT.format(purchase=purchase, preference=preference, form=f'form["{form}"]'),
            {MemoryKey(MemoryType(name), key): value for name, of in values.items() for key, value in of.items()},
            {"lead": PROFILE, **values},
        )


def measure(ground: Ground) -> Iterable[Figure]:
    rounds = ground.rounds(15, quick=2)
    known, *new = [Sample.of(number) for number in range(1 + (WARM_UP + rounds) * AT_ONCE)]
    kept = liquid.parse(known.liquid)
    if not _ours(known) == liquid.render(known.liquid, **known.values) == kept.render(**known.values):
        raise RuntimeError("the template language and python-liquid do not write the same text")
    # Both sides take the same ones, each once.
    ours, theirs = batched(new, AT_ONCE, strict=True), batched(new, AT_ONCE, strict=True)
    pairs = alternate(
        lambda: [_ours_alone(sample) for sample in next(ours)],
        lambda: [liquid.render(sample.liquid, **sample.values) for sample in next(theirs)],
        rounds,
        warm_up=WARM_UP,
    )
    yield figure(
        "template check, plan and render, 5 variables",
        "µs",
        _microseconds(pairs),
        Goal(0.10),
        note="each a new template of new names; its filters are known from others",
    )
    pairs = alternate(
        lambda: [_ours(known) for _ in range(AT_ONCE)],
        lambda: [kept.render(**known.values) for _ in range(AT_ONCE)],
        rounds,
        warm_up=WARM_UP,
    )
    yield figure(
        "the same of one template again, without the baseline's parse",
        "µs",
        _microseconds(pairs),
        note="here a template is kept once it is parsed; the baseline keeps its own",
    )


def _ours(sample: Sample) -> str | None:
    template = parse(sample.ours, PROFILE_FIELDS)
    variables = plan(template.variables).variables
    memories = sample.memories
    values = {each.name: each.find(memories[each.memory] if each.memory else PROFILE) for each in variables}
    return render(template, values, on_missing=OnMissing.FAIL, escape=Escape.NONE).text


def _ours_alone(sample: Sample) -> str | None:
    # The baseline keeps no template either.
    parse.cache_clear()
    return _ours(sample)


def _microseconds(pairs: Iterable[tuple[Spent, Spent]]) -> list[tuple[float, float]]:
    """Of one template."""
    return [(own.cpu / AT_ONCE * 1e6, theirs.cpu / AT_ONCE * 1e6) for own, theirs in pairs]
