"""Which entity a statement is about, and what is published of it."""

from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from lead_memory.domain.conversation import names
from lead_memory.domain.crm.resolving import Resolved, entity_events, relations_broken
from lead_memory.domain.events import Event
from lead_memory.domain.intelligence.answers import EntitiesAnswer
from lead_memory.domain.limits import RECORDS_KEPT
from lead_memory.domain.memories import MemoryKey, MemoryType
from tests.events import START, event
from tests.unit.record.test_recorder_laws import folded

type Stated = dict[str, list[dict[str, Any]]]


class Lead:
    """What is known of one, as answers come."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def told(self, **stated: list[dict[str, Any]]) -> Resolved:
        quoted = {
            kind: [{"message": number, "quote": "…", **each} for number, each in enumerate(statements, start=1)]
            for kind, statements in stated.items()
        }
        resolved = entity_events(EntitiesAnswer.model_validate(quoted), self.index)
        for said in resolved.events:
            self.happens(said.event_type, said.data)
        return resolved

    def happens(self, event_type: str, data: dict[str, Any], **metadata: Any) -> None:
        number = len(self.events)
        at = START + timedelta(minutes=number)
        self.events.append(event(event_type, data, event_id=f"e{number:03}", at=at, **metadata))

    @property
    def index(self) -> dict[str, Any]:
        memory = folded(self.events).get(names.ENTITIES)
        return memory.value if memory else {}

    def entity(self, key: str) -> dict[str, Any]:
        return folded(self.events)[MemoryKey(MemoryType.FACT, key)].value

    def keys(self, kind: str) -> set[str]:
        return set(self.index.get(kind, {}))


def test_the_example_of_the_specification() -> None:
    lead = Lead()
    lead.told(contacts=[{"name": "John Smith", "account_name": "Acme Corp"}])
    history = lead.entity("account:acme_corp")
    second = lead.told(accounts=[{"name": "Acme Corp", "id": "001234"}])
    assert [each.data["key"] for each in second.events] == ["acme_corp"]
    assert (lead.keys("account"), lead.keys("contact")) == ({"acme_corp"}, {"john_smith"})
    assert lead.entity("account:acme_corp")["id"] == "001234"
    assert lead.entity("account:acme_corp")["name"] == history["name"] == "Acme Corp"
    assert lead.entity("contact:john_smith")["name"] == "John Smith"
    assert lead.entity("contact:john_smith")["account_key"] == "acme_corp"


def test_what_others_refer_to_comes_before_them_and_rests_on_the_same_message() -> None:
    resolved = Lead().told(
        tasks=[{"subject": "Send it", "related_to_type": "opportunity", "related_to_name": "Premium plan"}],
        opportunities=[{"name": "Basic plan"}, {"name": "Premium plan", "account_name": "Acme"}],
    )
    assert [(each.data["kind"], each.data["key"], each.messages) for each in resolved.events] == [
        ("opportunity", "basic_plan", (1,)),
        ("account", "acme", (2,)),
        ("opportunity", "premium_plan", (2,)),
        ("task", "send_it", (1,)),
    ]
    assert resolved.relations_broken == 0


def test_the_same_entity_stated_twice_is_one() -> None:
    resolved = Lead().told(accounts=[{"name": "Acme Corp"}, {"name": "ACME, Corporation", "id": "0042"}])
    assert [(each.data["key"], each.data["matched_by"]) for each in resolved.events] == [
        ("acme_corp", "new"),
        ("acme_corp", "name"),
    ]
    assert resolved.duplicates == 1


def test_what_is_known_already_is_dropped_unless_it_comes_with_more() -> None:
    lead = Lead()
    lead.told(contacts=[{"name": "Ana Souza", "email": "ana@acme.example"}])
    again = lead.told(contacts=[{"name": "ana souza"}, {"name": "Ana Souza", "phone": "+55 11 99999-0000"}])
    assert again.dropped == {"known": 1}
    assert [each.data["record"]["phone"] for each in again.events] == ["+55 11 99999-0000"]


def test_without_a_name_only_what_is_known_is_meant() -> None:
    lead = Lead()
    lead.told(cases=[{"subject": "Late delivery", "id": "0007"}])
    resolved = lead.told(cases=[{"id": "0007", "status": "Closed"}, {"id": "7", "status": "Open"}, {"status": "New"}])
    assert resolved.dropped == {"unnamed": 2}
    assert lead.entity("case:late_delivery")["status"] == "Closed"
    assert lead.entity("case:late_delivery")["id"] == "0007"


def test_an_id_too_long_to_be_one_is_dropped_and_not_cut() -> None:
    resolved = Lead().told(accounts=[{"name": "Acme", "id": "9" * 300}])
    assert (resolved.dropped, resolved.events) == ({"invalid": 1}, [])


def test_two_of_one_name_with_different_ids_are_two() -> None:
    lead = Lead()
    lead.told(accounts=[{"name": "Acme", "id": "01"}, {"name": "Acme", "id": "02"}])
    assert {key: each["id"] for key, each in lead.index["account"].items()} == {"acme": "01", "acme_2": "02"}
    lead.told(accounts=[{"id": "02", "name": "Acme Holding"}])
    assert lead.entity("account:acme_2")["other_names"] == ["Acme Holding"]


def test_a_name_that_gains_the_id_of_another_is_merged_into_it_and_followed() -> None:
    lead = Lead()
    lead.told(contacts=[{"name": "Ana Souza", "account_name": "Acme", "phone": "+55 11 99999-0000"}])
    lead.told(accounts=[{"name": "Umbrella Foods", "id": "01"}])
    merged = lead.told(accounts=[{"name": "Acme", "id": "01"}])
    assert [each.event_type for each in merged.events] == ["crm.entities_merged", "crm.entity_extracted"]
    assert lead.entity("account:acme")["merged_into"] == "umbrella_foods"
    assert "Acme" in lead.entity("account:umbrella_foods")["other_names"]
    later = lead.told(opportunities=[{"name": "Renewal", "account_name": "Acme"}])
    assert [each.data["relations"] for each in later.events] == [
        {"account": {"kind": "account", "key": "umbrella_foods"}}
    ]
    assert lead.entity("contact:ana_souza")["account_key"] == "acme", "by which it is found, wherever it was merged"
    again = lead.told(contacts=[{"name": "Ana Souza", "account_name": "Umbrella Foods"}])
    assert {each.data["key"] for each in again.events} <= {"ana_souza"}


def test_what_a_person_split_is_merged_by_no_statement() -> None:
    lead = Lead()
    lead.told(accounts=[{"name": "Acme"}, {"name": "Umbrella", "id": "01"}, {"name": "Acme", "id": "01"}])
    assert lead.entity("account:acme")["merged_into"] == "umbrella"
    lead.happens("crm.entity_split", {"kind": "account", "key": "umbrella", "name_key": "acme"})
    again = lead.told(accounts=[{"name": "Acme", "id": "01"}])
    assert {each.event_type for each in again.events} <= {"crm.entity_extracted"}
    assert "merged_into" not in lead.entity("account:acme")


def test_of_more_records_than_an_event_takes_a_merger_carries_the_first() -> None:
    lead = Lead()
    lead.told(accounts=[{"name": "Acme"}, {"name": "Umbrella", "id": "01"}])
    for other in "abc":
        records = [{"name": "Acme", "name_key": f"{other}{n}", "at": START.isoformat()} for n in range(8)]
        lead.happens("crm.entities_merged", {"kind": "account", "key": "acme", "merged_key": other, "records": records})
    merged, *_ = lead.told(accounts=[{"name": "Acme", "id": "01"}]).events
    assert (merged.data["merged_key"], len(merged.data["records"])) == ("acme", 2 * RECORDS_KEPT)


def test_a_relation_to_what_is_not_known_is_counted() -> None:
    said = {"kind": "contact", "key": "ana", "relations": {"account": {"kind": "account", "key": "acme"}}}
    assert relations_broken([said], {}) == 1
    assert relations_broken([said], {"account": {"acme": {}}}) == 0


_texts = st.sampled_from(["Acme", "ACME Ltda", "Acme Corp", "Umbrella", "Ana Souza", "A. Souza", "São João", "…"])
_ids = st.sampled_from(["001", "1", "002"])


def _statements(*fields: str) -> st.SearchStrategy[list[dict[str, str]]]:
    named = {field: _ids if field.endswith("id") else _texts for field in fields}
    return st.lists(st.fixed_dictionaries({}, optional=named), max_size=3)


_stated = st.fixed_dictionaries(
    {
        "accounts": _statements("id", "name"),
        "contacts": _statements("id", "name", "email", "account_id", "account_name"),
        "opportunities": _statements("id", "name", "stage", "account_id", "account_name"),
        "cases": _statements("id", "subject", "status", "account_name", "contact_id", "contact_name"),
        "leads": _statements("id", "name", "company"),
    }
)


@given(st.lists(_stated, max_size=4))
def test_whatever_is_stated_relations_hold_ids_are_one_entitys_and_a_repetition_is_no_news(told: list[Stated]) -> None:
    lead = Lead()
    for stated in told:
        assert lead.told(**stated).relations_broken == 0
        for of_kind in lead.index.values():
            ids = [each["id"] for each in of_kind.values() if "id" in each and "merged_into" not in each]
            assert len(ids) == len(set(ids))
    for stated in told[-1:]:
        lead.told(**stated)
        before = lead.index
        lead.told(**stated)
        assert {kind: set(of_kind) for kind, of_kind in lead.index.items()} == {
            kind: set(of_kind) for kind, of_kind in before.items()
        }
