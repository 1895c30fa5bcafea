"""Typeform's form_response webhook: https://www.typeform.com/developers/webhooks/example-payload/."""

from collections.abc import Callable, Mapping
from typing import Any


def _choice(choice: Mapping[str, Any]) -> Any:
    return choice.get("label") or choice["other"]


def _choices(choices: Mapping[str, Any]) -> list[str]:
    other = choices.get("other")
    return [*(choices.get("labels") or []), *([other] if other else [])]


def _payment(payment: Mapping[str, Any]) -> Any:
    """The amount alone: the payer's name and card stay in the raw payload."""
    return payment["amount"]


_READABLE: Mapping[str, Callable[[Any], Any]] = {"choice": _choice, "choices": _choices, "payment": _payment}
"""Answer types whose value is an object with a plainer reading; the value of any other type is the answer."""


def _form_response_submitted(body: Mapping[str, Any]) -> dict[str, Any]:
    response = body["form_response"]
    definition = response.get("definition") or {}
    fields = {field["id"]: field for field in definition.get("fields") or []}
    return {
        "form_id": response["form_id"],
        "title": definition.get("title"),
        "response_id": response["token"],
        "answers": [_answer(answer, fields) for answer in response.get("answers") or []],
    }


def _answer(answer: Mapping[str, Any], fields: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    answered = answer["field"]
    field = fields.get(answered["id"], {})
    value = answer[answer["type"]]
    read = _READABLE.get(answer["type"])
    return {
        "question": field.get("ref") or answered.get("ref") or answered["id"],
        "title": field.get("title"),
        "type": answer["type"],
        "answer": read(value) if read else value,
    }


MAPPINGS = {"form.response_submitted": _form_response_submitted}
