"""A context does not depend on the order in which its lead's events arrived."""

import asyncio
from datetime import timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from lead_memory.domain.conversation.settings import ConversationSettings, CrossChannel
from lead_memory.domain.events import Event
from lead_memory.services.context import Answer
from lead_memory.services.record import Recorder
from tests.events import START, event, happenings
from tests.fakes import MemoryStore, no_pause
from tests.unit.context.fakes import FakeReader, ask
from tests.unit.record.test_recorder_laws import folded

_hours = st.integers(0, 30 * 24)
_randoms = st.integers(0, 2**32 - 1).map(Random)
_settings = st.sampled_from(CrossChannel).map(lambda policy: ConversationSettings(cross_channel=policy))


@st.composite
def _stories(draw: st.DrawFn) -> list[Event]:
    """Of a month; several events at one time."""
    drawn = draw(st.lists(st.tuples(happenings, _hours), min_size=1, max_size=20))
    return [
        event(event_type, data, event_id=f"e{number}", at=START + timedelta(hours=hour))
        for number, ((event_type, data), hour) in enumerate(drawn)
    ]


async def _recorded(events: list[Event], random: Random) -> MemoryStore:
    store = MemoryStore()
    arriving = random.sample(events, len(events))
    while arriving:
        size = random.randint(1, 6)
        batch, arriving = arriving[:size], arriving[size:]
        await Recorder(store, no_pause).record(batch)
    return store


@given(_stories(), _randoms, st.sampled_from(["a", "b", "nobody's"]), _hours, _settings)
def test_a_conversation_rebuilt_from_its_events_gives_the_same_context(
    events: list[Event], random: Random, thread_id: str, hours: int, settings: ConversationSettings
) -> None:
    def answer(reader: FakeReader) -> Answer:
        return ask(reader, START + timedelta(hours=hours), settings=settings, thread_id=thread_id)

    store = asyncio.run(_recorded(events, random))
    log = [recorded for recorded, _ in store.events.values()]
    assert answer(FakeReader(store.memories)) == answer(FakeReader(folded(log)))
