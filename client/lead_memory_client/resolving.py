"""What the resolver is asked, and how it answers."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import batched
from typing import TYPE_CHECKING, Any

import msgspec

from lead_memory.domain.limits import LEADS
from lead_memory_client.answers import ResolvedLead, ResolverAnswer
from lead_memory_client.errors import RequestRefused
from lead_memory_client.functions import invoke

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

_ANSWERS = msgspec.json.Decoder(ResolverAnswer, float_hook=Decimal)


class ResolverFunction:
    """Both methods raise `AwsRefused` and `RequestRefused`."""

    def __init__(self, functions: "LambdaClient", name: str) -> None:
        self._functions = functions
        self._name = name

    def ask(self, request: Mapping[str, Any]) -> ResolverAnswer:
        given = {name: value for name, value in request.items() if value is not None}
        answer = _ANSWERS.decode(invoke(self._functions, self._name, given, called="resolver"))
        if answer.error is not None:
            raise RequestRefused(answer.error, given.get("template"))
        return answer

    def resolve(self, request: Mapping[str, Any], leads: Sequence[str]) -> list[ResolvedLead]:
        """As many leads a call as the resolver takes, in order."""
        return [answer for some in batched(leads, LEADS, strict=False) for answer in self._resolve(request, some)]

    def _resolve(self, request: Mapping[str, Any], leads: Sequence[str]) -> Sequence[ResolvedLead]:
        """In two halves where the answers of all are more than one call can bring."""
        try:
            return self.ask({**request, "leads": leads}).leads
        except RequestRefused as refusal:
            if refusal.mistake.code != "answer_too_large" or len(leads) == 1:
                raise
        half = len(leads) // 2
        return [*self._resolve(request, leads[:half]), *self._resolve(request, leads[half:])]
