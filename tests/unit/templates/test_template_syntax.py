import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lead_memory.domain.memories import KEY_MAX_CHARACTERS, MemoryKey, MemoryType
from lead_memory.domain.templates.filters import FILTERS
from lead_memory.domain.templates.syntax import MAX_CHARACTERS, Tag, TemplateError, parse, parse_variable
from lead_memory.domain.templates.variables import plan, spell

FIELDS = ("name", "first_name", "city")
ANA = (
    "Hi {{lead.name}}, I noticed you purchased {{purchase.last_transaction.product_name}} "
    "for R${{purchase.last_transaction.amount}}. "
    "You found us through {{form.sat_survey_2026:how_did_you_find_us.answer}}, right?"
)

punctuation = st.sampled_from(["{{", "}}", "{%", "{", "|", ".", "[", "]", '"', "'", "\\", ":", ",", " ", "\n"])
words = st.sampled_from(["lead", "name", "purchase", "last_transaction", "0", "-1", "2.5", "ção", *FILTERS])
template_like = st.lists(punctuation | words | st.text(max_size=3)).map("".join)
keys = st.text(min_size=1, max_size=KEY_MAX_CHARACTERS).filter(lambda key: "#" not in key)


def mistake_in(text: str) -> TemplateError | None:
    try:
        parse(text, FIELDS)
    except TemplateError as mistake:
        return mistake
    return None


def error(text: str) -> TemplateError:
    mistake = mistake_in(text)
    assert mistake
    return mistake


@given(template_like)
@example("{{lead.name")
@example('{{lead.name | default: "')
@example("{{lead.name | truncate: ")
@example("a\ud800")
def test_every_text_is_a_template_or_has_an_error_at_a_position_inside_it(text: str) -> None:
    mistake = mistake_in(text)
    if mistake:
        assert 0 <= mistake.position <= len(text)
        before = text[: mistake.position].split("\n")
        assert (mistake.line, mistake.column) == (len(before), len(before[-1]) + 1)
    else:
        parts = parse(text, FIELDS).parts
        assert "".join(part.source if isinstance(part, Tag) else part for part in parts) == text


@given(st.text().filter(lambda text: "{{" not in text and "{%" not in text))
def test_a_text_without_tags_is_one_part(text: str) -> None:
    assert parse(text).parts == ((text,) if text else ())


@given(st.sampled_from(MemoryType), keys, st.lists(st.text(), min_size=1, max_size=4))
def test_a_variable_of_any_key_and_path_is_spelled_so_that_it_parses_to_itself(
    memory_type: MemoryType, key: str, path: list[str]
) -> None:
    variable = parse_variable(spell([memory_type, key, *path]))
    assert variable.memory == MemoryKey(memory_type, key)
    assert variable.path == tuple(path)
    assert parse_variable(variable.name) == variable


def test_the_specifications_template_reads_two_memories_and_one_field() -> None:
    reading = plan(parse(ANA, FIELDS).variables)
    assert reading.memories == (
        MemoryKey(MemoryType.PURCHASE, "last_transaction"),
        MemoryKey(MemoryType.FORM, "sat_survey_2026:how_did_you_find_us"),
    )
    assert reading.profile_fields == ("name",)


def test_the_plan_names_each_variable_once_in_the_order_of_first_use() -> None:
    text = '{{lead.city}}{{purchase["a"].x}}{{lead.name}}{{purchase.a.x | upcase}}{{lead["city"]}}'
    assert [v.name for v in plan(parse(text, FIELDS).variables).variables] == ["lead.city", "purchase.a.x", "lead.name"]


def test_spaces_and_line_breaks_are_allowed_around_a_variable_and_its_filters() -> None:
    [tag] = parse('{{ lead.name\n | default : "you" \u00a0| upcase }}', FIELDS).parts
    assert isinstance(tag, Tag)
    assert [arguments for _, arguments in tag.filters] == [("you",), ()]


def test_quotes_are_single_or_double_and_a_backslash_takes_the_next_character_as_it_is() -> None:
    [tag] = parse(r"""{{lead.name | default: 'it\'s "}}" | \\'}}""", FIELDS).parts
    assert isinstance(tag, Tag)
    assert tag.filters[0].arguments == ("""it's "}}" | \\""",)


@pytest.mark.parametrize(
    ("text", "code", "position", "nearest"),
    [
        ("Hi {{leed.name}}", "unknown_namespace", 5, "lead"),
        ("Hi {{Lead.name}}", "unknown_namespace", 5, "lead"),
        ("Hi {{purchases.last.amount}}", "unknown_namespace", 5, "purchase"),
        ("Hi {{lead.nmae}}", "unknown_field", 10, "name"),
        ("Hi {{lead.name | upcas}}", "unknown_filter", 17, "upcase"),
        ('{{lead.name | money: "BRLL"}}', "bad_argument", 21, "BRL"),
        ('{{lead.name | money: "BRL", "pt_BB"}}', "bad_argument", 28, "pt_BR"),
        ('{{lead.name | date: "short", "en", "America/SaoPaulo"}}', "bad_argument", 35, "America/Sao_Paulo"),
    ],
)
def test_an_unknown_name_is_an_error_where_it_stands_with_the_nearest_known_one(
    text: str, code: str, position: int, nearest: str
) -> None:
    mistake = error(text)
    assert (mistake.code, mistake.position, mistake.nearest) == (code, position, nearest)
    assert f'did you mean "{nearest}"?' in str(mistake)


@pytest.mark.parametrize(
    ("text", "code", "position"),
    [
        ("{{}}", "syntax", 2),
        ("{{{lead.name}}}", "syntax", 2),
        ("{{ lead.name", "syntax", 12),
        ("{{lead.name}", "syntax", 11),
        ("{{lead.}}", "syntax", 7),
        ("{{lead.name.first}}", "syntax", 11),
        ("{{lead.name upcase}}", "syntax", 12),
        ("{{lead.name | }}", "syntax", 14),
        ("{{lead.name | default: you}}", "syntax", 23),
        ("{{lead.name | default: “you”}}", "syntax", 23),
        ('{{purchase["last transaction.amount}}', "syntax", 11),
        ("{% if lead.name %}", "syntax", 0),
        ("{{lead}}", "path_expected", 6),
        ("{{purchase}}", "path_expected", 10),
        ("{{purchase.last_transaction}}", "path_expected", 27),
        ('{{purchase["a#b"].c}}', "bad_key", 11),
        ('{{purchase[""].c}}', "bad_key", 11),
        ("{{lead.name | default}}", "bad_argument", 21),
        ("{{lead.name | upcase: 1}}", "bad_argument", 22),
        ("{{lead.name | truncate: 0}}", "bad_argument", 24),
        ("{{lead.name | truncate: 2.5}}", "bad_argument", 24),
        ('{{lead.name | truncate: "20"}}', "bad_argument", 24),
        ("{{lead.name | join: 1}}", "bad_argument", 20),
        ('{{lead.name | date: "%d/%m/%Y"}}', "bad_argument", 20),
        ('{{lead.name | date: "MMMMMMMMM"}}', "bad_argument", 20),
    ],
)
def test_a_mistake_is_an_error_at_the_character_that_cannot_stand(text: str, code: str, position: int) -> None:
    mistake = error(text)
    assert (mistake.code, mistake.position) == (code, position)
    assert mistake.expected


def test_an_error_says_line_column_what_was_found_and_what_was_expected() -> None:
    mistake = error("Hi {{lead.name}},\nyou live in {{lead.city")
    assert str(mistake) == 'Line 2, column 24: the text ends; expected "|" and a filter, or "}}".'


def test_a_quote_that_is_never_closed_is_said_to_be() -> None:
    assert str(error('{{lead.name | default: "you}}')) == (
        'Line 1, column 24: the quote is never closed; expected a closing ".'
    )


def test_any_field_is_allowed_where_the_stage_has_no_profile() -> None:
    assert parse("{{lead.shoe_size}}", None).variables[0].path == ("shoe_size",)


def test_a_template_has_a_longest_length() -> None:
    assert parse("x" * MAX_CHARACTERS).parts
    assert error("x" * (MAX_CHARACTERS + 1)).position == MAX_CHARACTERS
