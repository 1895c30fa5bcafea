"""What is put into the embedder's queues comes back as it was, and names what it is about without its content."""

from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lead_memory.adapters.use_queue import message_of
from lead_memory.domain.events import parse
from lead_memory.domain.memories import StorageTier
from lead_memory.services.index_queue import Request
from lead_memory.services.uses import Uses
from tests.events import NOW, body, entry

_whose = {"organization_id": st.uuids().map(str), "lead_id": st.uuids().map(str)}
requests = st.builds(Request, **_whose, ref=st.none() | st.text(), after=st.none() | st.text(), waits=st.integers(0, 5))
uses = st.builds(
    Uses, **_whose, used_at=st.just(NOW), rows=st.dictionaries(st.text(), st.sampled_from(StorageTier), max_size=3)
)


@given(requests | uses)
def test_what_we_put_there_comes_back_as_it_was(message: Request | Uses) -> None:
    assert message_of(msgspec.json.encode(message).decode()) == message


@given(st.uuids(), st.sampled_from([str, lambda id_: str(id_).upper(), lambda id_: id_.hex]))
def test_what_the_bus_puts_there_names_an_event_as_the_log_does(id_: UUID, written: Any) -> None:
    metadata = {"lead_organization_id": written(id_), "organization_id": written(id_)}
    made = entry("product.viewed", {"sku": "a"}, event_id="e/1", **metadata)
    event = parse(body(made), NOW)
    del made["Detail"]["data"]
    found = message_of(body(made))
    assert found == Request(organization_id=event.organization_id, lead_id=event.lead_organization_id, ref=event.ref)


@pytest.mark.parametrize("text", ["", "no JSON", "[]", "{}", '{"source": "s"}', '{"organization_id": "o"}'])
def test_what_is_neither_is_refused(text: str) -> None:
    with pytest.raises(msgspec.DecodeError):
        message_of(text)
