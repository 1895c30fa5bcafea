"""What the context function is asked, and how it answers."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from lead_memory.domain.errors import Erased
from lead_memory_client.answers import AgentContext, Mistake
from lead_memory_client.errors import AwsRefused, BudgetTooSmall, RequestRefused
from lead_memory_client.functions import invoke

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient


class _Refusal(msgspec.Struct):
    code: str
    message: str
    smallest: int = 0


class _Refused(msgspec.Struct):
    error: _Refusal | None = None


def ask(functions: "LambdaClient", name: str, request: Mapping[str, Any]) -> AgentContext:
    """Raises `AwsRefused`, `BudgetTooSmall`, `Erased` and `RequestRefused`."""
    given = {field: value for field, value in request.items() if value is not None}
    answer = invoke(functions, name, given, called="context function")
    if (refusal := msgspec.json.decode(answer, type=_Refused).error) is not None:
        raise _error(refusal)
    return msgspec.json.decode(answer, type=AgentContext)


def _error(refusal: _Refusal) -> Exception:
    match refusal.code:
        case "budget_too_small":
            return BudgetTooSmall(refusal.message, refusal.smallest)
        case "erased":
            return Erased(refusal.message.rstrip("."))
        case "unavailable":
            return AwsRefused(refusal.message)
    return RequestRefused(Mistake(code=refusal.code, message=refusal.message), None)
