"""The extractor and the order of time: conversations that are imported, messages that come late, an index that lags."""

from collections import Counter
from collections.abc import Sequence

from lead_memory.domain.events import Event
from lead_memory.domain.intelligence.jobs import Job
from lead_memory.domain.memories import Lead
from tests.events import NOW, START
from tests.unit.intelligence.fakes import ScriptedModel, World
from tests.unit.intelligence.said import ASKS, DAY, HOUR, MINUTE, WORTH, in_turn, lead, of_thread, us


async def test_a_conversation_that_is_imported_is_summarized_once_by_the_sweep() -> None:
    model = ScriptedModel()
    of = World(model)
    of.now = NOW
    for each in in_turn(9, since=START):
        await of.said(each)
        of.now += MINUTE
    assert set(model.jobs()) <= {Job.FACTS, Job.ENTITIES}
    await of.sweep()
    of.now += HOUR
    await of.sweep()
    asked = model.jobs()
    assert {job: asked[job] for job in (Job.SUMMARY, Job.REACTIVATION)} == {Job.SUMMARY: 1, Job.REACTIVATION: 1}


async def test_a_message_that_comes_late_is_read_though_newer_ones_were() -> None:
    model = ScriptedModel()
    of = World(model)
    await of.said(*in_turn(4), of_thread("thread.extraction_requested", START + HOUR))
    late = lead(WORTH, START + 30 * MINUTE / 60)
    of.now += DAY
    await of.said(late, of_thread("thread.extraction_requested", START + DAY))
    [_, given] = [lines for job, lines in model.asked if job is Job.FACTS]
    assert late.ref in {line.ref for line in given if line.new}


async def test_an_index_that_lacks_the_newest_message_is_looked_at_again() -> None:
    class Lagging(World):
        behind = 1

        async def messages(self, lead: Lead, row: str, newest: int) -> list[Event]:
            found: Sequence[Event] = await super().messages(lead, row, newest)
            self.behind, behind = 0, self.behind
            return list(found[: len(found) - behind])

    model = ScriptedModel()
    of = Lagging(model)
    await of.said(lead(WORTH), us(ASKS, START + MINUTE))
    assert model.jobs() == Counter()
    await of.wait()
    [given] = [lines for job, lines in model.asked if job is Job.FACTS]
    assert [line.text for line in given] == [WORTH, ASKS]
