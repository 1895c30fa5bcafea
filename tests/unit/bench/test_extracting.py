"""What the section about the extractor counts, without a stack."""

from bench.asked import asked
from bench.cost.looking import LAST, delivery, history
from bench.extracting import calls
from bench.junk import judged
from lead_memory.adapters.extraction_queue import request_of
from tests.events import SCRIPTS, SOMEBODY


def test_as_many_statements_are_made_up_as_are_said_and_most_labels_make_one() -> None:
    counted = judged()
    assert counted.said == counted.made_up > 60
    assert counted.kept / counted.said >= 0.9
    assert counted.dropped / counted.made_up >= 0.95


def test_messages_that_come_together_cause_one_call_of_each_job_and_fewer_than_one_by_one() -> None:
    each, all_jobs, _ = calls()
    assert each.met
    assert all_jobs.ratio < 1


def test_twice_the_conversations_ask_for_twice_as_much() -> None:
    once, twice = asked(SCRIPTS), asked([*SCRIPTS, *SCRIPTS])
    assert twice.messages == 2 * once.messages
    assert twice.calls == once.calls + once.calls
    assert twice.input_tokens == once.input_tokens + once.input_tokens
    assert twice.left_out == 2 * once.left_out


def test_a_message_comes_to_the_extractor_without_what_it_says() -> None:
    for name, (_, said, _) in LAST.items():
        events = history(SOMEBODY, name)
        [message] = delivery(events[-1:])["Records"]
        assert request_of(message["body"]).ref == events[-1].ref
        assert said.get("text", "thread_id") not in message["body"]
