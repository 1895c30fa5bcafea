"""An agent's context for people, and what each layer took of the budget."""

from rich.bar import Bar
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from lead_memory.domain.conversation.layers import Layer, LayerReport, Why
from lead_memory_client.answers import AgentContext
from lead_memory_client.show import printable

LAYERS = {
    Layer.RECENT: "recent",
    Layer.SUMMARY: "summary",
    Layer.NOTES: "notes",
    Layer.PROFILE: "profile",
    Layer.REACTIVATION: "reactivation",
}
WORDS = {
    Why.NOT_ASKED_FOR: "not asked for",
    Why.COHORT: "left out for the lead's cohort",
    Why.NOTHING_KNOWN: "nothing is known",
    Why.NOT_RETURNING: "no return from a long silence",
    Why.NO_ROOM: "no room was left for it",
    Why.UNAVAILABLE: "could not be read this time",
    Why.SHORTENED: "shortened",
}
TROUBLES = {Why.NO_ROOM, Why.UNAVAILABLE, Why.SHORTENED}
BAR_CELLS = 24


def context_text(context: AgentContext) -> RenderableType:
    """Whole, and under it the layers and what they come to."""
    messages = [f"{message.role}:\n{message.content}" for message in context.messages]
    said = context.text or "\n\n".join(messages)
    shown = Text(printable(said) or "The context is empty.")
    return Group(shown, "", layers_table(context), Text(_total(context), "dim"))


def layers_table(context: AgentContext) -> Table:
    """A bar for each layer: its tokens of the budget."""
    table = Table.grid(padding=(0, 1))
    for layer, name in LAYERS.items():
        report = context.layers[layer]
        bar = Bar(context.max_tokens, 0, report.tokens, width=BAR_CELLS)
        table.add_row(f"{layer} {name}", bar, Text(f"{report.tokens:,}", justify="right"), _why(report))
    return table


def _why(report: LayerReport) -> Text:
    return Text(WORDS[report.why], "yellow" if report.why in TROUBLES else "dim") if report.why else Text()


def _total(context: AgentContext) -> str:
    parts = [
        f"{context.total_tokens:,} of {context.max_tokens:,} tokens",
        f"cohort {context.cohort}",
        f"{context.requests} {'request' if context.requests == 1 else 'requests'}",
        f"{context.milliseconds:.0f} ms",
    ]
    if context.reactivation_days is not None:
        parts.append(f"after a silence of {context.reactivation_days} days")
    if context.joined_threads:
        parts.append(f"joined with {printable(', '.join(context.joined_threads))}")
    return ", ".join(parts)
