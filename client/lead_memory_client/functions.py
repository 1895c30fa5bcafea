"""A stage's functions, called for their answer."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from lead_memory.domain.errors import Erased
from lead_memory_client.answers import Mistake
from lead_memory_client.errors import AwsRefused, BudgetTooSmall, RequestRefused, translated

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient


class _Refusal(msgspec.Struct):
    code: str
    message: str
    smallest: int = 0


class _Refused(msgspec.Struct):
    error: _Refusal | None = None


def ask[Answer](
    functions: "LambdaClient", name: str, request: Mapping[str, Any], answer: type[Answer], *, called: str
) -> Answer:
    """What is None in the request is not asked. Raises `BudgetTooSmall`, `Erased` and `RequestRefused`, and as
    `invoke` does.
    """
    given = {field: value for field, value in request.items() if value is not None}
    said = invoke(functions, name, given, called=called)
    if (refusal := msgspec.json.decode(said, type=_Refused).error) is not None:
        raise _error(refusal)
    return msgspec.json.decode(said, type=answer)


def invoke(functions: "LambdaClient", name: str, request: Any, *, called: str) -> bytes:
    """The answer, as JSON; `called` is what people call the function. Raises `AwsRefused`, also where it failed."""
    with translated(f"ask the {called}"):
        response = functions.invoke(FunctionName=name, Payload=msgspec.json.encode(request))
        answer = response["Payload"].read()
    if "FunctionError" in response:
        failure = msgspec.json.decode(answer).get("errorType", "an unknown error")
        raise AwsRefused(f"The {called} failed with {failure}, and its log says why: do the same again.")
    return answer


def _error(refusal: _Refusal) -> Exception:
    match refusal.code:
        case "budget_too_small":
            return BudgetTooSmall(refusal.message, refusal.smallest)
        case "erased":
            return Erased(refusal.message.rstrip("."))
        case "unavailable":
            return AwsRefused(refusal.message)
    return RequestRefused(Mistake(code=refusal.code, message=refusal.message), None)
