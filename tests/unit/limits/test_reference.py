"""The reference has every bound with its value."""

import re
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from lead_memory.domain import limits

REFERENCE = (Path(__file__).parents[3] / "docs/reference/limits.md").read_text("utf-8")
ROWS = dict(re.findall(r"^\| `([A-Z_]+)` \| .+ \| (.+) \|$", REFERENCE, re.MULTILINE))
BOUNDS = {name: bound for name, bound in vars(limits).items() if name.isupper() and name != "UTC"}


def written(bound: object) -> str:
    match bound:
        case datetime():
            return f"{bound:%Y-%m-%d}"
        case timedelta():
            return f"{bound.days} day"
        case (fewest, most):
            return f"{fewest} to {most}"
    return f"{bound:,}"


def test_the_reference_lists_every_bound_and_no_other() -> None:
    assert sorted(ROWS) == sorted(BOUNDS)


@pytest.mark.parametrize("name", sorted(BOUNDS.keys() - {"UNSEEN"}))
def test_a_bound_has_the_value_that_the_reference_says(name: str) -> None:
    assert ROWS[name] == written(BOUNDS[name])


def test_the_characters_that_are_not_taken_are_those_of_the_reference() -> None:
    listed = set()
    for first, last in re.findall(r"U\+([0-9A-F]{4})(?:-U\+([0-9A-F]{4}))?", ROWS["UNSEEN"]):
        listed |= set(range(int(first, 16), int(last or first, 16) + 1))
    assert listed == {character for character in range(0x110000) if limits.UNSEEN.search(chr(character))}
