"""Which memories are close enough to be summed up together."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lead_memory.domain.limits import CLUSTER_MEMORIES
from lead_memory.domain.memories import Environment, MemoryKey, MemoryType, Source
from lead_memory.domain.recall.entry import Indexed
from lead_memory.domain.recall.groups import close_groups
from tests.unit.recall.entries import NOW, indexed, indexes

CLOSE = 0.9
NEAR = [(1.0, 0.0), (1.0, 0.3), (1.0, 0.6)]
"""Each is close to the next, and the first is not to the last."""


def groups(index: list[Indexed], around: str | None = None) -> list[list[str]]:
    seeds = [each.entry.name for each in index if around in (None, each.entry.name.key)]
    found = close_groups(index, seeds, now=NOW.timestamp(), close=CLOSE)
    return [[name.key for name in group] for group in found]


def near(**of_the_last: Any) -> list[Indexed]:
    a, b, c = (indexed(key, "", vector) for key, vector in zip("abc", NEAR, strict=True))
    return [a, b, indexed("c", "", NEAR[2], **of_the_last) if of_the_last else c]


def test_three_of_which_each_is_close_to_another_are_a_group() -> None:
    assert groups([*near(), indexed("far", "", (0.0, 1.0))]) == [["a", "b", "c"]]


def test_two_are_none() -> None:
    assert groups([*near()[:2], indexed("far", "", (0.0, 1.0))]) == []


def test_a_group_is_found_from_any_of_its_own_and_from_no_other() -> None:
    index = [*near(), indexed("far", "", (0.0, 1.0))]
    assert all(groups(index, key) == [["a", "b", "c"]] for key in "abc")
    assert groups(index, around="far") == []


@pytest.mark.parametrize(
    "of_the_last",
    [
        {"expires_at": NOW.timestamp()},
        {"contradiction_count": 2, "source": Source.EVENT_DERIVED},
        {"environment": Environment.STAGING},
        {"is_summary": True, "summary_of": (MemoryKey(MemoryType.FACT, "z"),)},
    ],
)
def test_what_does_not_live_or_is_a_summary_is_in_none(of_the_last: dict[str, Any]) -> None:
    assert groups(near(**of_the_last)) == []


def test_what_is_in_a_summary_is_not_summed_up_again() -> None:
    summary = indexed("summary", is_summary=True, summary_of=(MemoryKey(MemoryType.FACT, "b"),))
    assert groups([*near(), summary]) == []


def test_a_group_is_not_larger_than_a_summary_takes() -> None:
    index = [indexed(f"{number:02}", "", (1.0, number / 1_000)) for number in range(CLUSTER_MEMORIES + 4)]
    assert [len(group) for group in groups(index)] == [CLUSTER_MEMORIES, 4]


@given(indexes.filter(lambda index: len(index) > 2), st.randoms())
def test_groups_share_no_memory_and_do_not_depend_on_the_order(index: list[Indexed], random: Any) -> None:
    shuffled = random.sample(index, len(index))
    found = groups(index)
    assert found == groups(shuffled)
    assert all(3 <= len(group) <= CLUSTER_MEMORIES for group in found)
    names = [each.entry.name for each in index]
    grouped = [name for group in close_groups(index, names, now=NOW.timestamp(), close=CLOSE) for name in group]
    assert len(grouped) == len(set(grouped))
