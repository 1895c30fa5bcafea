"""What callers send to the resolver and what it answers. A mistake in a request is an answer too."""

import json
from collections.abc import Sequence
from typing import Annotated, Any, Self
from uuid import UUID

import msgspec

from lead_memory.domain import limits
from lead_memory.domain.errors import LeadMemoryError
from lead_memory.domain.templates.render import Escape, OnMissing
from lead_memory.domain.templates.syntax import TemplateError, parse, parse_variable
from lead_memory.services.resolve import LeadAnswer, Question

MAX_LEADS = limits.LEADS
MAX_ANSWER_BYTES = limits.ANSWER_BYTES
TOO_LARGE = "answer_too_large"

_SINGLE = "template"

type Answer = dict[str, Any]
"""Plain JSON, as the Lambda runtime wants it."""


class Mistake(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is wrong with a request, and for a template where; positions count characters from 0, lines from 1."""

    code: str
    message: str
    where: str | None = None
    """`template`, `templates.<name>` or `variables.<index>`."""
    position: int | None = None
    line: int | None = None
    column: int | None = None
    expected: str | None = None
    nearest: str | None = None
    leads_that_fit: int | None = None
    """In one call, if the others are like these."""


class BadRequest(LeadMemoryError):
    """The request can never be answered as it stands; give the caller the mistake."""

    def __init__(self, mistake: Mistake) -> None:
        super().__init__(mistake.code)
        self.mistake = mistake


class Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    organization_id: UUID | None = None
    leads: Annotated[tuple[UUID, ...], msgspec.Meta(max_length=MAX_LEADS)] = ()
    template: str | None = None
    templates: dict[str, str] | None = None
    variables: tuple[str, ...] | None = None
    on_missing: OnMissing = OnMissing.FAIL
    escape: Escape = Escape.NONE
    plan: bool = False
    """Only say what would be read; needs neither leads nor an organization."""

    def __post_init__(self) -> None:
        if [self.template, self.templates, self.variables].count(None) != 2:
            raise ValueError("Give exactly one of `template`, `templates` and `variables`")
        if not self.plan and (self.organization_id is None or not self.leads):
            raise ValueError("Give `organization_id`, and one lead or more in `leads`")

    @classmethod
    def read(cls, event: object) -> Self:
        """Raises `BadRequest`."""
        try:
            return msgspec.convert(event, cls)
        except msgspec.ValidationError as error:
            raise BadRequest(Mistake(code="invalid_request", message=f"{error}.")) from None

    def question(self, profile_fields: tuple[str, ...] | None) -> Question:
        """Raises `BadRequest` where a template or a variable is wrong. A lead given twice is answered once."""
        templates, variables = {}, []
        where = _SINGLE
        try:
            if self.template is not None:
                templates[_SINGLE] = parse(self.template, profile_fields)
            for name, text in (self.templates or {}).items():
                where = f"templates.{name}"
                templates[name] = parse(text, profile_fields)
            for index, text in enumerate(self.variables or ()):
                where = f"variables.{index}"
                variables.append(parse_variable(text, profile_fields))
        except TemplateError as error:
            raise BadRequest(_mistake(error, where)) from None
        question = Question(
            organization_id=str(self.organization_id),
            lead_ids=tuple(dict.fromkeys(map(str, self.leads))),
            templates=templates,
            variables=tuple(variables),
            on_missing=self.on_missing,
            escape=self.escape,
        )
        if (count := len(question.plan().variables)) > limits.VARIABLES:
            message = f"The request has {count:,} different variables and may have {limits.VARIABLES:,}."
            raise BadRequest(Mistake(code="invalid_request", message=message))
        return question

    def answered(self, leads: Sequence[LeadAnswer]) -> Answer:
        """`text` where one template was asked for, `texts` where several were.

        Raises `BadRequest` where there is more to say than Lambda lets through.
        """
        written = []
        for lead in leads:
            fields = msgspec.structs.asdict(lead)
            texts = fields.pop("texts")
            if self.template is not None:
                fields["text"] = texts[_SINGLE] if texts else None
            elif self.templates is not None:
                fields["texts"] = texts
            written.append(fields)
        reads = {
            "get_item": sum(lead.reads.get_item for lead in leads),
            "sql": max(lead.reads.sql for lead in leads),
        }
        answer = msgspec.json.encode({"leads": written, "reads": reads})
        _check_size(len(answer), len(leads))
        plain: Answer = msgspec.json.decode(answer)
        # The runtime writes it with a space after each comma and colon.
        _check_size(len(json.dumps(plain, ensure_ascii=False).encode()), len(leads))
        return plain


def planned(question: Question, has_profiles: bool) -> Answer:
    """The reads are those of each lead; the statement is shared by all leads of a call."""
    plan = question.plan()
    return _plain(
        {
            "plan": {
                "variables": [variable.name for variable in plan.variables],
                "memories": [{"memory_type": name.memory_type, "key": name.key} for name in plan.memories],
                "profile_fields": plan.profile_fields,
                "reads": {
                    "get_item": len(plan.memories),
                    "sql": int(has_profiles and bool(plan.profile_fields)),
                },
            }
        }
    )


def _check_size(size: int, leads: int) -> None:
    if size <= MAX_ANSWER_BYTES:
        return
    fit = leads * MAX_ANSWER_BYTES // size
    advice = f"ask for {fit} leads at a time" if fit else "ask with fewer or shorter templates"
    message = f"The answer for {leads} leads takes {size:,} bytes and may take {MAX_ANSWER_BYTES:,}: {advice}."
    raise BadRequest(Mistake(code=TOO_LARGE, message=message, leads_that_fit=fit))


def profiles_too_large(leads: int) -> Mistake:
    message = f"The profiles of these {leads} leads are more than the Data API's 1 MB: ask for fewer at a time."
    return Mistake(code=TOO_LARGE, message=message)


def refused(mistake: Mistake) -> Answer:
    return _plain({"error": mistake})


def _mistake(error: TemplateError, where: str) -> Mistake:
    return Mistake(
        code=error.code,
        message=str(error),
        where=where,
        position=error.position,
        line=error.line,
        column=error.column,
        expected=error.expected,
        nearest=error.nearest,
    )


def _plain(answer: Any) -> Answer:
    """Decimals become strings: a JSON number would lose digits in the runtime's or the caller's floats."""
    plain: Answer = msgspec.json.decode(msgspec.json.encode(answer))
    return plain
