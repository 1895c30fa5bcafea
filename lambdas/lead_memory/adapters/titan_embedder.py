"""Bedrock's Titan Text Embeddings V2, asked with the function's own credentials, in its own region.

https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-text.html
"""

import asyncio
from collections.abc import Sequence

import msgspec
import numpy as np

from lead_memory.adapters.aws import Aws, AwsError
from lead_memory.domain.errors import Unavailable
from lead_memory.domain.recall.vectors import Floats
from lead_memory.services.sweep import through

REQUEST_SECONDS = 4
TEXTS_AT_ONCE = 8
"""It takes one text a request."""
_HEADERS = {"Content-Type": "application/json", "Accept": "application/json"}


class _Answer(msgspec.Struct):
    embedding: list[float]


class TitanEmbedder:
    """`lead_memory.services.embedding.Embedder`."""

    dimensions = 512
    """Of 256, 512 and 1,024: AWS says that 512 keep 99% of the accuracy of 1,024 and 256 keep 97%, and 1,024 would be
    most of what a recall reads."""
    similarity_range = (0.0, 0.8)
    """Not measured: its cosines, unlike those of E5, begin at about 0. So the next."""
    close = 0.8

    def __init__(self, model_id: str, aws: Aws) -> None:
        self.version = f"{model_id}/{self.dimensions}"
        # With its colon as it is: signed is the path as it is sent, encoded once more.
        self._path = f"/model/{model_id}/invoke"
        self._aws = aws
        self._at_once = asyncio.Semaphore(TEXTS_AT_ONCE)

    async def query(self, text: str) -> Floats:
        async with self._at_once:
            asked = msgspec.json.encode({"inputText": text, "dimensions": self.dimensions, "normalize": True})
            try:
                answer = await self._aws.ask(
                    "bedrock-runtime", asked, _Answer, seconds=REQUEST_SECONDS, path=self._path, headers=_HEADERS
                )
            except AwsError as error:
                raise Unavailable(f"Bedrock did not embed a text: {error.code}") from None
        if len(answer.embedding) != self.dimensions:
            raise Unavailable(f"Bedrock answered with {len(answer.embedding)} numbers, not {self.dimensions}")
        return np.array(answer.embedding, np.float32)

    async def passages(self, texts: Sequence[str]) -> Floats:
        embedded = await through(map(self.query, texts))
        return np.array(embedded, np.float32).reshape(-1, self.dimensions)
