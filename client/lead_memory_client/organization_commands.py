"""The commands for what an organization chooses."""

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Annotated

import msgspec
from cyclopts import App, Parameter, Token

from lead_memory.domain.conversation.settings import Cohort, CohortShares, ConversationSettings, CrossChannel
from lead_memory_client.terminal import OK, Of, answer, say

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

_MICROS = 1_000_000
_MOST = 1_000_000


def _dollars(_: type, tokens: Sequence[Token]) -> Decimal:
    try:
        amount = Decimal(tokens[0].value)
        if 0 <= amount <= _MOST and amount == round(amount, 2):
            return amount
    except InvalidOperation:
        pass
    raise ValueError(f"that is no amount of dollars and cents from 0 to {_MOST:,}, such as 2.50")


type Dollars = Annotated[Decimal | None, Parameter(converter=_dollars, accepts_keys=False)]

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
    micros = None if daily_budget is None else round(daily_budget * _MICROS)
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


def _table(settings: ConversationSettings) -> "Table":
    from lead_memory_client.show import new_table

    table = new_table("setting", "")
    table.add_row("cross_channel", f"{settings.cross_channel}: {MEANS[settings.cross_channel]}")
    shares = msgspec.structs.asdict(settings.cohorts)
    table.add_row("cohorts", ", ".join(f"{cohort} {share}%" for cohort, share in shares.items()))
    table.add_row("daily_budget", f"${settings.daily_budget_micros / _MICROS:,.2f} for models, a day in UTC")
    return table
