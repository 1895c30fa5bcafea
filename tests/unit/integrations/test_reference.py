import re
from pathlib import Path

from lead_memory.domain.integrations import INTEGRATIONS
from lead_memory.domain.payloads import PAYLOADS
from tests.unit.integrations.samples import EVENTS

REFERENCE = EVENTS.parent / "docs" / "reference"
SECTIONS = re.findall(r"^### (.+?)$\n(.*?)(?=^##|\Z)", (REFERENCE / "events.md").read_text(), re.MULTILINE | re.DOTALL)


def _names(text: str) -> list[str]:
    return re.findall(r"`([\w.]+)`", text)


def test_every_event_type_has_its_section_in_the_reference() -> None:
    assert sorted(name for title, _ in SECTIONS for name in _names(title)) == sorted(PAYLOADS)


def test_a_section_lists_every_field_of_its_types_and_no_other() -> None:
    for title, text in SECTIONS:
        rows = re.findall(r"^\| (`.+?) \|", text, re.MULTILINE)
        listed = sorted(name for row in rows for name in _names(row))
        for event_type in _names(title):
            assert listed == sorted(PAYLOADS[event_type].model_fields), event_type


def test_a_section_marks_exactly_the_required_fields() -> None:
    for title, text in SECTIONS:
        rows = re.findall(r"^\| (`.+?) \| required \|", text, re.MULTILINE)
        required = {name for row in rows for name in _names(row)}
        for event_type in _names(title):
            fields = PAYLOADS[event_type].model_fields.items()
            assert required == {name for name, field in fields if field.is_required()}, event_type


def test_a_section_links_a_sample_of_each_of_its_types() -> None:
    for title, text in SECTIONS:
        links = re.findall(r"\]\((\S+?\.json)\)", text)
        assert all((REFERENCE / link).is_file() for link in links), title
        for event_type in _names(title):
            assert any(Path(link).name.startswith(f"{event_type}.") for link in links), event_type


def test_every_mapping_is_in_the_table_of_integrations() -> None:
    source, documented = "", set()
    for line in re.findall(r"^\|(.+)\|$", (REFERENCE / "integrations.md").read_text(), re.MULTILINE)[2:]:
        named, _, event_types, *_ = line.split("|")
        source = _names(named)[0] if _names(named) else source
        documented |= {(source, event_type) for event_type in _names(event_types)}
    assert documented == {(source, name) for source, types in INTEGRATIONS.items() for name in types}
