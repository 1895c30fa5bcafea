"""What in a message makes it worth asking about, and what it quotes of earlier ones."""

import json
import time
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lead_memory.domain.conversation.context import assemble
from lead_memory.domain.conversation.layers import Format, Known, Layer
from lead_memory.domain.conversation.messages import Message
from lead_memory.domain.conversation.notes import Category, Note, Priority
from lead_memory.domain.conversation.settings import Cohort
from lead_memory.domain.intelligence.triggers import Topic, crm_mentioned, facts_wanted, topics, unquoted
from lead_memory.domain.times import iso
from tests.events import NOW

ROOT = Path(__file__).parents[3]
DEMO = json.loads((ROOT / "events" / "conversations" / "premium_plan.json").read_text())
CHATTER = {
    language: (ROOT / "bench" / "texts" / f"{language}.txt").read_text().replace("\n%\n", "\n").splitlines()
    for language in ("english", "portuguese")
}
PIECES = [
    "> earlier",
    "On Monday, Ana",
    "Ana wrote:",
    "Em seg., Ana escreveu:",
    "## Contact Profile",
    "- entry",
    "own",
    "",
]


@pytest.mark.parametrize(
    ("topic", "english", "portuguese"),
    [
        (Topic.BUDGET, "What is your budget?", "Qual é o orçamento de vocês?"),
        (Topic.TIMELINE, "We need it by Friday.", "Precisamos até sexta."),
        (Topic.AUTHORITY, "My boss approves it.", "Meu chefe aprova."),
        (Topic.PAIN, "The struggle is real: it never arrived.", "O pedido não chegou."),
        (Topic.OBJECTION, "It's too expensive for us.", "Achei muito caro."),
        (Topic.PRODUCT, "I'm interested in the premium plan.", "Tenho interesse e queria saber do plano premium."),
        (Topic.NEXT_STEP, "I'll send it tomorrow.", "Te mando amanhã."),
    ],
)
def test_each_group_of_triggers_is_found_in_both_languages(topic: Topic, english: str, portuguese: str) -> None:
    assert topic in topics(english)
    assert topic in topics(portuguese)


@pytest.mark.parametrize(
    "text",
    ["ok", "thanks 👍", "bom dia", "No problem!", "Sem problemas", "When?", "nice design", "Any question?", "😂", ""],
)
def test_small_talk_wants_no_facts(text: str) -> None:
    assert not facts_wanted(text)


@pytest.mark.parametrize("language", CHATTER)
def test_chatter_seldom_wants_facts(language: str) -> None:
    said = [line for line in CHATTER[language] if line.strip()]
    assert sum(map(facts_wanted, said)) < 0.04 * len(said)


def test_most_replies_of_a_sale_want_facts() -> None:
    replies = [each["Detail"]["data"]["text"] for each in DEMO if each["DetailType"] == "conversation.reply_sent"]
    assert sum(map(facts_wanted, replies)) >= 0.8 * len(replies)


@pytest.mark.parametrize(
    "text",
    [
        "Get the Acme Corp account",
        "I found the Acme Corp account with ID 001234",
        "The account ID is 001234",
        "o ID é 0015x00000abc",
        "ticket #4521 is still open",
        "O chamado 10482 já foi fechado?",
        "My contact John Smith will answer",
        "a conta da empresa Acme",
        "Oportunidade Renovação 2027",
    ],
)
def test_a_record_with_its_name_or_id_is_a_mention(text: str) -> None:
    assert crm_mentioned(text)


@pytest.mark.parametrize(
    "text",
    ["Please contact us on Monday", "in case John comes", "it is a deal", "no caso do João", "Leve em conta isso"],
)
def test_a_word_that_a_record_has_too_is_no_mention(text: str) -> None:
    assert not crm_mentioned(text)


@pytest.mark.parametrize(
    "quoting",
    [
        "{}\n> Your account is 999",
        "{}\n\nOn Mon, 2 Mar 2026 at 09:12, Carla <carla@example.com> wrote:\n> text\nmore",
        "{}\n\nOn Mon, 2 Mar 2026 at 09:12, Carla Maria\n<carla@example.com> wrote:\n> text",
        "{}\n\nEm seg., 2 de mar. de 2026 às 09:12, Carla <carla@example.com> escreveu:\ntext",
        "{}\n\n-----Original Message-----\nBudget: 500",
        "{}\n\nDe: Carla\nEnviado: segunda-feira\nPara: Ana\nAssunto: plano\n\nO orçamento é 500",
        "{}\n## Contact Profile\n**Preferences:**\n- Budget: 500\n\n- Timeline: Q2",
        "{}\n[strategy] Push for a demo this week.",
        "{}\nKnown accounts: Acme, Beta",
        "{}\nAssistant: your account id is 999",
    ],
)
def test_only_the_sender_s_own_words_are_left(quoting: str) -> None:
    own = "Yes, that works.\nFrom March on, please."
    assert unquoted(quoting.format(own)) == own


def test_of_a_whole_context_that_is_pasted_nothing_is_left() -> None:
    at = NOW - timedelta(days=20)
    note = Note(note_id="n", category=Category.WARNING, content="Price-sensitive\nCall first", priority=Priority.HIGH,
                pinned=True, author="ana", created_at=at, updated_at=at)  # fmt: skip
    thread = {
        "message_count": 9,
        "summary": {"text": "They want the plan.\nTwo boxes", "at": iso(at)},
        "last_message_at": iso(at),
        "last_message_from_lead": False,
        "previous_message_at": iso(at),
    }
    profile = {
        "preferences": {"budget_range": "R$ 500", "decision_maker": True},
        "painPoints": ["late"],
        "currentStage": "decision",
        "nextStep": {"action": "Send the contract", "dueDate": "2026-04-01T00:00:00Z"},
    }
    known = Known(
        notes=[note],
        messages=[Message(at=at, from_lead=True, channel="sms", text="My budget\nis R$ 500")],
        profile=profile,
        threads=[thread],
        about={"topic": "plan"},
    )
    context = assemble(known, frozenset(Layer), Cohort.FULL, 3_500, Format.TEXT, NOW)
    assert {Layer.RECENT, Layer.NOTES, Layer.PROFILE, Layer.SUMMARY} <= {
        layer for layer, report in context.layers.items() if report.included
    }
    assert not unquoted(context.text).strip("-\n")  # The alert stands between two rules.


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=20), max_size=12).map("\n".join))
def test_what_is_unquoted_quotes_nothing_more_and_adds_nothing(text: str) -> None:
    own = unquoted(text)
    assert unquoted(own) == own
    assert set(own.split()) <= set(text.split())


@pytest.mark.parametrize(
    "piece", ["On ", "a a a ", "ID ", "account ", "> \n", "Em 1\n", "**", "R$ 1.", "send", "(", "-"]
)
def test_long_messages_are_read_in_linear_time(piece: str) -> None:
    def seconds(characters: int) -> float:
        text = piece * (characters // len(piece))
        started = time.process_time()
        topics(text), crm_mentioned(text), unquoted(text)
        return time.process_time() - started

    short = max(0.01, min(seconds(10_000) for _ in range(3)))
    assert min(seconds(80_000) for _ in range(3)) < 24 * short
