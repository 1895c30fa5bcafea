"""What the extractor asks of a model, and when."""

from collections.abc import Iterable
from datetime import datetime

import pytest

from lead_memory.domain.conversation import names
from lead_memory.domain.events import Event
from lead_memory.domain.intelligence.jobs import Job
from lead_memory.domain.intelligence.lines import Line
from lead_memory.services.offline_model import OfflineModel
from lead_memory.services.thread_jobs import NOTHING_SAID
from lead_memory.services.wanted import ENTITIES_EVERY
from tests.events import START
from tests.unit.intelligence.fakes import LONG, World, request_of, world
from tests.unit.intelligence.said import ASKS, DAY, HOUR, MINUTE, WORTH, in_turn, lead, of_thread, us

PROFILE = names.CONTACT_PROFILE


def texts(given: Iterable[Line]) -> list[str]:
    return [line.text for line in given]


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        pytest.param([lead(WORTH), us(ASKS)], {Job.FACTS}, id="a reply that matches"),
        pytest.param([lead(WORTH), us("Tudo bem?")], set(), id="a reply that does not"),
        pytest.param([lead(WORTH)], set(), id="a message of the lead alone"),
        pytest.param([lead("Open the account Acme")], {Job.ENTITIES}, id="CRM data mentioned"),
        pytest.param([lead(WORTH) for _ in range(ENTITIES_EVERY - 1)], set(), id="four messages of the lead"),
        pytest.param([lead(WORTH) for _ in range(ENTITIES_EVERY)], {Job.ENTITIES}, id="five messages of the lead"),
        pytest.param([us() for _ in range(ENTITIES_EVERY)], set(), id="five of ours"),
        pytest.param([lead(), of_thread("thread.extraction_requested", START)], {Job.FACTS, Job.ENTITIES}, id="asked"),
        pytest.param(
            [lead("Oi, tudo bem?"), of_thread("thread.summary_requested", START)],
            {Job.SUMMARY},
            id="a summary asked for, and small talk",
        ),
        pytest.param(
            [lead(WORTH), of_thread("thread.summary_requested", START)],
            {Job.FACTS, Job.ENTITIES, Job.SUMMARY},
            id="facts and entities before a summary",
        ),
        pytest.param([of_thread("thread.summary_requested", START)], set(), id="a summary of nothing"),
    ],
)
async def test_a_model_is_asked_what_the_specification_says_and_once(said: list[Event], asked: set[Job]) -> None:
    of, model = world()
    assert await of.said(*said) == set()
    assert model.jobs() == dict.fromkeys(asked, 1)
    # The same again, delivered twice or late, is no more to do.
    assert await of.extract(*map(request_of, said)) == set()
    of.now += LONG
    await of.extract(*map(request_of, said))
    assert model.jobs() == dict.fromkeys(asked, 1)
    assert of.sent == []


async def test_a_thread_is_summarized_every_ten_messages_and_with_a_reminder_once_it_is_silent() -> None:
    of, model = world()
    await of.said(*in_turn(9))
    await of.sweep(START + HOUR)
    assert (model.jobs()[Job.SUMMARY], model.jobs()[Job.REACTIVATION]) == (0, 0)
    await of.said(lead(at=START + HOUR))
    await of.sweep(START + 2 * HOUR)
    assert (model.jobs()[Job.SUMMARY], model.jobs()[Job.REACTIVATION]) == (1, 0)
    await of.said(lead(at=START + 3 * HOUR))
    await of.sweep(START + 3 * HOUR + DAY)
    assert (model.jobs()[Job.SUMMARY], model.jobs()[Job.REACTIVATION]) == (2, 1)
    before = len(of.published)
    for days in range(9):
        await of.sweep(START + (2 + days) * DAY)
    assert len(of.published) == before


REQUESTED_AT = START + HOUR
SUMMARIZED, PREPARED = "thread.summarized", "thread.reactivation_prepared"


@pytest.mark.parametrize(
    ("events", "now", "written"),
    [
        pytest.param(in_turn(9), START + HOUR, [], id="nine messages"),
        pytest.param(in_turn(10), START + 10 * MINUTE, [], id="ten messages, within the burst"),
        pytest.param(in_turn(10), START + HOUR, [SUMMARIZED], id="ten messages"),
        pytest.param(in_turn(2), START + 23 * HOUR - MINUTE, [], id="not silent for long"),
        pytest.param(in_turn(2), START + 23 * HOUR, [SUMMARIZED], id="silent, and hardly begun"),
        pytest.param(in_turn(3), START + 2 * DAY, [SUMMARIZED, PREPARED], id="silent"),
        pytest.param(
            [*in_turn(3), of_thread("conversation.thread_resolved", REQUESTED_AT)],
            REQUESTED_AT + 3 * DAY,
            [SUMMARIZED],
            id="resolved",
        ),
        pytest.param(
            [
                *in_turn(3),
                of_thread(SUMMARIZED, START + 9 * MINUTE, summary="All of it.", message_count=3, written_by="m"),
                of_thread("conversation.thread_resolved", REQUESTED_AT),
            ],
            REQUESTED_AT + 3 * DAY,
            [],
            id="resolved, and summarized before",
        ),
    ],
)
async def test_a_summary_is_written_for_each_reason_once_and_a_reminder_after_a_silence(
    events: list[Event], now: datetime, written: list[str]
) -> None:
    of, _ = world()
    await of.record(*events)
    for _ in range(2):
        assert await of.sweep(now) == set()
    texts = [each.event_type for each in of.published if each.event_type.startswith("thread.")]
    assert texts == written


async def test_of_a_thread_without_messages_it_is_said_that_nothing_was_said() -> None:
    of = World(OfflineModel())
    await of.said(of_thread("thread.summary_requested", START))
    assert [(said["summary"], said["message_count"]) for said in of.log(SUMMARIZED)] == [(NOTHING_SAID, 0)]


async def test_triggers_of_one_thread_are_one_job_and_other_threads_have_theirs() -> None:
    of, model = world()
    first = [lead("The account Acme"), us(ASKS), *(lead(WORTH) for _ in range(5)), us(ASKS)]
    other = [lead("The account Initech", thread_id="other")]
    asked = of_thread("thread.extraction_requested", START)
    await of.said(*first, *other, asked)
    assert model.jobs() == {Job.FACTS: 1, Job.ENTITIES: 2}
    evaluations = of.log("intelligence.evaluated")
    assert sorted((each["thread_id"], len(each["jobs"])) for each in evaluations) == [("other", 1), ("t", 2)]
    [of_first] = [each for each in evaluations if each["thread_id"] == "t"]
    assert of_first["triggers"] == [
        "conversation.message_received", "conversation.reply_sent", "thread.extraction_requested",
    ]  # fmt: skip


async def test_a_model_is_given_the_last_50_messages_that_are_new_and_at_least_ten() -> None:
    of, model = world()
    await of.said(*in_turn(60), of_thread("thread.extraction_requested", START + 2 * HOUR))
    [lines, again] = [given for job, given in model.asked if job is not Job.SUMMARY]
    assert texts(lines) == texts(again) == [f"I need {n} plans." for n in range(10, 60)]
    assert all(line.new for line in lines)
    of.now += HOUR
    more = [lead("More!", START + 3 * HOUR), of_thread("thread.extraction_requested", START + 3 * HOUR)]
    await of.said(*more)
    *_, lines = [given for job, given in model.asked if job is Job.FACTS]
    assert [line.text for line in lines if line.new] == ["More!"]
    assert len(lines) == 10


async def test_a_summary_goes_on_from_the_one_before_of_at_most_50_messages_and_a_full_one_does_not() -> None:
    of, model = world()
    await of.said(*in_turn(60))
    await of.sweep(START + 2 * HOUR)
    await of.said(lead("More!", START + 3 * HOUR), of_thread("thread.summary_requested", START + 3 * HOUR))
    await of.said(of_thread("thread.summary_requested", START + 4 * HOUR, full=True))
    first, next_one, full = (texts(given) for job, given in model.asked if job is Job.SUMMARY)
    assert (len(first), next_one, len(full)) == (50, ["More!"], 50)
    assert [before is None for before in model.befores] == [True, False, True]
    assert [each["message_count"] for each in of.log("thread.summarized")] == [60, 61, 61]
    assert [each["full"] for each in of.log("thread.summarized")] == [True, False, True]


async def test_what_comes_late_is_in_the_next_summary() -> None:
    of, model = world()
    await of.said(*in_turn(20))
    await of.sweep(START + 2 * HOUR)
    await of.said(lead("Late!", START + 3 * MINUTE))
    await of.sweep(START + 2 * DAY)
    *_, lines = (texts(given) for job, given in model.asked if job is Job.SUMMARY)
    assert (len(lines), lines[4]) == (21, "Late!")
