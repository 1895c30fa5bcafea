"""What counts how much in a recall."""

from math import isclose
from typing import Annotated

import msgspec

type Weight = Annotated[float, msgspec.Meta(ge=0, le=1)]


class Weights(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Each at least 0, together 1. Raises `ValueError` where they are not."""

    similarity: Weight = 0.6
    """Of the meanings of the question and the memory."""
    keywords: Weight = 0.15
    """That both have."""
    importance: Weight = 0.15
    freshness: Weight = 0.03
    decay: Weight = 0.03
    confidence: Weight = 0.04

    def __post_init__(self) -> None:
        weights = msgspec.structs.astuple(self)
        if not (all(weight >= 0 for weight in weights) and isclose(sum(weights), 1, abs_tol=1e-6)):
            raise ValueError(f"weights are at least 0 and together 1, not {sum(weights):g}")


DEFAULT = Weights()
