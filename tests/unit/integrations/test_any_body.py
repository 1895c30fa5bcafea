"""What a mapping does with a body that is not what the integration documents."""

import contextlib
from copy import deepcopy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from lead_memory.domain.events import MALFORMED
from lead_memory.domain.integrations import INTEGRATIONS
from tests.unit.integrations.samples import SAMPLES, Sample, canonical_data
from tests.unit.limits.any_json import json_values, mutate
from tests.unit.limits.life import in_time

mapped_samples = st.sampled_from([sample for sample in SAMPLES if sample.data is None])


@st.composite
def mutated_bodies(draw: st.DrawFn) -> tuple[Sample, Any]:
    """A sample and its body with one to three values, anywhere in it, dropped or replaced by any JSON."""
    sample = draw(mapped_samples)
    raw = deepcopy(sample.raw_payload)
    for _ in range(draw(st.integers(1, 3))):
        mutate(draw, raw, json_values)
    return sample, raw


@given(mutated_bodies())
def test_a_mutated_body_maps_or_fails_as_malformed(mutated: tuple[Sample, Any]) -> None:
    sample, raw = mutated
    with in_time(), contextlib.suppress(*MALFORMED):
        canonical_data(sample.source, sample.event_type, raw)


@given(mapped_samples, json_values)
def test_a_body_that_is_any_json_maps_or_fails_as_malformed(sample: Sample, raw: Any) -> None:
    with in_time(), contextlib.suppress(*MALFORMED):
        canonical_data(sample.source, sample.event_type, raw)


@given(mapped_samples)
def test_a_mapping_leaves_the_body_as_it_was(sample: Sample) -> None:
    raw = deepcopy(sample.raw_payload)
    INTEGRATIONS[sample.source][sample.event_type](raw)
    assert raw == sample.raw_payload
