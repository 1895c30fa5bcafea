"""What is known of a CRM's entities, whatever is said of them and whenever it arrives."""

from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from lead_memory.domain import canonical
from lead_memory.domain.conversation import names
from lead_memory.domain.crm import entities, index
from lead_memory.domain.crm.entities import OWN, Kind
from lead_memory.domain.events import Event
from lead_memory.domain.limits import ENTITIES_BYTES, ENTITIES_KEPT, ENTITY_CHARACTERS
from lead_memory.domain.memories import MemoryKey, MemoryType
from tests.events import START, crm_happenings, event, extractions
from tests.unit.record.test_recorder_laws import folded

type Happening = tuple[str, dict[str, Any]]

_happenings = st.lists(crm_happenings, max_size=12)
_extractions = st.lists(extractions, max_size=12)


def events_of(happenings: list[Happening]) -> list[Event]:
    return [
        event(event_type, data, event_id=f"e{number:03}", at=START + timedelta(minutes=number))
        for number, (event_type, data) in enumerate(happenings)
    ]


def values(happenings: list[Happening]) -> dict[str, Any]:
    return {str(name): memory.value for name, memory in folded(events_of(happenings)).items()}


@given(_happenings)
def test_the_index_has_every_entity_as_its_memory_has_it(happenings: list[Happening]) -> None:
    known = folded(events_of(happenings))
    in_index = known[names.ENTITIES].value if known else {}
    for name, memory in known.items():
        if entity := entities.kind_and_key(name):
            kind, key = entity
            of_memory = {field: what for field, what in memory.value.items() if field in OWN and field != "declared"}
            of_index = {field: what for field, what in in_index[kind][key].items() if field != "declared"}
            assert of_index == of_memory


_long = st.text("aé漢", min_size=ENTITY_CHARACTERS, max_size=ENTITY_CHARACTERS + 9)


@given(st.lists(st.tuples(st.sampled_from(Kind), st.integers(0, 60), st.none() | _long), max_size=60))
def test_the_index_never_exceeds_its_bounds(said: list[tuple[Kind, int, str | None]]) -> None:
    value: dict[str, Any] = {}
    for number, (kind, key, text) in enumerate(said):
        at = f"2026-01-01T00:{number:02}:00Z"
        record = {"name": text or f"N{key}", "status": text or "open", "name_key": f"k{key}", "at": at}
        stated = {"what": "stated", "record": record, "beside": {}}
        value = index.changed(value, {"kind": kind, "entities": {f"k{key}": stated}})
        assert len(canonical.encode(value)) <= ENTITIES_BYTES
        assert all(len(of_kind) <= ENTITIES_KEPT for of_kind in value.values())
        assert f"k{key}" in value[kind], "what was said last is known"


@given(_happenings, st.data())
def test_what_a_person_said_is_changed_by_no_extraction(happenings: list[Happening], data: st.DataObject) -> None:
    fields = {"name": "Acme Ltda", "id": "007", "status": "customer", "industry": "steel", "account_key": "holding"}
    declared = ("memory.declared", {"memory_type": "fact", "key": "account:a", "value": fields})
    place = data.draw(st.integers(0, len(happenings)))
    others = [each for each in happenings if each[0] != "memory.declared"]
    # A merger and a split have records that a person said of another.
    mine = [each for each in others if not any("by_person" in record for record in each[1].get("records", ()))]
    value = values([*mine[:place], declared, *mine[place:]])["fact.account:a"]
    assert {field: value[field] for field in fields} == fields
    assert set(value["declared"]) == set(fields)


@given(_extractions)
def test_an_id_that_is_known_is_replaced_by_no_extraction(happenings: list[Happening]) -> None:
    for count in range(1, len(happenings)):
        before, after = values(happenings[:count]), values(happenings[: count + 1])
        for name, value in before.items():
            if "id" in value:
                assert after[name]["id"] == value["id"]


@given(_extractions, _extractions)
def test_a_split_undoes_a_merger(before: list[Happening], between: list[Happening]) -> None:
    """Whatever was extracted in between of the two."""
    said_before, said_between = (
        [each for each in happenings if each[1]["record"].get("name") != "B"] for happenings in (before, between)
    )
    nothing = ("product.viewed", {"sku": "creatina"})
    without = values([*said_before, nothing, *said_between])
    loser = values(said_before).get("fact.account:b", {})
    two = {"kind": "account", "key": "a"}
    merged = ("crm.entities_merged", two | {"merged_key": "b", "records": entities.records_of(loser)})
    split = ("crm.entity_split", two | {"name_key": "b"})
    after = values([*said_before, merged, *said_between, split])
    assert after["fact.account:b"].pop("separate_from") == ["a"]
    assert after["fact.account:a"].pop("separate_from") == ["b"]
    assert after["fact.account:b"] == without.get("fact.account:b", {})
    assert after["fact.account:a"] == without.get("fact.account:a", {})


@given(_happenings)
def test_two_that_a_person_split_are_joined_by_a_person_alone(happenings: list[Happening]) -> None:
    data = {"kind": "account", "key": "a", "name_key": "b"}
    merged = {"kind": "account", "key": "a", "merged_key": "b"}
    split = event("crm.entity_split", data, at=START + timedelta(hours=1))
    again = event("crm.entities_merged", merged, at=START + timedelta(hours=2), event_id="again")
    by_person = event(
        "crm.entities_merged", merged, at=START + timedelta(hours=3), event_id="by_person", source="operator"
    )

    def of_b(*more: Event) -> dict[str, Any]:
        found = folded([*events_of(happenings), split, *more])
        return found[MemoryKey(MemoryType.FACT, "account:b")].value

    assert of_b() == of_b(again)
    assert of_b(again, by_person)["merged_into"] == "a"


@given(st.lists(st.tuples(st.sampled_from("abcde"), st.sampled_from("abcde")).filter(lambda two: two[0] != two[1])))
def test_what_was_merged_is_followed_to_one_end_even_in_a_circle(mergers: list[tuple[str, str]]) -> None:
    value: dict[str, Any] = {}
    for key in "abcde":
        record = {"name": key, "name_key": key, "at": "2026-01-01T00:00:00Z"}
        stated = {"what": "stated", "record": record, "beside": {}}
        value = index.changed(value, {"kind": "account", "entities": {key: stated}})
    for key, other in mergers:
        absorbed = {"what": "absorbed", "other": other, "records": [], "by_person": True}
        merged = {"what": "merged", "other": key, "by_person": True}
        value = index.changed(value, {"kind": "account", "entities": {key: absorbed, other: merged}})
    ends = {index.followed(value["account"], key) for key in "abcde"}
    assert ends == {key for key, _ in index.live(value, Kind.ACCOUNT)}
    assert all(index.followed(value["account"], end) == end for end in ends)
    for key, entity in value["account"].items():
        if "merged_into" in entity:
            into = entity["merged_into"]
            assert index.followed(value["account"], key) == index.followed(value["account"], into)
