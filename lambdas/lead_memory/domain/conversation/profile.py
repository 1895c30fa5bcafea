"""L4: what is known of the contact, whatever the thread and the channel.

The fields and the rules by which they are merged are the specification's `ContactMemory`; times are ISO 8601.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

from lead_memory.domain.limits import FACTS
from lead_memory.domain.memories import Value


class Interest(StrEnum):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Stage(StrEnum):
    AWARENESS = "awareness"
    CONSIDERATION = "consideration"
    DECISION = "decision"
    CUSTOMER = "customer"
    CHURNED = "churned"


_INTERESTS, _STAGES = list(map(str, Interest)), list(map(str, Stage))
_LATEST = ("currentStage", "nextStep", "lastInteractionSummary")
_DECLARED = "declared"
"""The fields that a person said; a model changes them no more."""
_PREFERENCES = {
    "budget_range": "Budget",
    "timeline": "Timeline",
    "decision_maker": "Decision maker",
    "preferred_contact_method": "Preferred contact",
    "preferred_contact_time": "Preferred time",
    "company_size": "Company size",
}


def merge(value: Value | None, said: Value) -> Value:
    """`said` has the facts, `at`, and `by_person`: whether a person declared them or a model inferred them."""
    known = value or {}
    facts = {field: what for field, what in said["facts"].items() if what is not None}
    declared = set(known.get(_DECLARED, ()))
    if said["by_person"]:
        declared |= _single_fields(facts)
    else:
        facts = _without(facts, declared)
    merged = {
        "preferences": {**known.get("preferences", {}), **facts.get("preferences", {})},
        "painPoints": _without_duplicates([*known.get("painPoints", ()), *facts.get("painPoints", ())]),
        "objectionsAddressed": _merged(
            known, facts, "objectionsAddressed", "objection", said["at"], _addressed, "addressedAt"
        ),
        "productsDiscussed": _merged(
            known, facts, "productsDiscussed", "productName", said["at"], _discussed, "discussedAt"
        ),
        **{field: facts.get(field, known.get(field)) for field in _LATEST},
        _DECLARED: sorted(declared),
    }
    if not said["by_person"]:
        merged["currentStage"] = _further(known.get("currentStage"), facts.get("currentStage"))
    return {
        **{field: what for field, what in merged.items() if what},
        "lastExtractedAt": said["at"],
        "extractionCount": known.get("extractionCount", 0) + 1,
    }


def _single_fields(facts: Value) -> set[str]:
    preferences = {field for field, what in facts.get("preferences", {}).items() if what is not None}
    return preferences | {field for field in _LATEST if field in facts}


def _without(facts: Value, declared: set[str]) -> Value:
    preferences = {field: what for field, what in facts.get("preferences", {}).items() if field not in declared}
    return {field: what for field, what in facts.items() if field not in declared} | {"preferences": preferences}


def _merged(known: Value, facts: Value, field: str, named: str, at: str, join: Any, dated: str) -> list[Value]:
    """The list's entries by name, the newest last; what is said of one again is joined with what was."""
    entries = {entry[named].casefold(): entry for entry in known.get(field, ())}
    for entry in facts.get(field, ()):
        before = entries.pop(entry[named].casefold(), {})
        entries[entry[named].casefold()] = {**before, **join(before, entry), dated: at}
    return list(entries.values())[-FACTS:]


def _addressed(before: Value, said: Value) -> Value:
    """An objection can become resolved, and stays so."""
    return {**said, "resolved": before.get("resolved", False) or said["resolved"]}


def _discussed(before: Value, said: Value) -> Value:
    interests = [entry["interest_level"] for entry in (before, said) if entry]
    return {**said, "interest_level": max(interests, key=_INTERESTS.index)}


def _without_duplicates(texts: Iterable[str]) -> list[str]:
    """The first spelling stands."""
    return list({text.casefold(): text for text in reversed(list(texts))}.values())[::-1][-FACTS:]


def _further(known: str | None, said: str | None) -> str | None:
    """A stage moves only forward."""
    return max((stage for stage in (known, said) if stage), key=_STAGES.index, default=None)


def parts(profile: Mapping[str, Any]) -> list[list[str]]:
    """As the specification formats it: the lines of each part."""
    preferences = profile.get("preferences", {})
    return [
        listed(
            "Preferences",
            [f"{name}: {_said(preferences[field])}" for field, name in _PREFERENCES.items() if field in preferences],
        ),
        listed("Pain Points", profile.get("painPoints", ())),
        listed(
            "Unresolved Concerns",
            [entry["objection"] for entry in profile.get("objectionsAddressed", ()) if not entry["resolved"]],
        ),
        listed(
            "Products Discussed",
            [
                f"{entry['productName']} ({entry['interest_level']} interest)"
                for entry in profile.get("productsDiscussed", ())
                if entry["interest_level"] != Interest.LOW
            ],
        ),
        [f"**Current Stage:** {profile['currentStage']}"] if "currentStage" in profile else [],
        _next_step(profile.get("nextStep")),
    ]


def joined(parts: Iterable[list[str]]) -> list[str]:
    """The lines of the parts, an empty one between each two."""
    return [line for part in parts if part for line in ("", *part)][1:]


def listed(title: str, entries: Iterable[str]) -> list[str]:
    """A part of the profile; none where it has no entries."""
    lines = [f"- {one_line(entry)}" for entry in entries]
    return [f"**{title}:**", *lines] if lines else []


def is_title(line: str) -> bool:
    return line.startswith("**") and line.endswith(":**")


def _next_step(step: Mapping[str, Any] | None) -> list[str]:
    if not step:
        return []
    due = [f"- Due: {step['dueDate'][:10]}"] if "dueDate" in step else []
    return [f"**Next Step:** {one_line(step['action'])}", *due]


def _said(value: object) -> str:
    return ("Yes" if value else "No") if isinstance(value, bool) else str(value)


def one_line(text: str) -> str:
    return " ".join(text.split())
