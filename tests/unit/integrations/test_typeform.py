from decimal import Decimal
from typing import Any

import pytest

from lead_memory.domain import canonical
from tests.unit.integrations.samples import body, canonical_data


def _response(raw: Any) -> Any:
    return canonical_data("typeform", "form.response_submitted", raw)


def _answered(answer: dict[str, Any], **definition: Any) -> Any:
    """The one answer of a response, given as Typeform's `answers` and `definition.fields` would have them."""
    raw = body("typeform/form.response_submitted")
    answer = {"field": {"id": "f1", "type": "any"}, **answer}
    raw["form_response"] |= {
        "answers": [answer],
        "definition": {"fields": [definition] if definition else []},
    }
    return _response(raw).answers[0]


def test_the_captured_response_gives_every_answer_under_its_readable_reference() -> None:
    response = _response(body("typeform/form.response_submitted"))
    assert {answer.question: answer.answer for answer in response.answers} == {
        "readable_ref_long_text": "It's cold right now! I live in an older medium-sized city with a university."
        " Geographically, the area is hilly.",
        "readable_ref_email": "laura@example.com",
        "readable_ref_short_text": "Laura",
        "readable_ref_date": "2005-10-15",
        "readable_ref_picture_choice": ["London", "Sydney"],
        "readable_ref_number1": 5,
        "readable_ref_legal": True,
        "readable_ref_multiple_choice": "London",
        "readable_ref_yes_no": False,
        "readable_ref_opinion_scale": 2,
        "readable_ref_rating": 3,
        "readable_ref_number2": 4,
    }
    assert (response.form_id, response.response_id) == ("lT4Z3j", "a3a12ec67a1365927098a606107fac15")


def test_what_looks_like_a_template_in_a_title_stays_text() -> None:
    first = _response(body("typeform/form.response_submitted")).answers[0]
    assert first.title.startswith("Thanks, {{answer_60906475}}! What's it like")


@pytest.mark.parametrize(
    ("raw", "answer"),
    [
        ({"type": "text", "text": "Hilly"}, "Hilly"),
        ({"type": "email", "email": "laura@example.com"}, "laura@example.com"),
        ({"type": "date", "date": "2005-10-15"}, "2005-10-15"),
        ({"type": "url", "url": "https://example.com"}, "https://example.com"),
        ({"type": "file_url", "file_url": "https://example.com/a.pdf"}, "https://example.com/a.pdf"),
        ({"type": "phone_number", "phone_number": "+5511555001"}, "+5511555001"),
        ({"type": "boolean", "boolean": False}, False),
        ({"type": "number", "number": 0}, 0),
        ({"type": "choice", "choice": {"label": "London"}}, "London"),
        ({"type": "choice", "choice": {"other": "Porto"}}, "Porto"),
        ({"type": "choices", "choices": {"labels": ["London"], "other": "Porto"}}, ["London", "Porto"]),
        ({"type": "choices", "choices": {"other": "Porto"}}, ["Porto"]),
        ({"type": "payment", "payment": {"amount": "12.50", "last4": "1234", "name": "L"}}, "12.50"),
        ({"type": "multi_format", "multi_format": {"text": "Hi"}}, {"text": "Hi"}),
    ],
)
def test_every_type_of_answer_is_read(raw: dict[str, Any], answer: object) -> None:
    answered = _answered(raw)
    assert (answered.type, answered.answer) == (raw["type"], answer)


def test_a_number_with_a_fraction_stays_exact() -> None:
    answered = _answered(canonical.decode('{"type": "number", "number": 4.10}'))
    assert answered.answer == Decimal("4.10")


def test_a_questions_name_is_the_definitions_reference_then_the_answers_then_its_id() -> None:
    text = {"type": "text", "text": "Hilly"}
    own_ref = {**text, "field": {"id": "f1", "type": "short_text", "ref": "from_answer"}}
    assert _answered(own_ref, id="f1", ref="from_definition", title="Where?").question == "from_definition"
    assert _answered(own_ref).question == "from_answer"
    assert _answered(text).question == "f1"


def test_a_response_without_answers_is_a_response() -> None:
    raw = body("typeform/form.response_submitted")
    del raw["form_response"]["answers"]
    assert _response(raw).answers == ()
