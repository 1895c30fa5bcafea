"""Raw payloads to canonical data, one module per integration.

Adding one is one module with a `MAPPINGS` and one sample event. A mapping takes the webhook's body as decoded JSON
(numbers with a fraction are `Decimal`) and returns what the event type's model in `payloads.py` validates. It may raise
`KeyError`, `TypeError`, `ValueError` and their like for a body that is not what the integration documents.
"""

from collections.abc import Callable, Mapping
from typing import Any

from lead_memory.domain.integrations import hubspot, intercom, segment, shopify, stripe, typeform

type Mapper = Callable[[Any], dict[str, Any]]

INTEGRATIONS: Mapping[str, Mapping[str, Mapper]] = {
    "hubspot": hubspot.MAPPINGS,
    "intercom": intercom.MAPPINGS,
    "segment": segment.MAPPINGS,
    "shopify": shopify.MAPPINGS,
    "stripe": stripe.MAPPINGS,
    "typeform": typeform.MAPPINGS,
}
"""Source of the entry on the bus -> event type -> mapping."""
