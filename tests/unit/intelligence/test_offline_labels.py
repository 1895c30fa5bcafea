"""How much of what people write down of a conversation the offline model finds, and how much else."""

from collections import Counter
from collections.abc import Iterable

import pytest

from lead_memory.domain.intelligence.answers import StatedEntity
from lead_memory.domain.intelligence.evidence import taken_facts
from lead_memory.domain.intelligence.offline.entities import entities
from lead_memory.domain.intelligence.offline.facts import facts
from lead_memory.domain.intelligence.records import taken_entities
from tests.unit.intelligence.conversations import conversation
from tests.unit.intelligence.offline_labels import DENYING, SMALL_TALK, TELLING, Labelled

PRECISION, RECALL = 0.95, 0.85


def found(labelled: Labelled) -> set[str]:
    lines = conversation(*labelled.said)
    of_lead, records = facts(lines), entities(lines)
    step = of_lead.next_step
    return {
        *(f"{each.field}: {each.value}" for each in of_lead.preferences),
        *(f"pain_points: {each.message}" for each in of_lead.pain_points),
        *(f"objections: {each.message} {'resolved' if each.resolved else 'raised'}" for each in of_lead.objections),
        *(f"products: {each.name}, {each.interest}" for each in of_lead.products),
        *([f"stage: {of_lead.stage.stage}"] if of_lead.stage else []),
        *([f"next_step: {', '.join(filter(None, [step.action, step.due_date]))}"] if step else []),
        *_records("account", records.accounts),
        *_records("contact", records.contacts),
        *_records("opportunity", records.opportunities),
        *_records("case", records.cases),
        *_records("task", records.tasks),
        *_records("lead", records.leads),
    }


def _records(kind: str, records: Iterable[StatedEntity]) -> Iterable[str]:
    for record in records:
        said = record.model_dump(exclude={"message", "quote"}, exclude_none=True)
        yield f"{kind}: {' '.join([said.pop('name', None) or said.pop('subject', ''), *said.values()]).strip()}"


def test_most_of_what_is_said_is_found_and_nearly_nothing_else() -> None:
    right, wrong, missed = Counter[str](), Counter[str](), Counter[str]()
    for labelled in [*TELLING, *DENYING, *SMALL_TALK]:
        said = found(labelled)
        for counted, labels in (
            (right, said & labelled.labels),
            (wrong, said - labelled.labels),
            (missed, labelled.labels - said),
        ):
            counted.update(label.partition(":")[0] for label in labels)
    for field in sorted(right | wrong | missed):
        print(
            f"{field:24} precision {right[field] / max(1, right[field] + wrong[field]):.2f} "
            f"recall {right[field] / max(1, right[field] + missed[field]):.2f} of {right[field] + missed[field]}"
        )
    assert right.total() / (right + wrong).total() >= PRECISION, wrong
    assert right.total() / (right + missed).total() >= RECALL, missed


@pytest.mark.parametrize("labelled", [*DENYING, *SMALL_TALK], ids=lambda labelled: labelled.said[0])
def test_small_talk_denials_and_orders_to_a_machine_state_nothing(labelled: Labelled) -> None:
    assert found(labelled) == labelled.labels


@pytest.mark.parametrize("labelled", TELLING, ids=lambda labelled: labelled.said[0])
def test_nothing_that_it_says_fails_the_check_of_quotes(labelled: Labelled) -> None:
    lines = conversation(*labelled.said)
    assert not taken_facts(facts(lines), lines).dropped
    assert not taken_entities(entities(lines), lines).dropped
