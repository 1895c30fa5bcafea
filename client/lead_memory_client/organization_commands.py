"""The commands for what an organization chooses."""

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Annotated

import msgspec
from cyclopts import App, Parameter, Token
from cyclopts.validators import Number

from lead_memory.domain.conversation.settings import Cohort, CohortShares, ConversationSettings, CrossChannel
from lead_memory.domain.memories import IN_TEMPLATES, MemoryType
from lead_memory.domain.memory_settings import MemorySettings
from lead_memory.domain.retention import NO_POLICY, Policy
from lead_memory_client.stage import LOCAL
from lead_memory_client.terminal import MICROS, OK, Of, UsageError, answer, say

if TYPE_CHECKING:
    from rich.table import Table

MEANS = {
    CrossChannel.LINK: "a message on another channel stands in a thread of its own, with the same profile and notes",
    CrossChannel.JOIN: "a lead's open threads are one conversation",
}


def _shares(_: type, tokens: Sequence[Token]) -> CohortShares:
    parts = [part.partition("=") for part in tokens[0].value.split(",")]
    shares = {name: int(share) for name, _, share in parts if name in set(Cohort) and share.isdecimal()}
    if len(shares) < len(parts):
        raise ValueError("that is no split such as full=80,no_notes=10,single_summary=10")
    return CohortShares(**shares)


type Shares = Annotated[CohortShares | None, Parameter(converter=_shares, accepts_keys=False)]

_MOST = 1_000_000
DAYS_MOST = 36_500
"""As a policy takes them."""


def _dollars(_: type, tokens: Sequence[Token]) -> Decimal:
    try:
        amount = Decimal(tokens[0].value)
        if 0 <= amount <= _MOST and amount == round(amount, 2):
            return amount
    except InvalidOperation:
        pass
    raise ValueError(f"that is no amount of dollars and cents from 0 to {_MOST:,}, such as 2.50")


type Dollars = Annotated[Decimal | None, Parameter(converter=_dollars, accepts_keys=False)]

type Days = Annotated[int | None, Parameter(validator=Number(gte=1, lte=DAYS_MOST))]

organization = App(name="organization", help="See and change what an organization chose.")


@organization.command
def conversations(
    *, cross_channel: CrossChannel | None = None, cohorts: Shares = None, daily_budget: Dollars = None, of: Of = Of()
) -> int:
    """Show how an organization's conversations are handled, or change what is given.

    Args:
        cross_channel: link gives a message on another channel a thread of its own; join makes open threads one.
        cohorts: Percent of the leads by what their contexts hold, for example full=80,no_notes=10,single_summary=10.
        daily_budget: US dollars that models may cost in a day, for example 2.50; what is over waits, or is left out.
    """
    organization_id = of.organization_id()
    memory = of.connect()
    micros = None if daily_budget is None else round(daily_budget * MICROS)
    options = {"cross_channel": cross_channel, "cohorts": cohorts, "daily_budget_micros": micros}
    chosen = {name: choice for name, choice in options.items() if choice is not None}
    # Where all is chosen nothing is read, so that what cannot be read is mended.
    whole = len(chosen) == len(options)
    before = ConversationSettings() if whole else memory.conversation_settings(organization_id)
    settings = msgspec.structs.replace(before, **chosen)
    if chosen:
        memory.configure_conversations(organization_id, settings)
        say("Within a minute it is followed.")
    answer(of, settings, lambda: _table(settings))
    return OK


@organization.command
def retention(
    memory_type: MemoryType | None = None,
    /,
    *,
    archive_after: Days = None,
    delete_after: Days = None,
    purge_after: Days = None,
    warm_after: Days = None,
    cold_after: Days = None,
    for_ever: Annotated[bool, Parameter(negative="")] = False,
    of: Of = Of(),
) -> int:
    """Show how long an organization keeps its memories, or change it for one type. All are kept for ever unless said.

    Args:
        memory_type: For example fact; without it, all types are shown.
        archive_after: Days after the last change after which a memory is read-only.
        delete_after: Days after the last change after which it is deleted, and can be restored.
        purge_after: Days after the deletion after which it is queued for the purge, which comes a week later.
        warm_after: Days without a change and without use after which contexts leave it out.
        cold_after: Days without a change and without use after which it is recalled on request alone.
        for_ever: Forget what was chosen for the type before; with other options, these are all that is chosen.
    """
    organization_id = of.organization_id()
    options = {
        "archive_after_days": archive_after,
        "delete_after_days": delete_after,
        "purge_after_days": purge_after,
        "warm_after_days": warm_after,
        "cold_after_days": cold_after,
    }
    chosen = {name: days for name, days in options.items() if days is not None}
    memory = of.connect()
    settings = memory.memory_settings(organization_id)
    if chosen or for_ever:
        settings = _with_policy(settings, memory_type, chosen, for_ever=for_ever)
        memory.configure_memories(organization_id, settings)
        say(
            "Within a minute it is followed. Then give what is stored its dates: "
            f"lead-memory rebuild --organization {organization_id}"
            + (f" --stage {of.stage}" if of.stage != LOCAL else "")
        )
    shown: dict[MemoryType, Policy] = {
        each: settings.policy(each) for each in IN_TEMPLATES if memory_type in (None, each)
    }
    answer(of, {"policies": shown}, lambda: _policies(shown))
    return OK


def _with_policy(
    settings: MemorySettings, memory_type: MemoryType | None, chosen: Mapping[str, int], *, for_ever: bool
) -> MemorySettings:
    """Raises `UsageError` for a policy that nobody can keep."""
    if memory_type is None:
        raise UsageError("Name the type whose memories are kept so, for example: organization retention fact")
    if memory_type not in IN_TEMPLATES:
        raise UsageError(f"A {memory_type} is not kept by a policy: it has an end of its own.")
    before = NO_POLICY if for_ever else settings.policy(memory_type)
    try:
        policy = msgspec.structs.replace(before, **chosen)
    except ValueError as error:
        raise UsageError(f"These days are not in order, because {error}.") from error
    others = {each: kept for each, kept in settings.policies.items() if each is not memory_type}
    return msgspec.structs.replace(settings, policies=others | ({} if policy == NO_POLICY else {memory_type: policy}))


def _policies(shown: Mapping[MemoryType, Policy]) -> "Table":
    from lead_memory_client.show import new_table

    table = new_table("type", "its memories are")
    for memory_type, policy in shown.items():
        says = [
            f"{what} after {days} days{since}"
            for what, days, since in (
                ("archived", policy.archive_after_days, " without a change"),
                ("deleted", policy.delete_after_days, " without a change"),
                ("queued for the purge", policy.purge_after_days, " more"),
                ("warm", policy.warm_after_days, " without use"),
                ("cold", policy.cold_after_days, " without use"),
            )
            if days is not None
        ]
        table.add_row(memory_type, ", ".join(says) or "kept for ever")
    return table


def _table(settings: ConversationSettings) -> "Table":
    from lead_memory_client.show import new_table

    table = new_table("setting", "")
    table.add_row("cross_channel", f"{settings.cross_channel}: {MEANS[settings.cross_channel]}")
    shares = msgspec.structs.asdict(settings.cohorts)
    table.add_row("cohorts", ", ".join(f"{cohort} {share}%" for cohort, share in shares.items()))
    table.add_row("daily_budget", f"${settings.daily_budget_micros / MICROS:,.2f} for models, a day in UTC")
    return table
