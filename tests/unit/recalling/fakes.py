"""An embedder of words rather than of meanings, and queues and a bus that keep what they get."""

from collections.abc import Sequence

import numpy as np

from lead_memory.domain.errors import Unavailable
from lead_memory.domain.recall.terms import terms
from lead_memory.domain.recall.vectors import Floats
from lead_memory.services import bus
from lead_memory.services.index_queue import Request


class WordEmbedder:
    """`lead_memory.services.embedding.Embedder`: texts of the same words have the same vector."""

    dimensions = 64
    similarity_range = (0.0, 1.0)
    close = 0.8

    def __init__(self, version: str = "words/1") -> None:
        self.version = version
        self.away = False
        self.batches: list[Sequence[str]] = []

    async def query(self, text: str) -> Floats:
        if self.away:
            raise Unavailable("the embedder did not answer")
        vector = np.full(self.dimensions, 0.01, "f4")
        for word in np.frombuffer(terms(text), "<u4"):
            vector[word % self.dimensions] += 1
        unit: Floats = vector / np.linalg.norm(vector)
        return unit

    async def passages(self, texts: Sequence[str]) -> Floats:
        self.batches.append(texts)
        return np.array([await self.query(text) for text in texts])


class KeptRequests:
    """`lead_memory.services.index_queue.Queue`."""

    def __init__(self) -> None:
        self.sent: list[tuple[Request, int]] = []

    async def send(self, requests: Sequence[Request], delay_seconds: int = 0) -> int:
        self.sent += [(request, delay_seconds) for request in requests]
        return len(requests)


class KeptEvents:
    """`lead_memory.services.bus.Bus`."""

    def __init__(self) -> None:
        self.published: list[bus.Entry] = []
        self.takes = True

    async def publish(self, entries: Sequence[bus.Entry]) -> int:
        self.published += entries if self.takes else ()
        return len(entries) if self.takes else 0
