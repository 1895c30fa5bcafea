"""What the records of one entity come to, field by field, and which events there are."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lead_memory.domain import canonical
from lead_memory.domain.conversation import names
from lead_memory.domain.errors import Rejected
from lead_memory.domain.events import Event, validated
from lead_memory.domain.limits import RECORDS_KEPT
from lead_memory.domain.memories import MemoryKey, MemoryType, Source
from tests.events import START, event
from tests.unit.record.test_recorder_laws import folded

ACME = MemoryKey(MemoryType.FACT, "account:acme")


def told(*records: dict[str, Any], kind: str = "account", relations: dict[str, Any] | None = None) -> list[Event]:
    """Of one entity, a minute after another."""
    return [
        event(
            "crm.entity_extracted",
            {"kind": kind, "key": "acme", "record": record, "relations": relations or {}},
            event_id=f"e{minute}",
            at=START + timedelta(minutes=minute),
        )
        for minute, record in enumerate(records)
    ]


def declared(value: dict[str, Any], *, hours: float = 1, event_type: str = "memory.declared", **more: Any) -> Event:
    data = {"memory_type": "fact", "key": "account:acme", "value": value, **more}
    return event(event_type, data, event_id=f"d{hours}", at=START + timedelta(hours=hours))


def known(*events: Event, name: MemoryKey = ACME) -> dict[str, Any]:
    return folded(list(events))[name].value


def test_the_record_with_more_fields_names_the_entity_and_the_others_names_are_kept() -> None:
    value = known(*told({"name": "Acme Corp", "email": "a@acme.example"}, {"name": "The Acme", "id": "01"}))
    assert (value["name"], value["email"], value["id"]) == ("Acme Corp", "a@acme.example", "01")
    value = known(*told({"name": "Acme Corp"}, {"name": "The Acme", "email": "b@acme.example"}))
    assert (value["name"], value["other_names"]) == ("The Acme", ["Acme Corp"])


def test_of_two_names_with_as_many_fields_the_first_stands() -> None:
    assert known(*told({"name": "Acme Corp"}, {"name": "The Acme"}, {"name": "ACME CORP"}))["name"] == "Acme Corp"


def test_what_changes_with_time_is_what_was_said_last_by_whatever_record() -> None:
    complete = {"name": "Acme", "stage": "Proposal", "amount": "100", "close_date": "2026-06-30", "company": "Acme"}
    value = known(*told(complete, {"name": "The Acme deal", "stage": "Won"}))
    assert (value["name"], value["stage"], value["close_date"]) == ("Acme", "Won", "2026-06-30")


def test_an_entity_known_by_name_that_gains_an_id_keeps_its_history() -> None:
    memory = folded(told({"name": "Acme"}, {"id": "001234"}))[ACME]
    assert (memory.value["name"], memory.value["id"]) == ("Acme", "001234")
    assert memory.source_event_ids == ("test/e1", "test/e0")
    assert memory.source is Source.EVENT_DERIVED


def test_of_a_relation_all_is_what_one_record_said_of_it() -> None:
    first = told({"name": "Ana", "account_id": "01", "account_name": "Acme"}, kind="contact")[0]
    to_umbrella = {"account": {"kind": "account", "key": "umbrella"}}
    second = told({"name": "Ana"}, {"name": "Ana", "account_name": "Umbrella"}, kind="contact", relations=to_umbrella)[
        1:
    ]
    value = known(first, *second, name=MemoryKey(MemoryType.FACT, "contact:acme"))
    assert {field: what for field, what in value.items() if field.startswith("account_")} == {
        "account_key": "umbrella",
        "account_name": "Umbrella",
    }


def test_what_a_person_declares_stands_and_another_persons_word_replaces_it() -> None:
    events = [*told({"name": "Acme", "id": "01"}), declared({"name": "Acme S.A.", "id": "02", "industry": "steel"})]
    inferred = declared({"name": "ACME!", "industry": "iron"}, hours=2, event_type="memory.inferred", confidence=0.9)
    value = known(*events, inferred)
    assert (value["name"], value["id"], value["industry"]) == ("Acme S.A.", "02", "steel")
    assert value["declared"] == ["id", "industry", "name"]
    assert known(*events, inferred, declared({"industry": "copper"}, hours=3))["industry"] == "copper"


def test_records_are_bounded_and_the_first_and_the_persons_stay() -> None:
    many = told(*({"name": f"Acme {letter}"} for letter in "abcdefghijklmnopqrst"))
    value = known(declared({"status": "customer"}, hours=-1), *many)
    assert len(value["records"]) == RECORDS_KEPT
    assert value["status"] == "customer"
    assert [record.get("name") for record in value["records"]][:2] == [None, "Acme l"]
    assert value["records"][-1]["name"] == "Acme t"


def test_an_id_is_a_text_with_its_zeros_and_a_number_its_digits() -> None:
    assert known(*told({"id": "001234"}))["id"] == "001234"
    assert known(*told({"id": 1234}))["id"] == "1234"


@pytest.mark.parametrize(
    ("event_type", "data", "reason"),
    [
        ("crm.entity_extracted", {"kind": "firm", "key": "acme", "record": {"name": "Acme"}}, "invalid_data"),
        ("crm.entity_extracted", {"kind": "account", "key": "acme", "record": {"name": " "}}, "invalid_data"),
        ("crm.entity_extracted", {"kind": "account", "key": "acme", "record": {"id": True}}, "invalid_data"),
        ("crm.entity_extracted", {"kind": "account", "key": "acme", "record": {"id": "9" * 256}}, "too_large"),
        ("crm.entity_extracted", {"kind": "account", "key": "acme", "record": {"amount": "much"}}, "invalid_data"),
        ("crm.entities_merged", {"kind": "account", "key": "acme", "merged_key": "acme"}, "invalid_data"),
        ("crm.entity_split", {"kind": "account", "key": "acme", "name_key": "acme"}, "invalid_data"),
    ],
)
def test_what_is_no_entity_is_rejected(event_type: str, data: dict[str, Any], reason: str) -> None:
    with pytest.raises(Rejected) as rejected:
        event(event_type, data)
    assert rejected.value.reason == reason


def test_a_key_that_cannot_be_a_memorys_is_rejected() -> None:
    with pytest.raises(Rejected, match="number sign"):
        folded([event("crm.entity_extracted", {"kind": "account", "key": "a#b", "record": {"name": "A"}})])


def test_an_operator_alone_splits() -> None:
    split = {"kind": "account", "key": "acme", "name_key": "umbrella"}
    with pytest.raises(Rejected, match="published by operator alone"):
        event("crm.entity_split", split, source="extractor")
    assert event("crm.entity_split", split, source="operator")


@pytest.mark.parametrize("more", [{"value": {"amount": "much"}}, {"value": {}, "expires_at": "2027-01-01T00:00:00Z"}])
def test_what_cannot_be_declared_of_an_entity_is_rejected_without_quoting_it(more: dict[str, Any]) -> None:
    with pytest.raises(Rejected) as rejected:
        event("memory.declared", {"memory_type": "fact", "key": "account:acme", **more})
    assert rejected.value.reason == "invalid_data"
    assert "much" not in rejected.value.detail


_any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals(-99, 99, places=2) | st.text(max_size=300),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=5,
)
_fields = ["name", "id", "amount", "account_key", "related_to_type", "records", "merged", "last_said_at", "industry"]
_ends = st.none() | st.just("2026-01-01T00:30:00Z")


@given(st.lists(st.tuples(st.dictionaries(st.sampled_from(_fields), _any), _ends), max_size=4))
def test_whatever_an_old_log_declared_under_such_a_key_still_folds(
    values: list[tuple[dict[str, Any], str | None]],
) -> None:
    log = []
    for hours, (value, expires_at) in enumerate(values):
        arrived = declared({}, hours=hours)
        data = {"memory_type": "fact", "key": "account:acme", "value": value, "expires_at": expires_at}
        payload = validated("memory.declared", canonical.encode(data))
        log.append(msgspec.structs.replace(arrived, data=payload))
    named = {"kind": "account", "key": "acme", "record": {"name": "Acme"}}
    memories = folded([*log, event("crm.entity_extracted", named, at=START + timedelta(days=1))])
    assert memories[ACME].value["name"]
    assert "acme" in memories[names.ENTITIES].value["account"]
