"""What the lead answered, one memory a question."""

from collections.abc import Iterable

from lead_memory.domain.events import Event
from lead_memory.domain.memories import Change, Derivation, MemoryType, Source
from lead_memory.domain.payloads.engagement import FormResponseSubmitted
from lead_memory.domain.times import iso


def submitted(event: Event, form: FormResponseSubmitted) -> Iterable[Change]:
    answers = {answer.question: answer for answer in form.answers}
    for question, answer in answers.items():
        yield Change(
            memory_type=MemoryType.FORM,
            key=f"{form.form_id}:{question}",
            said={
                "question": answer.title or question,
                "answer": answer.answer,
                "answered_at": iso(event.occurred_at),
            },
            source=Source.USER_DECLARED,
        )


DERIVATIONS: dict[str, Derivation] = {"form.response_submitted": submitted}
