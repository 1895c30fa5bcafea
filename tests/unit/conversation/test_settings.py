"""What an organization may choose, and which lead its choice falls on."""

from collections import Counter
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lead_memory.domain.conversation.settings import Cohort, CohortShares, ConversationSettings, CrossChannel
from tests.events import LEAD, ORGANIZATION

LEADS = 2_000

ids = st.uuids().map(str)
shares = st.integers(0, 100)


@st.composite
def splits(draw: st.DrawFn, full: st.SearchStrategy[int] = shares) -> CohortShares:
    first = draw(full)
    second = draw(st.integers(0, 100 - first))
    return CohortShares(full=first, no_notes=second, single_summary=100 - first - second)


def cohort(split: CohortShares, organization_id: str, lead_id: str) -> Cohort:
    return ConversationSettings(cohorts=split).cohort_of(organization_id, lead_id)


@given(splits(), ids, ids, st.data())
def test_a_larger_share_of_full_moves_no_lead_out_of_it(
    split: CohortShares, organization_id: str, lead_id: str, data: st.DataObject
) -> None:
    larger = data.draw(splits(st.integers(split.full, 100)))
    if cohort(split, organization_id, lead_id) is Cohort.FULL:
        assert cohort(larger, organization_id, lead_id) is Cohort.FULL


@given(splits())
def test_of_every_hundred_places_each_cohort_has_its_share(split: CohortShares) -> None:
    places = Counter(split.cohort_at(place) for place in range(100))
    assert {each: places[each] for each in Cohort} == msgspec.to_builtins(split)


@given(splits(), ids)
def test_over_many_leads_the_shares_come_out_about_as_asked(split: CohortShares, organization_id: str) -> None:
    leads = Counter(cohort(split, organization_id, f"lead-{number}") for number in range(LEADS))
    for each, share in msgspec.to_builtins(split).items():
        # Six standard deviations at most: 100 examples of three cohorts do not go beyond by chance.
        assert abs(leads[each] / LEADS - share / 100) < 0.07


def test_the_cohort_of_a_lead_is_the_same_in_every_process() -> None:
    thirds = CohortShares(full=34, no_notes=33, single_summary=33)
    found = [cohort(thirds, ORGANIZATION, f"{LEAD[:-1]}{digit}") for digit in (0, 1, 5)]
    assert found == [Cohort.FULL, Cohort.NO_NOTES, Cohort.SINGLE_SUMMARY]


def test_a_lead_s_cohort_in_one_organization_says_nothing_of_it_in_another() -> None:
    halves = CohortShares(full=50, no_notes=50)
    pairs = Counter((cohort(halves, "a", str(number)), cohort(halves, "b", str(number))) for number in range(LEADS))
    assert min(pairs[one, other] for one in list(Cohort)[:2] for other in list(Cohort)[:2]) > LEADS / 5


@given(st.tuples(st.integers(-10, 110), st.integers(-10, 110), st.integers(-10, 110)))
def test_shares_are_taken_where_they_are_a_hundred_together_and_none_is_below_zero(split: tuple[int, int, int]) -> None:
    asked = dict(zip(Cohort, split, strict=True))
    if sum(split) == 100 and min(split) >= 0:
        assert msgspec.to_builtins(CohortShares(**asked)) == asked
    else:
        with pytest.raises(ValueError, match="share"):
            CohortShares(**asked)


def test_shares_that_are_not_a_hundred_are_told_with_their_sum() -> None:
    with pytest.raises(ValueError, match="add up to 90 percent, not to 100"):
        CohortShares(full=80, no_notes=10)


def test_who_chooses_nothing_has_linked_threads_and_whole_contexts() -> None:
    settings = ConversationSettings()
    assert (settings.cross_channel, settings.cohorts) == (CrossChannel.LINK, CohortShares(full=100))
    assert settings.cohort_of(ORGANIZATION, LEAD) is Cohort.FULL


@given(splits(), st.sampled_from(CrossChannel))
def test_what_is_stored_is_what_was_chosen(split: CohortShares, cross_channel: CrossChannel) -> None:
    settings = ConversationSettings(cross_channel=cross_channel, cohorts=split)
    assert msgspec.convert(msgspec.to_builtins(settings), ConversationSettings) == settings


@pytest.mark.parametrize(
    "stored",
    [
        {"cross_channel": "merge"},
        {"cohorts": {"full": 99}},
        {"cohorts": {"full": 200, "no_notes": -100}},
        {"cohorts": {"full": 99.5, "no_notes": 0.5}},
        {"cohorts": {"full": True, "no_notes": 99}},
        {"cohorts": {"full": 100, "half_notes": 0}},
        {"cohorts": {}},
        {"cohort": {"full": 100}},
    ],
)
def test_what_is_no_choice_is_refused(stored: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(stored, ConversationSettings)
