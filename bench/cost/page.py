"""docs/cost.md, from what was measured and the inputs."""

from collections.abc import Sequence
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench import pages
from bench.cost import costs, experiment, indexing, usage
from bench.cost.costs import Part
from bench.cost.experiment import Measured
from bench.cost.priced import Assumptions, Prices, bill, dollars, provisioned
from bench.function import PROCESSOR_MIB
from bench.ground import WIRE_MILLISECONDS
from infra.stages import Stage
from lead_memory.domain.conversation.settings import ConversationSettings


def page(measured: Measured, stage: Stage, assumed: Assumptions, prices: Prices) -> str:
    return pages.write(
        Path(__file__).with_name("page.md.jinja"),
        {"dollars": _dollars, "number": pages.number, "share": "{:.0%}".format, "exactly": _exactly},
        measured=measured,
        stage=stage,
        assumed=assumed,
        prices=prices,
        provisioned=provisioned(prices, assumed.provisioned_utilization),
        costs=costs.costs(measured, stage, assumed),
        levers=costs.levers(measured, stage, assumed, prices),
        stored={
            name: (rows, costs.stored(measured, rows, assumed))
            for name, rows in (
                ("events", measured.event_rows),
                ("memories", measured.memory_rows),
                ("entries of memories, for recalls", measured.indexing.entries),
            )
        },
        several=experiment.SEVERAL,
        variables=experiment.VARIABLES,
        answered=indexing.ANSWERED,
        uses_together=indexing.CALLS,
        wire_milliseconds=WIRE_MILLISECONDS,
        full_cpu_mib=PROCESSOR_MIB,
        key_seconds=usage.KEY_SECONDS,
        queue_batch=usage.QUEUE_BATCH,
        month_days=usage.MONTH_DAYS,
        conversation=ConversationSettings(),
        genai_prices=version("genai-prices"),
        bill=bill,
        cost=dollars,
        rows=_rows,
    )


def _rows(parts: Sequence[Part], prices: Prices) -> list[dict[str, Any]]:
    """By price, what each part costs; the dearest in the first part first."""
    billed = [{line.price.name: line for line in bill(part.usage, prices)} for part in parts]
    names = dict.fromkeys(name for lines in billed for name in lines)
    return [{"price": prices[name], "lines": [lines.get(name) for lines in billed]} for name in names]


def _dollars(amount: float) -> str:
    if amount >= 1_000:
        return f"${amount:,.0f}"
    if amount >= 0.1:
        return f"${amount:.2f}"
    return f"${amount:.3f}" if amount >= 0.001 else "under $0.001"


def _exactly(amount: float) -> str:
    return f"${amount:.2f}" if round(amount, 2) == amount else f"${Decimal(str(amount)):f}"
