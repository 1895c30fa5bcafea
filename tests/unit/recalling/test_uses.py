"""What was recalled is counted together, and what fails is given back alone."""

from collections.abc import Collection
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from lead_memory.domain.errors import Erased, Unavailable
from lead_memory.domain.memories import Lead, StorageTier
from lead_memory.services import uses
from lead_memory.services.indexing import Standing
from lead_memory.services.uses import Uses
from tests.events import NOW
from tests.unit.recalling.fakes import KeptEvents


class Index:
    """`lead_memory.services.uses.Index`, where some rows cannot be counted."""

    def __init__(self, broken: Collection[str] = (), erased: Collection[str] = ()) -> None:
        self.counted: dict[tuple[str, str], tuple[int, datetime]] = {}
        self._broken, self._erased = broken, erased

    async def standing(self, lead: Lead, rows: Collection[str]) -> list[Standing]:
        return [Standing(row, None, None) for row in rows]

    async def count(self, lead: Lead, row: str, uses: int, last_at: datetime) -> None:
        if row in self._broken:
            raise Unavailable("no")
        if lead.lead_id in self._erased:
            raise Erased("the lead was erased")
        assert (lead.lead_id, row) not in self.counted
        self.counted[lead.lead_id, row] = uses, last_at


_rows = st.dictionaries(st.sampled_from(["a", "b", "c"]), st.sampled_from(StorageTier), max_size=3)
recalls = st.lists(
    st.builds(
        Uses,
        organization_id=st.just("o"),
        lead_id=st.sampled_from(["l", "m"]),
        used_at=st.integers(0, 5).map(lambda hours: NOW + timedelta(hours=hours)),
        rows=_rows,
    ),
    max_size=8,
)


@given(recalls, st.sets(st.sampled_from(["a", "b"])))
async def test_each_memory_is_counted_once_for_all_its_uses(recalls: list[Uses], broken: set[str]) -> None:
    index = Index(broken)
    failed = await uses.count(index, KeptEvents(), recalls)
    assert failed == {n for n, each in enumerate(recalls) if broken & set(each.rows)}
    for (lead_id, row), (count, last_at) in index.counted.items():
        of_row = [each for each in recalls if each.lead_id == lead_id and row in each.rows]
        assert (count, last_at) == (len(of_row), max(each.used_at for each in of_row))
    used = {(each.lead_id, row) for each in recalls for row in each.rows if row not in broken}
    assert set(index.counted) == used


async def test_uses_of_an_erased_lead_are_no_failure() -> None:
    recall = Uses(organization_id="o", lead_id="l", used_at=NOW, rows={"a": StorageTier.HOT})
    assert await uses.count(Index(erased=["l"]), KeptEvents(), [recall]) == set()
