"""JSON that nobody should send, and bodies that are almost right."""

from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

CANARY = "s3cret"
"""In every text and name that is drawn; no error may quote it."""

_ODD_TEXTS = [
    "",
    "#",
    "lead#head",
    "event#shopify#1",
    "__proto__",
    "{{lead.name}}",
    "\x00",
    "a\u202eb\u200b",
    "e\u0301",
    "\u0315\u0300" * 300,
    "x" * 5_000,
    "1e999999999",
    "9" * 5_000,
    "NaN",
    "9999-12-31T23:59:59-14:00",
]
_ODD_NUMBERS = [
    *(10**digits for digits in (18, 19, 400, 4_200)),
    *map(Decimal, ("0e400", "1e400", "1e401", "1e-999999", "1e999999999", "-0.0", "0." + "0" * 70 + "1")),
]
texts = st.text(max_size=20) | st.sampled_from(_ODD_TEXTS)
_numbers = st.integers() | st.decimals(allow_nan=False, allow_infinity=False) | st.sampled_from(_ODD_NUMBERS)


def _values(text: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    return st.recursive(
        st.none() | st.booleans() | _numbers | text,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
        max_leaves=8,
    )


json_values = _values(texts)
marked_values = _values(texts.map(lambda text: f"{CANARY}{text}") | st.just(CANARY))


def mutate(draw: st.DrawFn, body: Any, values: st.SearchStrategy[Any]) -> None:
    """Drops or replaces one value, anywhere in the body."""
    parent = body
    while keys := list(parent) if isinstance(parent, dict) else list(range(len(parent))):
        key = draw(st.sampled_from(keys))
        child = parent[key]
        if isinstance(child, dict | list) and child and draw(st.integers(0, 4)):
            parent = child
            continue
        if draw(st.booleans()):
            del parent[key]
        else:
            parent[key] = draw(values)
        return
