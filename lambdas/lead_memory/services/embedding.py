"""Texts as vectors whose closeness is that of their meanings, for those who do not care which model makes them."""

from collections.abc import Sequence
from typing import Protocol

from lead_memory.domain.recall.vectors import Floats


class Embedder(Protocol):
    """Its vectors have the length 1."""

    version: str
    """Of the model and of how it is asked: vectors of two versions are not compared."""
    dimensions: int
    similarity_range: tuple[float, float]
    """The cosines of texts that have nothing to do with each other, and of those that say the same."""
    close: float
    """The cosine from which on texts are summed up together."""

    async def query(self, text: str) -> Floats:
        """Of the shape (dimensions,). Raises `Unavailable`."""

    async def passages(self, texts: Sequence[str]) -> Floats:
        """Of the shape (texts, dimensions). Raises `Unavailable`."""
