import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lead_memory.domain.errors import Erased, Unavailable
from lead_memory.domain.memories import Memory, MemoryKey, MemoryType
from lead_memory.domain.templates.render import Escape, OnMissing
from lead_memory.domain.templates.syntax import parse, parse_variable
from lead_memory.domain.templates.variables import Reason
from lead_memory.services.resolve import (
    Found,
    LeadAnswer,
    Missing,
    Profile,
    ProfilesRefused,
    ProfilesTooLarge,
    Provenance,
    Question,
    Read,
    Resolver,
    Wanted,
)
from tests.unit.resolve.fakes import ANA, BRUNO, CARLA, NOW, ORGANIZATION, FakeMemories, FakeProfiles, memory

SPECIFIED = (
    "Hi {{lead.name}}, I noticed you purchased {{purchase.last_transaction.product_name}} "
    "for R${{purchase.last_transaction.amount}}. "
    "You found us through {{form.sat_survey_2026:how_did_you_find_us.answer}}, right?"
)
PURCHASE = {"product_name": "Whey Protein 1kg", "amount": Decimal("189.90"), "coupon": None, "products": ["Whey"]}
ANAS_PURCHASE = memory(ANA, "purchase", "last_transaction", PURCHASE)
ANAS_ANSWER = memory(ANA, "form", "sat_survey_2026:how_did_you_find_us", {"answer": "Instagram"})
NOBODIES = [f"00000000-0000-4000-8000-{number:012}" for number in range(100, 199)]
"""With one lead more as many as are read together."""
AN_ENDED_HOLIDAY = memory(ANA, "fact", "on_holiday", {}, expires_at=NOW - timedelta(minutes=2))
PEOPLE: Mapping[str, Profile] = {
    ANA: {"name": "Ana Souza", "city": None},
    BRUNO: {"name": "Bruno Lima", "city": "Recife"},
}

references = st.sampled_from(
    [
        "lead.name",
        "lead.city",
        "purchase.last_transaction.amount",
        "purchase.last_transaction.coupon",
        "purchase.summary.order_count",
        "fact.location.city",
        'form["sat_survey_2026:how_did_you_find_us"].answer',
    ]
)


def question(
    *templates: str,
    leads: Sequence[str] = (ANA,),
    variables: Sequence[str] = (),
    on_missing: OnMissing = OnMissing.FAIL,
) -> Question:
    return Question(
        organization_id=ORGANIZATION,
        lead_ids=tuple(leads),
        templates={str(index): parse(text) for index, text in enumerate(templates)},
        variables=tuple(map(parse_variable, variables)),
        on_missing=on_missing,
        escape=Escape.NONE,
    )


def resolve(asked: Question, memories: FakeMemories, profiles: FakeProfiles | None) -> tuple[LeadAnswer, ...]:
    return asyncio.run(Resolver(memories, profiles, patience_seconds=5).resolve(asked, NOW))


def only(asked: Question, *memories: Memory, people: Mapping[str, Any] = PEOPLE) -> LeadAnswer:
    [answer] = resolve(asked, FakeMemories(*memories), FakeProfiles(people))
    return answer


def reasons(answer: LeadAnswer) -> dict[str, str]:
    return {missing.variable: str(missing.reason) for missing in answer.missing}


def test_the_specifications_template_becomes_the_specifications_message() -> None:
    answer = only(question(SPECIFIED), ANAS_PURCHASE, ANAS_ANSWER)
    assert answer.status == "ok"
    assert answer.texts == {
        "0": "Hi Ana Souza, I noticed you purchased Whey Protein 1kg for R$189.90. "
        "You found us through Instagram, right?"
    }
    assert answer.missing == ()


def test_a_value_says_how_old_it_is_and_which_events_it_is_from() -> None:
    product = "purchase.last_transaction.product_name"
    answer = only(question(variables=["purchase.last_transaction.amount", product, "lead.name"]), ANAS_PURCHASE)
    assert answer.values == {
        "purchase.last_transaction.amount": Found(Decimal("189.90"), "purchase.last_transaction"),
        product: Found("Whey Protein 1kg", "purchase.last_transaction"),
        "lead.name": Found("Ana Souza"),
    }
    assert answer.memories == {
        "purchase.last_transaction": Provenance(
            age_seconds=120,
            updated_at=NOW - timedelta(minutes=2),
            confidence=0.9,
            source_event_ids=("shopify/1001",),
            source_event_count=1,
        )
    }


def test_a_memory_is_told_with_its_newest_source_events_and_the_count_of_all() -> None:
    events = [f"shopify/{number}" for number in range(3)]
    stored = memory(ANA, "form", "how?", {"answer": "Instagram"}, source_event_ids=events)
    answer = only(question(variables=['form["how?"].answer', 'form["how?"].asked']), stored)
    assert answer.values == {'form["how?"].answer': Found("Instagram", 'form["how?"]')}
    [provenance] = answer.memories.values()
    assert (provenance.source_event_ids, provenance.source_event_count) == (tuple(events), 3)


@given(st.lists(references, min_size=1), st.lists(st.sampled_from([ANA, BRUNO, CARLA]), min_size=1, unique=True))
def test_each_memory_is_read_once_for_each_lead_and_all_profiles_with_one_statement(
    names: list[str], leads: list[str]
) -> None:
    memories, profiles = FakeMemories(ANAS_PURCHASE), FakeProfiles(PEOPLE)
    asked = question("".join(f"{{{{{name}}}}}" for name in names), leads=leads)
    answers = resolve(asked, memories, profiles)
    plan = asked.plan()
    assert sorted(memories.asked) == sorted((lead, name) for lead in leads for name in plan.memories)
    assert profiles.asked == ([(ORGANIZATION, tuple(leads), plan.profile_fields)] if plan.profile_fields else [])
    assert [answer.lead for answer in answers] == leads
    for answer in answers:
        of_lead = [lead for lead, _ in memories.asked if lead == answer.lead]
        assert answer.reads.get_item == len(of_lead) + memories.heads_asked.count(answer.lead)
        assert answer.reads.sql == len(profiles.asked)


def test_only_a_lead_of_whom_nothing_was_found_is_asked_whether_it_was_erased() -> None:
    memories = FakeMemories(ANAS_PURCHASE, erased=[CARLA])
    asked = question(variables=["purchase.last_transaction.amount", "fact.pet.name"], leads=[ANA, BRUNO, CARLA])
    ana, bruno, carla = resolve(asked, memories, None)
    assert sorted(memories.heads_asked) == [BRUNO, CARLA]
    assert reasons(ana) == {"fact.pet.name": "never_seen"}
    assert set(reasons(bruno).values()) == {"never_seen"}
    assert (carla.status, set(reasons(carla).values())) == ("missing", {"erased"})


def test_of_an_organization_that_was_erased_every_memory_is_erased() -> None:
    memories = FakeMemories(failing={ANA: Erased("the organization was erased")})
    [answer] = resolve(question("{{fact.pet.name}}"), memories, None)
    assert reasons(answer) == {"fact.pet.name": "erased"}


def test_the_reads_of_a_call_are_all_under_way_at_once() -> None:
    class Together(FakeMemories):
        everyone = asyncio.Barrier(3)

        async def read(self, organization_id: str, wanted: Collection[Wanted]) -> Mapping[Wanted, Read]:
            await self.everyone.wait()
            return await super().read(organization_id, wanted)

    class TogetherToo(FakeProfiles):
        async def profiles(self, *asked: Any) -> Mapping[str, Profile]:
            await Together.everyone.wait()
            return await super().profiles(*asked)

    leads = [ANA, *NOBODIES]
    ana, *_ = resolve(question(SPECIFIED, leads=leads), Together(ANAS_PURCHASE, ANAS_ANSWER), TogetherToo(PEOPLE))
    assert ana.status == "ok"


def test_a_store_that_never_answers_is_unavailable_and_what_others_answered_is_kept() -> None:
    class Silent(FakeMemories):
        async def read(self, organization_id: str, wanted: Collection[Wanted]) -> Mapping[Wanted, Read]:
            if BRUNO in dict(wanted):
                await asyncio.Event().wait()
            return await super().read(organization_id, wanted)

    class SilentToo(FakeProfiles):
        async def profiles(self, *_: Any) -> Mapping[str, Profile]:
            await asyncio.Event().wait()
            return {}

    stored = [memory(lead, "fact", "pet", {"name": "Rex"}) for lead in (ANA, BRUNO)]
    resolver = Resolver(Silent(*stored), SilentToo(PEOPLE), patience_seconds=0.05)
    asked = question("{{fact.pet.name}} {{lead.name}}", leads=[ANA, *NOBODIES, BRUNO])
    ana, *_, bruno = asyncio.run(resolver.resolve(asked, NOW))
    assert set(ana.values) == {"fact.pet.name"}
    assert reasons(ana) == {"lead.name": "profile_unavailable"}
    assert reasons(bruno) == {"fact.pet.name": "memory_unavailable", "lead.name": "profile_unavailable"}


@pytest.mark.parametrize(
    ("variable", "stored", "reason"),
    [
        ("purchase.last_transaction.amount", [], Reason.NEVER_SEEN),
        ("purchase.last_transaction.coupon", [ANAS_PURCHASE], Reason.NULL),
        ("purchase.last_transaction.shipping.city", [ANAS_PURCHASE], Reason.PATH_NOT_FOUND),
        (
            "purchase.last_transaction.amount",
            [memory(BRUNO, "purchase", "last_transaction", PURCHASE)],
            Reason.NEVER_SEEN,
        ),
        (
            "purchase.last_transaction.amount",
            [memory(ANA, "purchase", "last_transaction", PURCHASE, organization_id=BRUNO)],
            Reason.NEVER_SEEN,
        ),
        (
            "purchase.last_transaction.amount",
            [memory(ANA, "purchase", "last_transaction", PURCHASE, expires_at=NOW)],
            Reason.EXPIRED,
        ),
        ("fact.on_holiday.until", [AN_ENDED_HOLIDAY], Reason.EXPIRED),
        ("lead.city", [], Reason.NULL),
    ],
)
def test_a_variable_without_a_value_says_why(variable: str, stored: list[Memory], reason: Reason) -> None:
    answer = only(question("{{" + variable + "}}"), *stored)
    assert (answer.status, answer.texts, answer.values) == ("missing", None, {})
    assert answer.missing == (Missing(variable, reason, defaulted=False),)
    assert only(question(variables=[variable]), *stored).missing == answer.missing


def test_a_memory_that_expires_later_is_still_read() -> None:
    later = memory(ANA, "fact", "x", {"y": "z"}, expires_at=NOW + timedelta(microseconds=1))
    assert only(question("{{fact.x.y}}"), later).texts == {"0": "z"}


def test_a_lead_without_a_profile_and_a_stage_without_profiles_have_no_profile() -> None:
    asked = question("Hi {{lead.name}}")
    assert reasons(only(asked, people={})) == {"lead.name": "no_profile"}
    [answer] = resolve(asked, FakeMemories(), None)
    assert reasons(answer) == {"lead.name": "no_profile"}
    assert answer.reads.sql == 0


def test_profiles_that_do_not_answer_leave_the_memories_and_ask_to_try_again() -> None:
    away = FakeProfiles(PEOPLE, failing=Unavailable("the profile database did not answer"))
    [answer] = resolve(question(SPECIFIED), FakeMemories(ANAS_PURCHASE), away)
    assert answer.status == "unavailable"
    assert reasons(answer) == {
        "lead.name": "profile_unavailable",
        "form.sat_survey_2026:how_did_you_find_us.answer": "never_seen",
    }
    assert "purchase.last_transaction.amount" in answer.values


def test_profiles_that_are_refused_are_missing_until_an_operator_who_is_told_why_mends_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    refusing = FakeProfiles(PEOPLE, failing=ProfilesRefused("AccessDeniedException"))
    asked = question('{{lead.name | default: "you"}} {{purchase.last_transaction.amount}}', "{{lead.city}}")
    [answer] = resolve(asked, FakeMemories(ANAS_PURCHASE), refusing)
    assert (answer.status, answer.texts) == ("missing", None)
    assert reasons(answer) == {"lead.name": "profile_refused", "lead.city": "profile_refused"}
    [record] = caplog.records
    assert (record.levelname, vars(record)["reason"]) == ("ERROR", "AccessDeniedException")


def test_one_profile_that_cannot_be_read_is_that_leads_trouble_alone() -> None:
    people: Mapping[str, Profile] = {**PEOPLE, ANA: Reason.PROFILE_UNAVAILABLE}
    ana, bruno = resolve(question("{{lead.name}}", leads=[ANA, BRUNO]), FakeMemories(), FakeProfiles(people))
    assert (ana.status, reasons(ana)) == ("unavailable", {"lead.name": "profile_unavailable"})
    assert bruno.texts == {"0": "Bruno Lima"}


def test_profiles_that_are_too_large_together_are_nobodys_answer_and_leave_no_read_under_way() -> None:
    memories = FakeMemories(ANAS_PURCHASE, ANAS_ANSWER)
    with pytest.raises(ProfilesTooLarge):
        resolve(question(SPECIFIED), memories, FakeProfiles(PEOPLE, failing=ProfilesTooLarge()))
    assert len(memories.asked) == 2


@given(st.sets(st.sampled_from([ANA, BRUNO, CARLA])), st.sampled_from([Unavailable("away"), KeyError("value")]))
def test_one_leads_trouble_leaves_the_other_leads_answers_equal(troubled: set[str], trouble: Exception) -> None:
    stored = [memory(lead, "fact", "pet", {"name": lead[0]}) for lead in (ANA, BRUNO, CARLA)]
    asked = question("{{lead.name}} {{fact.pet.name}}", leads=[ANA, BRUNO, CARLA], on_missing=OnMissing.BLANK)
    healthy = resolve(asked, FakeMemories(*stored), FakeProfiles(PEOPLE))
    failing = FakeMemories(*stored, failing=dict.fromkeys(troubled, trouble))
    for before, after in zip(healthy, resolve(asked, failing, FakeProfiles(PEOPLE)), strict=True):
        if before.lead in troubled:
            assert (after.status, reasons(after)["fact.pet.name"]) == ("unavailable", "memory_unavailable")
        else:
            assert after == before


def test_blank_and_keep_give_the_text_with_its_gaps_and_the_same_status() -> None:
    for on_missing, text in (
        (OnMissing.BLANK, "Hi Ana Souza from !"),
        (OnMissing.KEEP, "Hi Ana Souza from {{ lead.city}}!"),
    ):
        answer = only(question("Hi {{lead.name}} from {{ lead.city}}!", on_missing=on_missing))
        assert answer.texts == {"0": text}
        assert (answer.status, reasons(answer)) == ("missing", {"lead.city": "null"})


def test_a_gap_in_one_template_holds_back_all_of_them() -> None:
    answer = only(question("Hi {{lead.name}}", "{{lead.city}}"))
    assert (answer.status, answer.texts) == ("missing", None)


def test_a_default_makes_the_text_whole_and_is_told() -> None:
    answer = only(question('{{lead.city | default: "your town"}}'))
    assert (answer.status, answer.texts) == ("ok", {"0": "your town"})
    assert answer.missing == (Missing("lead.city", Reason.NULL, defaulted=True),)


def test_a_default_in_one_place_does_not_hide_a_gap_in_another() -> None:
    answer = only(question('{{lead.city | default: "your town"}} {{lead.city}}'))
    assert answer.missing == (Missing("lead.city", Reason.NULL, defaulted=False),)


def test_where_a_variable_left_a_gap_the_reason_is_the_gaps() -> None:
    products = "purchase.last_transaction.products"
    answer = only(question("{{" + products + ' | upcase | default: "x"}} {{' + products + "}}"), ANAS_PURCHASE)
    assert answer.missing == (Missing(products, Reason.NOT_TEXT, defaulted=False),)


def test_variables_alone_give_values_of_any_kind() -> None:
    answer = only(question(variables=["purchase.last_transaction.products"]), ANAS_PURCHASE)
    assert (answer.status, answer.texts) == ("ok", {})
    assert answer.values["purchase.last_transaction.products"].value == ["Whey"]


def test_a_value_that_no_library_can_handle_leaves_the_other_leads_their_texts() -> None:
    born = {ANA: "2026-02-03", BRUNO: "9999-12-31T23:59:59Z", CARLA: Decimal("1e99")}
    people = {lead: {"born": value} for lead, value in born.items()}
    asked = question('{{lead.born | date: "dd/MM/yyyy V", "pt_BR", "Asia/Tokyo"}}', leads=[ANA, BRUNO, CARLA])
    ana, *others = resolve(asked, FakeMemories(), FakeProfiles(people))
    assert ana.status == "ok"
    assert [reasons(other) for other in others] == [{"lead.born": "filter_failed"}] * 2


def test_failures_are_logged_without_content(caplog: pytest.LogCaptureFixture) -> None:
    memories = FakeMemories(failing={ANA: ValueError("Ana Souza")})
    resolve(question("{{fact.pet.name}}"), memories, None)
    [record] = caplog.records
    assert vars(record)["failures"] == {"ValueError": 1}
    assert "Ana" not in str(vars(record))


def test_a_plan_names_the_reads_before_they_are_made() -> None:
    plan = question(SPECIFIED, variables=["purchase.last_transaction.currency"]).plan()
    assert plan.memories == (
        MemoryKey(MemoryType.PURCHASE, "last_transaction"),
        MemoryKey(MemoryType.FORM, "sat_survey_2026:how_did_you_find_us"),
    )
    assert plan.profile_fields == ("name",)
