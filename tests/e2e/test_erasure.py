"""Of what is erased nothing is left anywhere on the deployed stack, and nothing comes back."""

from lead_memory_client import LeadMemory
from lead_memory_client.stage import Resources, Stage
from tests.prove.erasure import erased_and_sought


async def test_canaries_of_what_was_erased_are_nowhere_though_all_is_delivered_again(
    resources: Resources, stage: Stage, memory: LeadMemory
) -> None:
    line = await erased_and_sought(stage, memory, leads=2, events=1)
    assert ": 0 found in" in line
