"""How every command answers, and the options that commands share."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import msgspec
from cyclopts import Parameter, Token

from lead_memory.domain.errors import LeadMemoryError
from lead_memory.domain.limits import NAME_CHARACTERS
from lead_memory_client.stage import LOCAL

if TYPE_CHECKING:
    from rich.console import Console

    from lead_memory_client.client import LeadMemory
    from lead_memory_client.show import Steps

DEMO_ORGANIZATION = UUID("3f0c1b52-7a55-4d0c-9a8e-1f6a1b9f7c01")
"""Whose leads the local stack's profiles are."""
OK, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130
MICROS = 1_000_000
"""Of a dollar."""

_STAGE = "local, dev, staging or prod; AWS_PROFILE and AWS_REGION say where to look for the last three."
_ORGANIZATION = "Whose lead it is; on the local stage the demo's organization, unless given."

type Json = Annotated[bool, Parameter(negative="", help="Print JSON, and nothing else, on standard output.")]

_JSON = msgspec.json.Encoder(decimal_format="number")


def _time(_: type, tokens: Sequence[Token]) -> datetime:
    return time_of(tokens[0].value)


type Time = Annotated[datetime | None, Parameter(converter=_time)]


class UsageError(LeadMemoryError):
    """What was typed cannot be done as it stands."""


@dataclass(frozen=True)
class Filled:
    """Validates a text: not blank, and not too long."""

    characters_most: int = NAME_CHARACTERS

    def __call__(self, _: type, text: str | None) -> None:
        if text is not None and not 0 < len(text.strip()) <= self.characters_most:
            raise ValueError(f"Must have 1 to {self.characters_most:,} characters.")


type ThreadId = Annotated[str, Parameter(validator=Filled())]


@Parameter(name="*")
@dataclass(frozen=True)
class At:
    """Which stage, and how to answer."""

    stage: Annotated[str, Parameter(env_var="LEAD_MEMORY_STAGE", help=_STAGE)] = LOCAL
    json: Json = False

    def connect(self) -> "LeadMemory":
        from lead_memory_client.client import LeadMemory

        return LeadMemory.connect(self.stage)


@Parameter(name="*")
@dataclass(frozen=True)
class Of(At):
    organization: Annotated[UUID | None, Parameter(env_var="LEAD_MEMORY_ORGANIZATION", help=_ORGANIZATION)] = None

    def organization_id(self) -> UUID:
        if self.organization is None and self.stage != LOCAL:
            raise UsageError(
                f"Whose lead it is must be said on {self.stage}: give --organization or set LEAD_MEMORY_ORGANIZATION."
            )
        return self.organization or DEMO_ORGANIZATION

    def options(self) -> str:
        """What the next command is given, to be about the same organization and stage."""
        organization = f" --organization {self.organization}" if self.organization else ""
        return organization + (f" --stage {self.stage}" if self.stage != LOCAL else "")


def check_whose(of: Of, lead: UUID | None, *, every: bool) -> None:
    """Raises `UsageError` unless it is said once which leads are meant."""
    if (every and (lead or of.organization)) or not (every or lead or of.organization):
        raise UsageError(
            "Which leads, must be said once: give --lead, --organization, or --all without LEAD_MEMORY_ORGANIZATION."
        )


def time_of(text: str) -> datetime:
    """In UTC, unless it has another zone. Raises `ValueError`."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("that is no time such as 2026-02-03T14:05Z") from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def answer(at: At, found: Any, shown: Callable[[], Any]) -> None:
    if at.json:
        print_json(found)
    else:
        console = out()
        # A file or a program gets lines as they are, and breaks them itself.
        console.print(shown(), soft_wrap=not console.is_terminal)


def print_json(found: Any) -> None:
    sys.stdout.write(_JSON.encode(found).decode() + "\n")


def say(sentence: str) -> None:
    """To people, whatever standard output holds."""
    print(sentence, file=sys.stderr)


def out(*, stderr: bool = False) -> "Console":
    from rich.console import Console

    # What leads wrote is shown as it is: it may look like markup.
    return Console(stderr=stderr, highlight=False, markup=False, emoji=False)


def steps() -> "Steps":
    from lead_memory_client.show import Steps

    return Steps(out(stderr=True))
