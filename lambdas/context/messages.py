"""What an agent asks for, and how it is answered. A mistake in a request is an answer too."""

import unicodedata
from typing import Annotated, Any, Self
from uuid import UUID

import msgspec

from lead_memory.domain.conversation.layers import BUDGET_TOKENS, BudgetTooSmall, Format, Layer
from lead_memory.domain.conversation.settings import Cohort
from lead_memory.domain.errors import Erased, Unavailable
from lead_memory.domain.limits import BUDGET_TOKENS_MOST, NAME_CHARACTERS
from lead_memory.domain.memories import Lead
from lead_memory.services.context import Answer, Question

type Refusal = msgspec.ValidationError | BudgetTooSmall | Erased | Unavailable


class Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    organization_id: UUID
    lead_id: UUID
    thread_id: Annotated[str, msgspec.Meta(min_length=1, max_length=NAME_CHARACTERS)]
    max_tokens: Annotated[int, msgspec.Meta(ge=1, le=BUDGET_TOKENS_MOST)] = BUDGET_TOKENS
    layers: Annotated[frozenset[Layer], msgspec.Meta(min_length=1)] = frozenset(Layer)
    """Operators' notes are always among them."""
    cohort: Cohort | None = None
    format: Format = Format.TEXT

    @classmethod
    def read(cls, event: object) -> Self:
        """Raises `msgspec.ValidationError`."""
        return msgspec.convert(event, cls)

    def question(self) -> Question:
        return Question(
            lead=Lead(str(self.organization_id), str(self.lead_id)),
            # As the events' ids of threads are kept.
            thread_id=unicodedata.normalize("NFC", self.thread_id.strip()),
            max_tokens=self.max_tokens,
            layers=self.layers,
            cohort=self.cohort,
            form=self.format,
        )

    def answered(self, answer: Answer, *, requests: int, milliseconds: float) -> dict[str, Any]:
        context = answer.context
        of_format = {"messages": context.messages} if self.format is Format.MESSAGES else {"text": context.text}
        return _plain(
            {
                **of_format,
                "layers": context.layers,
                "total_tokens": context.total_tokens,
                "max_tokens": self.max_tokens,
                "cohort": answer.cohort,
                "lead_known": answer.lead_known,
                "thread_known": answer.thread_known,
                "joined_threads": answer.joined_threads,
                "freshness": answer.freshness._asdict(),
                "reactivation_days": context.silence.days if context.silence else None,
                "requests": requests,
                "milliseconds": round(milliseconds, 1),
            }
        )


def refused(refusal: Refusal) -> dict[str, Any]:
    match refusal:
        case BudgetTooSmall():
            return _error("budget_too_small", str(refusal), smallest=refusal.smallest)
        case Erased():
            return _error("erased", refusal.detail)
        case Unavailable():
            return _error("unavailable", f"{refusal}; ask again")
    return _error("invalid_request", str(refusal))


def _error(code: str, message: str, **more: int) -> dict[str, Any]:
    return {"error": {"code": code, "message": f"{message[0].upper()}{message[1:]}.", **more}}


def _plain(answer: Any) -> dict[str, Any]:
    """JSON as the Lambda runtime wants it."""
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(answer))
    return plain
