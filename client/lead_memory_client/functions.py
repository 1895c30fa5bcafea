"""A stage's functions, called for their answer."""

from typing import TYPE_CHECKING, Any

import msgspec

from lead_memory_client.errors import AwsRefused, translated

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient


def invoke(functions: "LambdaClient", name: str, request: Any, *, called: str) -> bytes:
    """The answer, as JSON; `called` is what people call the function. Raises `AwsRefused`, also where it failed."""
    with translated(f"ask the {called}"):
        response = functions.invoke(FunctionName=name, Payload=msgspec.json.encode(request))
        answer = response["Payload"].read()
    if "FunctionError" in response:
        failure = msgspec.json.decode(answer).get("errorType", "an unknown error")
        raise AwsRefused(f"The {called} failed with {failure}, and its log says why: do the same again.")
    return answer
