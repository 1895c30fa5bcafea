"""The sample events, read as the updater reads them: ids as they are written, fractions as decimals."""

from pathlib import Path
from typing import Any, NamedTuple

from lead_memory.domain import canonical
from lead_memory.domain.integrations import INTEGRATIONS
from lead_memory.domain.payloads import PAYLOADS
from tests.events import SAMPLE_FILES

EVENTS = Path(__file__).parents[3] / "events"


class Sample(NamedTuple):
    path: str
    """Within `events/`, without its suffix: `shopify/order.paid`."""
    source: str
    event_type: str
    metadata: dict[str, Any]
    data: dict[str, Any] | None
    raw_payload: Any

    @property
    def mapped(self) -> dict[str, Any]:
        return INTEGRATIONS[self.source][self.event_type](self.raw_payload)


def sample(path: str) -> Sample:
    entry = canonical.decode((EVENTS / f"{path}.json").read_bytes())
    detail = entry["Detail"]
    return Sample(
        path,
        entry["Source"],
        entry["DetailType"],
        detail["metadata"],
        detail.get("data"),
        detail.get("raw_payload"),
    )


def body(path: str) -> Any:
    """A sample's raw payload, of which a test may change what it likes."""
    return sample(path).raw_payload


def canonical_data(source: str, event_type: str, raw_payload: Any) -> Any:
    """What the updater makes of a raw payload: mapped, then validated. Typed by the event type."""
    return PAYLOADS[event_type].model_validate(INTEGRATIONS[source][event_type](raw_payload))


SAMPLES = [sample(path.relative_to(EVENTS).as_posix().removesuffix(".json")) for path in SAMPLE_FILES]
