"""The command `lead-memory`: tables for people on a terminal, JSON for programs with `--json`."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Annotated, Literal
from uuid import UUID

from cyclopts import App, CycloptsError, Parameter
from cyclopts.validators import Number

from lead_memory.domain.errors import LeadMemoryError, Rejected
from lead_memory_client import (
    conversation_commands,
    entity_commands,
    export_command,
    intelligence_commands,
    lifecycle_commands,
    memory_commands,
    mending,
    note_commands,
    organization_commands,
    privacy_commands,
    project_commands,
    recall_commands,
    reembed_command,
    tracing,
)
from lead_memory_client.errors import RequestRefused
from lead_memory_client.stage import find_stage, local_stack
from lead_memory_client.terminal import (
    DEMO_ORGANIZATION,
    FAILED,
    INTERRUPTED,
    OK,
    USAGE,
    At,
    Json,
    Of,
    Time,
    UsageError,
    answer,
    check_whose,
    out,
    print_json,
    say,
    steps,
)

app = App(
    name="lead-memory",
    help="Publish events about leads, see what is remembered of them, and resolve templates.",
    help_format="plaintext",
    version=partial(version, "lead-memory"),
    suppress_keyboard_interrupt=False,
)


@app.command
def up(*, port: int | None = None, json: Json = False) -> int:
    """Start the local stack, or deploy again to the one that runs.

    Args:
        port: The local AWS's port; a free one, unless given.
    """
    with _local_stack() as stack_module, steps() as progress:
        stack = stack_module.up(progress, port=port)
    if json:
        print_json(stack)
    else:
        print(f"The local stack is up at {stack.endpoint_url}. Next: lead-memory publish --wait events")
    return OK


@app.command
def down() -> int:
    """Stop the local stack and remove its state."""
    with _local_stack() as stack_module, steps() as progress:
        stopped = stack_module.down(progress)
    if not stopped:
        say("The local stack was not up.")
    return OK


@app.command
def status(*, at: At = At()) -> int:
    """Show where a stage is, and how deep its queues are."""
    from lead_memory_client.show import status_table

    found = at.connect().status()
    answer(at, found, lambda: status_table(found))
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
    from lead_memory_client.entries import read_entries

    entries = read_entries(paths)
    memory = at.connect()
    if not wait:
        with steps() as progress:
            progress(f"Publishing {len(entries)} events.")
            memory.publish(entries)
        if at.json:
            print_json({"published": len(entries)})
        return OK

    from lead_memory_client.delivery import deliver

    with steps() as progress:
        progress(f"Publishing {len(entries)} events, and waiting until each can be read.")
        delivery = deliver(memory, entries, patience_seconds=patience)
    if at.json:
        print_json({"published": len(entries), **delivery.counts()})
    else:
        out().print(delivery.summary())
    for name, rejection in delivery.rejected.items():
        say(f"{name.ref} was rejected, {rejection.reason}: {rejection.detail}")
    if delivery.waiting:
        say(
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
    from lead_memory_client.show import leads_table

    organization_id = of.organization_id()
    leads = of.connect().resolve(
        lead, organization_id=organization_id, template=template, on_missing=on_missing, escape=escape
    )
    answer(of, {"leads": leads}, lambda: leads_table(leads, {}))
    return FAILED if any(each.text is None or each.status == "unavailable" for each in leads) else OK


@app.command
def plan(template: str, /, *, at: At = At()) -> int:
    """Check a template, and show what it reads.

    Args:
        template: For example 'Hi {{lead.name}}'; in single quotes, so that the shell leaves it alone.
    """
    from lead_memory_client.show import plan_table

    found = at.connect().plan(template)
    answer(at, found, lambda: plan_table(found))
    return OK


@app.command
def memories(*, lead: UUID, as_of: Time = None, of: Of = Of()) -> int:
    """Show what is remembered of a lead, and from which events.

    Args:
        lead: The lead's id.
        as_of: What was known at a time, for example 2026-02-03T14:05Z; in UTC, unless it has another zone.
    """
    from lead_memory_client.show import memories_text, now

    organization_id = of.organization_id()
    memory = of.connect()
    if of.json:
        print_json({"memories": memory.records(lead, organization_id, as_of=as_of)})
        return OK
    found = memory.memories(lead, organization_id, as_of=as_of)
    answer(of, found, lambda: memories_text(found, as_of or now()) if found else "Nothing is remembered.")
    return OK


@app.command
def events(*, lead: UUID, limit: Annotated[int, Parameter(validator=Number(gte=1))] = 50, of: Of = Of()) -> int:
    """Show a lead's last events, newest first.

    Args:
        lead: The lead's id.
        limit: How many at most.
    """
    from lead_memory_client.show import events_table

    organization_id = of.organization_id()
    found = of.connect().events(lead, organization_id, limit=limit)
    answer(of, {"events": found}, lambda: events_table(found) if found else "No event is recorded.")
    return OK


for _command in (tracing.explain, tracing.lineage, mending.queues, mending.redrive):
    app.command(_command)
app.command(conversation_commands.message, name="say")
app.command(conversation_commands.context)
app.command(recall_commands.recall)
app.command(reembed_command.reembed)
app.command(intelligence_commands.intelligence)
app.command(entity_commands.entities)
app.command(lifecycle_commands.lifecycle)
organization_commands.organization.command(recall_commands.weights)
for _group in (
    conversation_commands.thread,
    entity_commands.entity,
    export_command.export,
    memory_commands.memory,
    note_commands.note,
    organization_commands.organization,
    privacy_commands.erase,
    privacy_commands.keys,
    project_commands.project,
):
    app.command(_group)


@app.command
def rebuild(
    *,
    lead: UUID | None = None,
    every: Annotated[bool, Parameter(name="--all", negative="")] = False,
    derivation: str | None = None,
    check: Annotated[bool, Parameter(negative="")] = False,
    of: Of = Of(),
) -> int:
    """Make memories from their events again: of a lead, of an organization's leads, or of all leads.

    Args:
        lead: The lead's id; without it, all leads of --organization.
        every: The leads of every organization.
        derivation: Only the memories that this one makes, for example purchase.
        check: Change nothing; report every memory that differs from the fold of its events, and exit 1 if one does.
    """
    from lead_memory.domain.derivations import MODULES
    from lead_memory.domain.memories import Lead
    from lead_memory_client import rebuild_command
    from lead_memory_client.rebuild import Rebuilds

    if derivation is not None and derivation not in MODULES:
        raise UsageError(f"There is no derivation '{derivation}': it is one of {', '.join(MODULES)}.")
    check_whose(of, lead, every=every)
    rebuilds = Rebuilds(find_stage(of.stage, profile=None, region=None))
    if lead:
        one = Lead(str(of.organization_id()), str(lead))
        summary = rebuild_command.one(rebuilds, one, derivation=derivation, check=check)
    else:
        organization_ids = rebuilds.organizations() if every else [str(of.organization)]
        run = rebuild_command.check_all if check else rebuild_command.rebuild_all
        summary = run(rebuilds, organization_ids, derivation=derivation)
    answer(of, summary, summary.text)
    return OK if summary.whole else FAILED


@app.command
def demo(*, stay: Annotated[bool, Parameter(negative="")] = False) -> int:
    """Show the product on the local stack: from the webhooks in events/ to messages, an agent's context and answers.

    Args:
        stay: Leave the stack up; one that was up before stays up anyway.
    """
    from lead_memory_client.demo import run

    with _local_stack() as stack_module:
        run(stack_module, out(), steps, DEMO_ORGANIZATION, stay=stay)
    return OK


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0 done, 1 failed, 2 not understood. What people may expect to fail ends in a sentence."""
    try:
        code: int | None = app(arguments, exit_on_error=False, print_error=False, result_action="return_value")
        return code or OK
    except CycloptsError as error:
        command = " ".join((app.name[0], *(error.command_chain or ())))
        sentence = str(error).rstrip(" ,.")
        say(f"{sentence}{'' if sentence.endswith('?') else '.'} See `{command} --help`.")
        return USAGE
    except UsageError as error:
        say(str(error))
        return USAGE
    except RequestRefused as refusal:
        from lead_memory_client.show import refusal_lines

        say(refusal_lines(refusal))
        return FAILED
    except Rejected as rejected:
        say(f"{rejected.detail[0].upper()}{rejected.detail[1:]}.")
        return FAILED
    except LeadMemoryError as error:
        say(str(error))
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
