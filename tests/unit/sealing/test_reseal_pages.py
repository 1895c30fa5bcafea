"""Resealing goes on where it stopped, and leaves out nobody."""

from collections.abc import AsyncIterator, Sequence
from itertools import batched

from hypothesis import given
from hypothesis import strategies as st

from lead_memory.domain.memories import Lead
from lead_memory.services.reseal import LEADS, LEADS_AT_ONCE, Resealed, Resealer
from tests.events import ORGANIZATION


class Leads:
    """A registry, and what is sealed of each of its leads: one item."""

    def __init__(self, count: int) -> None:
        self.ids = [f"lead-{number:05}" for number in range(count)]
        self.resealed: list[str] = []
        self.learned = 0

    async def leads(self, organization_id: str, after: str | None = None) -> AsyncIterator[Sequence[Lead]]:
        left = [Lead(organization_id, lead_id) for lead_id in self.ids if after is None or lead_id > after]
        for page in batched(left, 50, strict=False):
            yield page

    async def learn_newest_key(self, organization_id: str) -> None:
        self.learned += 1

    async def reseal(self, lead: Lead) -> Resealed:
        assert self.learned
        self.resealed.append(lead.lead_id)
        return Resealed(1, 0, 0)


@given(st.integers(0, 3 * LEADS), st.lists(st.integers(0, 40), max_size=20))
async def test_pages_that_end_for_want_of_time_together_reseal_each_lead_once(count: int, times: list[int]) -> None:
    leads = Leads(count)
    resealer = Resealer(leads, leads)
    after, pages, items = None, 0, 0
    while pages == 0 or after is not None:
        left = times[pages] if pages < len(times) else 1_000

        def has_time() -> bool:
            nonlocal left
            left -= 1
            return left >= 0

        page = await resealer.page(ORGANIZATION, after, has_time)
        assert page.leads <= LEADS + LEADS_AT_ONCE
        assert page.leads or page.next is None, "a page without time would be asked for again for ever"
        after, pages, items = page.next, pages + 1, items + page.items
    assert leads.resealed == leads.ids
    assert items == count
    assert leads.learned == pages
