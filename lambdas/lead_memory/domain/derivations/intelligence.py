"""What models were asked: of each thread how far it is, and of the lead what it came to."""

from collections.abc import Iterable

from lead_memory.domain.conversation import names, threads
from lead_memory.domain.events import Event
from lead_memory.domain.intelligence import ledger
from lead_memory.domain.memories import Change, Derivation, MemoryKey, Reducer, Source, Value
from lead_memory.domain.payloads.intelligence import IntelligenceEvaluated, ThreadExtractionRequested
from lead_memory.domain.times import iso


def evaluated(event: Event, said: IntelligenceEvaluated) -> Iterable[Change]:
    news = said.model_dump(mode="json", exclude_none=True) | {"at": iso(event.occurred_at)}
    yield _change(names.INTELLIGENCE, news, ledger.entered)
    if said.thread_id:
        yield _change(names.thread(said.thread_id), news, threads.evaluated)


def extraction_requested(_: Event, said: ThreadExtractionRequested) -> Iterable[Change]:
    """It says nothing of the thread; the extractor answers it."""
    yield _change(names.thread(said.thread_id), {"thread_id": said.thread_id}, threads.spoken_of)


def _change(name: MemoryKey, said: Value, reduce: Reducer) -> Change:
    return Change(
        memory_type=name.memory_type,
        key=name.key,
        said=said,
        reduce=reduce,
        aggregates=True,
        source=Source.SYSTEM_COMPUTED,
    )


DERIVATIONS: dict[str, Derivation] = {
    "intelligence.evaluated": evaluated,
    "thread.extraction_requested": extraction_requested,
}
