"""How an organization's conversations are handled, as it chooses."""

import hashlib
from enum import StrEnum
from typing import Annotated

import msgspec


class CrossChannel(StrEnum):
    """What becomes of a message on another channel than the open thread's."""

    LINK = "link"
    """It stands in a thread of its own, which shares the contact's profile and notes."""
    JOIN = "join"
    """The open threads of a lead are one conversation in the context."""


class Cohort(StrEnum):
    """What a lead's contexts are made of."""

    FULL = "full"
    """All five layers."""
    NO_NOTES = "no_notes"
    """All but the operators' notes."""
    SINGLE_SUMMARY = "single_summary"
    """The thread's summary alone."""


class CohortShares(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Percent of the leads, by cohort. Raises `ValueError` for shares that are not 100 together."""

    full: int = 0
    no_notes: int = 0
    single_summary: int = 0

    def __post_init__(self) -> None:
        shares = (self.full, self.no_notes, self.single_summary)
        if min(shares) < 0:
            raise ValueError("a cohort's share is not below 0")
        if sum(shares) != 100:
            raise ValueError(f"the cohorts' shares add up to {sum(shares)} percent, not to 100")

    def cohort_at(self, place: int) -> Cohort:
        """Of a lead whose place is 0 to 99. `full` comes first, so that with a larger share it loses no lead."""
        if place < self.full:
            return Cohort.FULL
        if place < self.full + self.no_notes:
            return Cohort.NO_NOTES
        return Cohort.SINGLE_SUMMARY


type DailyBudget = Annotated[int, msgspec.Meta(ge=0)]
"""Millionths of a US dollar; the day is UTC's."""


class ConversationSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    cross_channel: CrossChannel = CrossChannel.LINK
    cohorts: CohortShares = CohortShares(full=100)
    daily_budget_micros: DailyBudget = 5_000_000
    """What models may cost in a day."""

    def cohort_of(self, organization_id: str, lead_id: str) -> Cohort:
        """The same for as long as the shares stay."""
        digest = hashlib.blake2b(f"{organization_id}/{lead_id}".encode(), digest_size=8).digest()
        return self.cohorts.cohort_at(int.from_bytes(digest) % 100)
