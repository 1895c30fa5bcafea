"""A model that says of known messages what they state, and of every conversation one thing that nobody said."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic_ai import ModelMessage, ModelResponse, TextPart, ToolCallPart
from pydantic_ai.messages import UserPromptPart
from pydantic_ai.models.function import AgentInfo, FunctionModel

from tests.openai_server import Reply, Request, calls, says

TOKEN_PRICES = {"input_token_price": "1", "output_token_price": "2.5"}
INVENTED = "next Tuesday at noon"
_HALLUCINATED = {"field": "timeline", "value": INVENTED, "quote": f"We need it by {INVENTED}."}

# Quotes of events/conversations/premium_plan.json, and of the specification's example.
_FACTS: Sequence[tuple[str, dict[str, Any]]] = [
    ("preferences", {"field": "budget_range", "value": "R$ 1,500 to 2,000 a month",
                     "quote": "Our budget is R$ 1,500 to 2,000 a month."}),
    ("pain_points", {"text": "nothing arrived for two weeks", "quote": "In August nothing arrived for two weeks."}),
    ("preferences", {"field": "timeline", "value": "before the summer season",
                     "quote": "We would like to start before the summer season"}),
]  # fmt: skip
_ENTITIES: Sequence[tuple[str, dict[str, Any]]] = [
    ("accounts", {"name": "Box Maré Alta", "quote": "Our company is Box Maré Alta."}),
    ("accounts", {"name": "Box Maré Alta", "id": "004417", "quote": "the Box Maré Alta account with ID 004417"}),
    ("contacts", {"name": "Sean Walsh", "quote": "My partner Sean Walsh"}),
    ("accounts", {"name": "Acme Corp", "quote": "John Smith from Acme Corp"}),
    ("accounts", {"name": "Acme Corp", "id": "001234", "quote": "the Acme Corp account with ID 001234"}),
    ("accounts", {"name": "Acme Corp", "quote": "Get the Acme Corp account"}),
    ("accounts", {"name": "Acme Corp", "id": "001234", "quote": "The account ID is 001234"}),
    ("contacts", {"name": "John Smith", "account_name": "Acme Corp", "quote": "John Smith from Acme Corp"}),
]  # fmt: skip
SUMMARY, REMINDER = "They talk about the premium plan.", "The contract was sent; the freight is open."


def function_model() -> FunctionModel:
    def function(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        [asked, *_] = [
            part.content for message in messages for part in message.parts if isinstance(part, UserPromptPart)
        ]
        assert isinstance(asked, str)
        if not info.output_tools:
            return ModelResponse([TextPart(_text(asked))])
        [tool] = info.output_tools
        return ModelResponse([ToolCallPart(tool.name, _typed(asked, tool.parameters_json_schema))])

    return FunctionModel(function)


def reply(request: Request) -> Reply:
    """Of a server that speaks as OpenAI's does."""
    [asked] = [message["content"] for message in request["messages"] if message["role"] == "user"]
    if "tools" not in request:
        return says(_text(asked))
    [tool] = request["tools"]
    return calls(_typed(asked, tool["function"]["parameters"]))


def _text(asked: str) -> str:
    return REMINDER if "<thread>" in asked else SUMMARY


def _typed(asked: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    new = [line for line in _lines(asked) if line["new"]]
    is_facts = "preferences" in schema["properties"]
    found: dict[str, list[Any]] = {"preferences": [_HALLUCINATED | {"message": new[0]["number"]}]} if is_facts else {}
    for field, statement in _FACTS if is_facts else _ENTITIES:
        for line in new:
            if statement["quote"] in line["text"]:
                found.setdefault(field, []).append(statement | {"message": line["number"]})
    return found


def _lines(asked: str) -> Iterator[dict[str, Any]]:
    [messages] = re.findall(r"<messages>\n(.*)\n</messages>", asked, re.DOTALL)
    yield from map(json.loads, messages.splitlines())
