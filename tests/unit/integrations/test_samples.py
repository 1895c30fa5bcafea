import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from lead_memory.domain.integrations import INTEGRATIONS
from lead_memory.domain.payloads import PAYLOADS
from tests.events import SCRIPTS
from tests.unit.integrations.samples import EVENTS, SAMPLES, Sample

ANA = "7b1f6c1e-0d5e-4a53-9a53-2f0e6d2f9a11"

each_sample = pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.path)


@each_sample
def test_a_sample_is_a_valid_event(sample: Sample) -> None:
    data = sample.mapped if sample.data is None else sample.data
    PAYLOADS[sample.event_type].model_validate(data)


@each_sample
def test_a_samples_metadata_names_its_lead_and_a_moment_in_the_past(sample: Sample) -> None:
    occurred_at = datetime.fromisoformat(sample.metadata["occurred_at"])
    assert occurred_at.tzinfo is not None
    assert occurred_at < datetime(2026, 11, 20, tzinfo=UTC)
    assert sample.metadata["event_id"]
    UUID(sample.metadata["organization_id"])
    UUID(sample.metadata["lead_organization_id"])


@each_sample
def test_a_sample_is_where_its_source_and_type_say(sample: Sample) -> None:
    folder, _, name = sample.path.partition("/")
    assert folder == sample.source
    assert f"{name}.".startswith(f"{sample.event_type}.")


@each_sample
def test_a_known_integration_sends_its_own_payload_and_any_other_source_sends_data(sample: Sample) -> None:
    from_integration = sample.source in INTEGRATIONS
    assert (sample.raw_payload is not None) == from_integration
    assert (sample.data is None) == from_integration


@each_sample
def test_no_id_is_ever_a_number_with_a_fraction(sample: Sample) -> None:
    model = PAYLOADS[sample.event_type].model_validate(sample.data or sample.mapped)
    for name, value in _leaves(model.model_dump()):
        if name == "id" or name.endswith("_id") or name == "sku":
            assert value is None or isinstance(value, str)


def _leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, key)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _leaves(item, name)
    else:
        yield name, value


def test_every_event_type_has_a_sample() -> None:
    assert {sample.event_type for sample in SAMPLES} == set(PAYLOADS)


def test_every_mapping_has_a_sample() -> None:
    mapped = {(sample.source, sample.event_type) for sample in SAMPLES if sample.data is None}
    assert mapped == {(source, event_type) for source, types in INTEGRATIONS.items() for event_type in types}


def test_every_mapping_makes_an_event_type_that_there_is() -> None:
    assert {event_type for types in INTEGRATIONS.values() for event_type in types} <= set(PAYLOADS)


def test_no_two_samples_are_one_event() -> None:
    identities = [(sample.source, sample.metadata["event_id"]) for sample in SAMPLES]
    assert len(set(identities)) == len(identities)


def test_the_samples_leads_are_the_ones_that_the_local_stack_has_profiles_of() -> None:
    profiles = json.loads((EVENTS.parent / "local" / "leads.json").read_bytes())
    scripts = [entry["Detail"]["metadata"] for script in SCRIPTS for entry in json.loads(script.read_bytes())]
    metadata = [*(sample.metadata for sample in SAMPLES), *scripts]
    assert {each["lead_organization_id"] for each in metadata} == {lead["id"] for lead in profiles}
    assert {each["organization_id"] for each in metadata} == {lead["organization_id"] for lead in profiles}


def test_anas_last_order_and_her_survey_are_the_specifications_example() -> None:
    hers = [sample for sample in SAMPLES if sample.metadata["lead_organization_id"] == ANA]
    orders = [sample for sample in hers if sample.event_type == "order.paid"]
    last = max(orders, key=lambda order: datetime.fromisoformat(order.metadata["occurred_at"])).mapped
    assert (last["products"][0]["name"], last["total"]) == ("Whey Protein 1kg", "189.90")
    survey = next(sample.data for sample in hers if sample.event_type == "form.response_submitted")
    assert survey is not None
    assert survey["form_id"] == "sat_survey_2026"
    assert survey["answers"][0] == {
        "question": "how_did_you_find_us",
        "title": "How did you find us?",
        "type": "choice",
        "answer": "Instagram",
    }
