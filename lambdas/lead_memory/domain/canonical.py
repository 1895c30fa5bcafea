"""Canonical JSON: sorted keys, exact decimals, UTF-8. Equal values give equal bytes."""

from decimal import Decimal
from typing import Any

import msgspec

_ENCODER = msgspec.json.Encoder(order="sorted", decimal_format="number")
_DECODER = msgspec.json.Decoder(float_hook=Decimal)

encode = _ENCODER.encode


def decode(data: bytes | str) -> Any:
    """Numbers with a fraction or an exponent become `Decimal`. Raises `msgspec.DecodeError`."""
    return _DECODER.decode(data)
