"""The command `lead-memory`: tables for people on a terminal, JSON for programs with `--json`."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Annotated, Any, Literal
from uuid import UUID

import msgspec
from cyclopts import App, CycloptsError, Parameter
from cyclopts.validators import Number

from lead_memory.domain.errors import LeadMemoryError
from lead_memory_client.errors import RequestRefused
from lead_memory_client.stage import LOCAL, local_stack

if TYPE_CHECKING:
    from rich.console import Console

    from lead_memory_client.client import LeadMemory
    from lead_memory_client.show import Steps

DEMO_ORGANIZATION = UUID("3f0c1b52-7a55-4d0c-9a8e-1f6a1b9f7c01")
"""Whose leads the local stack's profiles are."""
OK, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130

_STAGE = "local, dev, staging or prod; AWS_PROFILE and AWS_REGION say where to look for the last three."
_ORGANIZATION = "Whose lead it is; on the local stage the demo's organization, unless given."

type Json = Annotated[bool, Parameter(negative="", help="Print JSON, and nothing else, on standard output.")]

_JSON = msgspec.json.Encoder(decimal_format="number")

app = App(
    name="lead-memory",
    help="Publish events about leads, see what is remembered of them, and resolve templates.",
    help_format="plaintext",
    suppress_keyboard_interrupt=False,
)


class UsageError(LeadMemoryError):
    """What was typed cannot be done as it stands."""


@Parameter(name="*")
@dataclass(frozen=True)
class At:
    """Which stage, and how to answer."""

    stage: Annotated[str, Parameter(env_var="LEAD_MEMORY_STAGE", help=_STAGE)] = LOCAL
    json: Json = False

    def connect(self) -> "LeadMemory":
        from lead_memory_client.client import LeadMemory  # noqa: PLC0415 - `--help` does not wait for it

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


@app.command
def up(*, port: int | None = None, json: Json = False) -> int:
    """Start the local stack, or deploy again to the one that runs.

    Args:
        port: The local AWS's port; a free one, unless given.
    """
    with _local_stack() as stack_module, _steps() as progress:
        stack = stack_module.up(progress, port=port)
    if json:
        _print_json(stack)
    else:
        _out().print(f"The local stack is up at {stack.endpoint_url}. Next: lead-memory publish --wait events")
    return OK


@app.command
def down() -> int:
    """Stop the local stack and remove its state."""
    with _local_stack() as stack_module, _steps() as progress:
        stopped = stack_module.down(progress)
    if not stopped:
        _say("The local stack was not up.")
    return OK


@app.command
def status(*, at: At = At()) -> int:
    """Show where a stage is, and how deep its queues are."""
    from lead_memory_client.show import status_table  # noqa: PLC0415

    found = at.connect().status()
    _answer(at, found, lambda: status_table(found))
    return OK


@app.command
def publish(
    paths: Annotated[list[Path], Parameter(negative="")],
    /,
    *,
    wait: Annotated[bool, Parameter(negative="")] = False,
    patience: float = 60,
    at: At = At(),
) -> int:
    """Put the events of files, or of all .json files of folders, on the bus, in the order in which they occurred.

    Args:
        paths: Files and folders. A file holds one PutEvents entry, or a list of them.
        wait: Wait until each event can be read or was rejected.
        patience: How many seconds to wait at most.
    """
    from lead_memory_client.entries import read_entries  # noqa: PLC0415

    entries = read_entries(paths)
    memory = at.connect()
    if not wait:
        with _steps() as progress:
            progress(f"Publishing {len(entries)} events.")
            memory.publish(entries)
        if at.json:
            _print_json({"published": len(entries)})
        return OK

    from lead_memory_client.delivery import deliver  # noqa: PLC0415

    with _steps() as progress:
        progress(f"Publishing {len(entries)} events, and waiting until each can be read.")
        delivery = deliver(memory, entries, patience_seconds=patience)
    if at.json:
        _print_json({"published": len(entries), **delivery.counts()})
    else:
        _out().print(delivery.summary())
    for name, rejection in delivery.rejected.items():
        _say(f"{name.ref} was rejected, {rejection.reason}: {rejection.detail}")
    if delivery.waiting:
        _say(
            f"{len(delivery.waiting)} events could not be read after {patience:.0f} seconds: "
            f"`lead-memory status --stage {at.stage}` shows where they wait."
        )
    return FAILED if delivery.rejected or delivery.waiting else OK


@app.command
def resolve(
    template: str,
    /,
    *,
    lead: Annotated[list[UUID], Parameter(negative="")],
    on_missing: Literal["fail", "blank", "keep"] = "fail",
    escape: Literal["none", "html"] = "none",
    of: Of = Of(),
) -> int:
    """Render a template for leads, as the dispatch service would.

    Args:
        template: For example 'Hi {{lead.name}}'; in single quotes, so that the shell leaves it alone.
        lead: The lead's id; give it again for each lead.
        on_missing: What a variable without a value does: fail the message, leave a blank, or keep the tag.
        escape: How values are escaped.
    """
    from lead_memory_client.show import leads_table  # noqa: PLC0415

    organization_id = of.organization_id()
    leads = of.connect().resolve(
        lead, organization_id=organization_id, template=template, on_missing=on_missing, escape=escape
    )
    _answer(of, {"leads": leads}, lambda: leads_table(leads, {}))
    return FAILED if any(answer.text is None or answer.status == "unavailable" for answer in leads) else OK


@app.command
def plan(template: str, /, *, at: At = At()) -> int:
    """Check a template, and show what it reads.

    Args:
        template: For example 'Hi {{lead.name}}'; in single quotes, so that the shell leaves it alone.
    """
    from lead_memory_client.show import plan_table  # noqa: PLC0415

    found = at.connect().plan(template)
    _answer(at, found, lambda: plan_table(found))
    return OK


@app.command
def memories(*, lead: UUID, of: Of = Of()) -> int:
    """Show what is remembered of a lead, and from which events.

    Args:
        lead: The lead's id.
    """
    from lead_memory_client.show import memories_text, now  # noqa: PLC0415

    organization_id = of.organization_id()
    found = of.connect().memories(lead, organization_id)
    _answer(of, {"memories": found}, lambda: memories_text(found, now()) if found else "Nothing is remembered.")
    return OK


@app.command
def events(*, lead: UUID, limit: Annotated[int, Parameter(validator=Number(gte=1))] = 50, of: Of = Of()) -> int:
    """Show a lead's last events, newest first.

    Args:
        lead: The lead's id.
        limit: How many at most.
    """
    from lead_memory_client.show import events_table  # noqa: PLC0415

    organization_id = of.organization_id()
    found = of.connect().events(lead, organization_id, limit=limit)
    _answer(of, {"events": found}, lambda: events_table(found) if found else "No event is recorded.")
    return OK


@app.command
def demo(*, stay: Annotated[bool, Parameter(negative="")] = False) -> int:
    """Show the product on the local stack: from the webhooks in events/ to rendered messages.

    Args:
        stay: Leave the stack up; one that was up before stays up anyway.
    """
    from lead_memory_client.demo import run  # noqa: PLC0415

    with _local_stack() as stack_module:
        run(stack_module, _out(), _steps, DEMO_ORGANIZATION, stay=stay)
    return OK


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0 done, 1 failed, 2 not understood. What people may expect to fail ends in a sentence."""
    try:
        code: int | None = app(arguments, exit_on_error=False, print_error=False, result_action="return_value")
        return code or OK
    except CycloptsError as error:
        _say(f"{error} See `lead-memory --help`.")
        return USAGE
    except UsageError as error:
        _say(str(error))
        return USAGE
    except RequestRefused as refusal:
        from lead_memory_client.show import refusal_lines  # noqa: PLC0415

        _say(refusal_lines(refusal))
        return FAILED
    except LeadMemoryError as error:
        _say(str(error))
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED


@contextmanager
def _local_stack() -> Iterator[ModuleType]:
    """The local stack's errors become ours."""
    stack = local_stack()
    try:
        yield stack
    except stack.LocalStackError as error:
        raise LeadMemoryError(str(error)) from error


def _answer(at: At, found: Any, shown: Callable[[], Any]) -> None:
    if at.json:
        _print_json(found)
    else:
        _out().print(shown())


def _print_json(found: Any) -> None:
    sys.stdout.write(_JSON.encode(found).decode() + "\n")


def _say(sentence: str) -> None:
    """To people, whatever standard output holds."""
    print(sentence, file=sys.stderr)


def _out(*, stderr: bool = False) -> "Console":
    from rich.console import Console  # noqa: PLC0415

    # What leads wrote is shown as it is: it may look like markup.
    return Console(stderr=stderr, highlight=False, markup=False, emoji=False)


def _steps() -> "Steps":
    from lead_memory_client.show import Steps  # noqa: PLC0415

    return Steps(_out(stderr=True))
