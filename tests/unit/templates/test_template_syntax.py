import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lead_memory.domain.errors import Rejected
from lead_memory.domain.limits import KEY_CHARACTERS, TEMPLATE_CHARACTERS
from lead_memory.domain.memories import IN_TEMPLATES, MemoryKey, MemoryType, check_key
from lead_memory.domain.templates.filters import FILTERS
from lead_memory.domain.templates.syntax import Tag, TemplateError, parse, parse_variable
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


def nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def is_key(key: str) -> bool:
    try:
        check_key(nfc(key))
    except Rejected:
        return False
    return True


keys = st.text(min_size=1, max_size=KEY_CHARACTERS).filter(is_key)


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


@given(st.sampled_from(IN_TEMPLATES), keys, st.lists(st.text(), min_size=1, max_size=4))
def test_a_variable_of_any_key_and_path_is_spelled_so_that_it_parses_to_itself(
    memory_type: MemoryType, key: str, path: list[str]
) -> None:
    variable = parse_variable(spell([memory_type, key, *path]))
    assert variable.memory == MemoryKey(memory_type, nfc(key))
    assert variable.path == tuple(map(nfc, path))
    assert parse_variable(variable.name) == variable


@pytest.mark.parametrize("variable", ["conversation.interactions.last_interaction_at", "note.contact.notes"])
def test_what_was_said_in_threads_and_what_operators_noted_is_no_templates_to_read(variable: str) -> None:
    mistake = error(f"Hi {{{{{variable}}}}}")
    assert (mistake.code, mistake.position) == ("unknown_namespace", 5)


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
    assert f'did you mean "{nearest}"? Expected {mistake.expected}.' in str(mistake)


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
        ('{{lead.name | date: "short", "root"}}', "bad_argument", 29),
        ('{{lead.name | money: "BRL", "pt_BR.UTF-8"}}', "bad_argument", 28),
        ('{{lead.name | number: "us"}}', "bad_argument", 22),
    ],
)
def test_a_mistake_is_an_error_at_the_character_that_cannot_stand(text: str, code: str, position: int) -> None:
    mistake = error(text)
    assert (mistake.code, mistake.position) == (code, position)
    assert mistake.expected


def test_an_error_says_line_column_what_was_found_and_what_was_expected() -> None:
    mistake = error("Hi {{lead.name}},\nyou live in {{lead.city")
    assert str(mistake) == 'Line 2, column 24: the text ends; expected "|" and a filter, or "}}".'


ONE_OF_THE_FILTERS = f"one of {', '.join(FILTERS)}."


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            '{{purchase["a#b"].c}}',
            "column 12: a memory's key cannot contain the number sign, which separates keys; "
            'expected a key, like "purchase.<key>.<name>".',
        ),
        ('{{lead.name | default "x"}}', """column 23: found '"'; expected ":" before the argument."""),
        ('{{lead.name | default("x")}}', """column 22: found '('; expected ":" before the argument."""),
        ("{{lead.name | truncate 5}}", """column 24: found '5'; expected ":" before the argument."""),
        (
            '{{lead.name | upcase: "y"}}',
            'column 23: the filter "upcase" takes no argument; expected "|" and a filter, or "}}".',
        ),
        (
            '{{lead.name | upcase("y")}}',
            'column 21: the filter "upcase" takes no argument; expected "|" and a filter, or "}}".',
        ),
        (
            '{{lead.name | join: ", ", "x"}}',
            'column 27: the filter "join" has an argument too many; expected "|" and a filter, or "}}".',
        ),
        (
            "{{form.sat survey.answer}}",
            'column 12: a name ends at a space; expected brackets and quotes around it, ["sat survey"].',
        ),
        (
            "{{interest.product:whey 1kg.score}}",
            'column 25: a name ends at a space; expected brackets and quotes around it, ["product:whey 1kg"].',
        ),
        (
            "{{lead.first name}}",
            'column 8: there is no field "first name"; did you mean "first_name"? '
            "Expected one of name, first_name, city.",
        ),
        ("{{lead name}}", 'column 8: a space stands between names; expected ".", like lead.name.'),
        ("{{lead.name upcase}}", """column 13: found 'u'; expected "|" before the filter "upcase"."""),
        ("{{purchase.x.products[0].name}}", 'column 22: a place in a list stands after a dot; expected ".0".'),
        (
            "{% if lead.name %}",
            'column 1: there are no conditions or loops, which "{%" begins elsewhere; '
            'expected a tag, like {{lead.name | default: "you"}}.',
        ),
        (
            "{{lead.name | upper}}",
            f'column 15: there is no filter "upper"; did you mean "upcase"? Expected {ONE_OF_THE_FILTERS}',
        ),
        (
            "{{lead.name | trim}}",
            f'column 15: there is no filter "trim"; did you mean "strip"? Expected {ONE_OF_THE_FILTERS}',
        ),
        ("{{lead.name | lower}}", f'column 15: there is no filter "lower"; expected {ONE_OF_THE_FILTERS}'),
        (
            "{{lead.full_name}}",
            'column 8: there is no field "full_name"; did you mean "first_name"? '
            "Expected one of name, first_name, city.",
        ),
        (
            "{{lead.name | money: 'us'}}",
            """column 22: the filter "money" cannot take 'us'; expected a currency code in quotes, like "BRL".""",
        ),
        (
            '{{lead.name | date: "hello"}}',
            'column 21: the filter "date" cannot take "hello"; '
            'expected short, medium, long, full, or a pattern like "dd/MM/yyyy", in quotes.',
        ),
    ],
)
def test_an_error_tells_the_author_what_to_write(text: str, sentence: str) -> None:
    assert str(error(text)) == f"Line 1, {sentence}"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("dd/mm/yyyy", "dd/MM/yyyy"),
        ("dd/mm/yyyy HH:mm", "dd/MM/yyyy HH:mm"),
        ("DD/MM/YYYY", "dd/MM/yyyy"),
        ("YYYY-MM-dd", "yyyy-MM-dd"),
        ("dd/MM/yyyy HH:MM:SS", "dd/MM/yyyy HH:mm:ss"),
        ("%d/%m/%Y %H:%M", "dd/MM/yyyy HH:mm"),
        ("d de MMMM 'de' yyyy", "d 'de' MMMM 'de' yyyy"),
        ("lng", "long"),
    ],
)
def test_a_date_pattern_that_would_print_something_else_is_an_error_with_the_one_that_was_meant(
    written: str, meant: str
) -> None:
    mistake = error(f'{{{{lead.name | date: "{written}"}}}}')
    assert (mistake.code, mistake.position, mistake.nearest) == ("bad_argument", 20, meant)
    assert parse(f'{{{{lead.name | date: "{meant}"}}}}')


@pytest.mark.parametrize("pattern", ["hello", "MMMMMMMMM", "dd/MM/yyyy 'at", "'today'", "S" * 400, ""])
def test_a_date_pattern_of_letters_that_mean_nothing_is_an_error(pattern: str) -> None:
    assert error(f'{{{{lead.name | date: "{pattern}"}}}}').code == "bad_argument"


@pytest.mark.parametrize(
    "pattern",
    ["d/M/yy", "YYYY-'W'ww", "EEEE, d 'de' MMMM", "h 'o''clock' a", "mm 'past' HH", "yyyy年M月d日", "HH'h'mm", "LLLL"],
)
def test_a_date_pattern_that_prints_what_it_says_is_taken(pattern: str) -> None:
    assert parse(f'{{{{lead.name | date: "{pattern}"}}}}')


def test_accents_typed_as_characters_of_their_own_name_the_same_memory() -> None:
    for text in ("{{form.cafe\u0301.answer}}", '{{form["cafe\u0301"].answer}}'):
        assert [variable.name for variable in parse(text).variables] == ["form.caf\u00e9.answer"]


def test_a_quote_that_is_never_closed_is_said_to_be() -> None:
    assert str(error('{{lead.name | default: "you}}')) == (
        'Line 1, column 24: the quote is never closed; expected a closing ".'
    )


def test_any_field_is_allowed_where_the_stage_has_no_profile() -> None:
    assert parse("{{lead.shoe_size}}", None).variables[0].path == ("shoe_size",)


def test_a_template_has_a_longest_length() -> None:
    assert parse("x" * TEMPLATE_CHARACTERS).parts
    mistake = error("x" * (TEMPLATE_CHARACTERS + 1))
    assert (mistake.code, mistake.position) == ("template_too_long", TEMPLATE_CHARACTERS)
