"""The reference says what is true."""

import re
from pathlib import Path

import pytest

from lead_memory.domain import canonical
from lead_memory.domain.templates.filters import FILTERS
from lead_memory.domain.templates.render import Escape, OnMissing, render
from lead_memory.domain.templates.syntax import parse
from lead_memory.domain.templates.variables import Reason

REFERENCE = (Path(__file__).parents[3] / "docs/reference/templates.md").read_text("utf-8")
EXAMPLES = [
    (filters, canonical.decode(value), printed)
    for filters, value, printed in re.findall(r"^\| `(.+)` \| `(.+)` \| `(.+)` \|$", REFERENCE, re.MULTILINE)
]


@pytest.mark.parametrize(("filters", "value", "printed"), EXAMPLES)
def test_an_example_prints_what_the_reference_says(filters: str, value: object, printed: str) -> None:
    template = parse("{{fact.x.y | " + filters + "}}")
    values = {"fact.x.y": Reason.NULL if value is None else value}
    text = render(template, values, on_missing=OnMissing.FAIL, escape=Escape.NONE).text
    assert text is not None
    assert text.replace("\u00a0", " ") == printed


def test_every_filter_has_an_example_and_every_reason_its_line() -> None:
    assert {filters.partition(":")[0] for filters, *_ in EXAMPLES} == set(FILTERS)
    assert all(f"`{reason}`" in REFERENCE for reason in Reason)
