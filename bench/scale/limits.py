"""Each part's first limit: what the load needs of it, what there is, and what answers it."""

from collections.abc import Iterator
from math import ceil, log2

from bench.scale import quotas
from bench.scale.check import Check, Rates, Settings
from bench.scale.load import ANSWERED, INDEXED, MESSAGES, Load, Speed
from lead_memory.adapters import keys


def updaters_needed(load: Load, speed: Speed) -> int:
    return ceil(load.events_a_second / (speed.events_a_processor_second * speed.processors))


def resolvers_needed(load: Load, speed: Speed) -> int:
    return ceil(load.resolves_a_second / (speed.leads_a_processor_second * speed.processors))


def extractors_needed(load: Load, speed: Speed, settings: Settings) -> int:
    """Those that look at messages, and those that wait for models."""
    waiting = ANSWERED * speed.model_seconds / settings.messages_at_once
    return ceil(load.events_a_second * MESSAGES * (speed.message_seconds + waiting))


def embedders_needed(load: Load, speed: Speed) -> int:
    return ceil(load.events_a_second * INDEXED * speed.embedded_seconds)


def recalls_at_once(load: Load, speed: Speed) -> int:
    return ceil(load.recalls_a_second * speed.recall_seconds)


def announced_a_second(speed: Speed, settings: Settings) -> float:
    """By a run of the cleanup."""
    return speed.ended_a_processor_second * settings.cleanup_processors


def commits_a_second(speed: Speed) -> float:
    """Of one memory: each reads what the one before it wrote."""
    return 1 / speed.commit_seconds


def batch_of_hot_lead(load: Load, speed: Speed) -> int:
    """With as many events in a batch there are no more batches than commits that a lead takes, however hot it is."""
    return ceil(load.events_a_second / commits_a_second(speed))


def checks(load: Load, speed: Speed, settings: Settings, rates: Rates) -> list[Check]:
    return [
        *_on_the_way(load, speed, settings),
        *_of_functions(load, speed, settings),
        *_of_the_table(load, rates),
        *_of_the_clock(speed, settings, rates),
        *_beside_the_table(load, speed, settings),
    ]


def _on_the_way(load: Load, speed: Speed, settings: Settings) -> Iterator[Check]:
    events, a_call = load.events_a_second, settings.entries_a_call
    of_the_cleanup = announced_a_second(speed, settings) / a_call
    messages = events * MESSAGES
    of_the_extractor = messages * ANSWERED
    yield Check(
        "bus, calls of PutEvents",
        events / a_call + of_the_cleanup + of_the_extractor,
        quotas.BUS_CALLS,
        "calls/s",
        f"{events:,} events, {a_call} in a call, {of_the_cleanup:.0f} calls of the cleanup in a backlog, and "
        f"{of_the_extractor:,.0f} of the extractor; one event in a call would be {events:,}",
        "the client publishes ten at a time; integrations must too. The quota is that of Virginia, Oregon and Ireland",
        quotas.BUS_PAGE,
    )
    yield Check(
        "bus, deliveries to the queues",
        events * (1 + INDEXED) + messages,
        quotas.BUS_DELIVERIES,
        "events/s",
        f"a delivery an event, of {INDEXED:.0%} another to the vectors' queue, and of {MESSAGES:.0%} one to the "
        "extractor's",
        "ask for a higher quota; most regions begin with 750 to 4,500. Above it the bus delivers later",
        quotas.BUS_PAGE,
    )
    in_flight = updaters_needed(load, speed) * settings.batch
    yield Check(
        "queue, messages in flight",
        in_flight,
        quotas.IN_FLIGHT,
        "messages",
        f"{updaters_needed(load, speed)} updaters with {settings.batch} each",
        "nothing to set",
        quotas.QUEUE_PAGE,
    )
    hidden = settings.hidden_seconds
    yield Check(
        "queue, messages given back",
        load.given_back * events,
        quotas.IN_FLIGHT / hidden,
        "messages/s",
        f"if {load.given_back:.0%} are given back: each stays in flight for the visibility timeout, "
        f"{quotas.IN_FLIGHT:,} / {hidden:.0f} s",
        "**missing**: the updater does not shorten the timeout of what it gives back (ChangeMessageVisibility). "
        "When the queue has that many in flight it delivers nothing more, to nobody",
        quotas.QUEUE_PAGE,
    )


def _of_functions(load: Load, speed: Speed, settings: Settings) -> Iterator[Check]:
    updaters, resolvers = updaters_needed(load, speed), resolvers_needed(load, speed)
    recallers = recalls_at_once(load, speed)
    yield from _of_the_extractor(load, speed, settings)
    yield from _of_recalls(load, speed, settings)
    yield Check(
        "updaters",
        updaters,
        settings.updaters,
        "at once",
        f"{load.events_a_second:,} events/s / ({speed.events_a_processor_second:g} a processor-second and "
        f"{speed.processors:.2f} processors)",
        "raise `max_concurrency` of the stage, in `infra/stages.py`",
    )
    minutes = (updaters - quotas.POLLED_AT_FIRST) / quotas.POLLED_MORE_A_MINUTE
    yield Check(
        "queue's poller",
        updaters,
        quotas.POLLED,
        "at once",
        f"it begins with {quotas.POLLED_AT_FIRST} and adds {quotas.POLLED_MORE_A_MINUTE} a minute: there after "
        f"{60 * minutes:.0f} s",
        "nothing to set; beyond, the poller's provisioned mode",
        quotas.POLLING_PAGE,
    )
    yield Check(
        "functions of the account",
        max(updaters, settings.updaters) + resolvers + settings.extractors + recallers + settings.embedders,
        quotas.CONCURRENCY,
        "at once",
        f"as many updaters, extractors and embedders as the stage lets run, {settings.updaters}, "
        f"{settings.extractors} and {settings.embedders}, {resolvers} resolvers and {recallers} that recall",
        "ask for a higher quota before other functions of the account need theirs; none of ours has a reserved share",
        quotas.FUNCTIONS_PAGE,
    )
    calls = load.resolves_a_second / load.leads_a_call
    yield Check(
        "resolver, calls",
        calls,
        quotas.CONCURRENCY * quotas.CALLS_A_CONCURRENCY,
        "calls/s",
        f"{load.leads_a_call} leads a call; one lead a call would be {load.resolves_a_second:,}, "
        f"which takes a concurrency of {load.resolves_a_second // quotas.CALLS_A_CONCURRENCY:,}",
        "`leads` of the request takes up to 500",
        quotas.SCALING_PAGE,
    )
    yield Check(
        "resolver, answer",
        load.leads_a_call * speed.answer_bytes,
        settings.answer_bytes,
        "bytes",
        f"{load.leads_a_call} leads of {speed.answer_bytes:,} bytes; Lambda lets {quotas.PAYLOAD_BYTES:,} through",
        "`answer_too_large` says how many leads fit",
        quotas.FUNCTIONS_PAGE,
    )
    yield Check(
        "updater, batch",
        settings.batch * speed.event_bytes,
        quotas.PAYLOAD_BYTES,
        "bytes",
        f"{settings.batch} messages of {speed.event_bytes:,} bytes",
        "the poller sends fewer messages where they are larger",
        quotas.FUNCTIONS_PAGE,
    )


def _of_the_extractor(load: Load, speed: Speed, settings: Settings) -> Iterator[Check]:
    messages = load.events_a_second * MESSAGES
    yield Check(
        "extractors",
        extractors_needed(load, speed, settings),
        settings.extractors,
        "at once",
        f"{messages:,.0f} messages/s by {speed.message_seconds} s, and by {speed.model_seconds:g} s where a model is "
        f"asked, {ANSWERED:.0%}, {settings.messages_at_once} threads at once",
        "nothing is lost: messages wait in the queue, and those of a thread that are looked at together cause one "
        "call. Raise `extractors` of the stage as far as the model's provider and the account allow",
    )
    yield Check(
        "extractor's queue, messages in flight",
        settings.extractors * settings.messages_at_once,
        quotas.IN_FLIGHT,
        "messages",
        f"{settings.extractors} extractors with {settings.messages_at_once} each; the others wait to be received",
        "nothing to set",
        quotas.QUEUE_PAGE,
    )


def _of_recalls(load: Load, speed: Speed, settings: Settings) -> Iterator[Check]:
    events = load.events_a_second * INDEXED
    yield Check(
        "embedders",
        embedders_needed(load, speed),
        settings.embedders,
        "at once",
        f"{events:,.0f} events/s by {speed.embedded_seconds:g} s of a whole processor, each looked at by itself; those "
        "of a lead that come within the queue's delay are looked at once",
        "nothing is lost: what waits is not recalled yet, or by its older text. Raise `embedders` of the stage, or its "
        "`vectors_delay_seconds`; with Bedrock as `embedder` the function waits instead of computing",
    )
    yield Check(
        "vectors' queue, messages in flight",
        settings.embedders * settings.batch,
        quotas.IN_FLIGHT,
        "messages",
        f"{settings.embedders} embedders with {settings.batch} each; the others wait to be received",
        "nothing to set",
        quotas.QUEUE_PAGE,
    )
    yield Check(
        "recall, a lead's entries",
        load.memories_a_lead * speed.entry_bytes,
        quotas.QUERY_BYTES,
        "bytes",
        f"{load.memories_a_lead} memories of {speed.entry_bytes} bytes; a Query gives as much in one answer, so from "
        f"{quotas.QUERY_BYTES // speed.entry_bytes:,} memories on there is another request",
        "what is old moves to `cold`, which is not read",
        quotas.QUERY_PAGE,
    )


def _of_the_table(load: Load, rates: Rates) -> Iterator[Check]:
    for name, units in (
        ("table, writes", rates.table_writes),
        ("index, writes", rates.index_writes),
        ("table, reads", rates.reads),
    ):
        yield Check(
            name,
            units,
            quotas.TABLE_UNITS,
            "units/s",
            "simulated, below",
            "ask for a higher quota for the table (and each index has its own); no code changes",
            quotas.TABLE_PAGE,
        )
    doublings = ceil(log2(rates.table_writes / quotas.NEW_TABLE_WRITES))
    yield Check(
        "new table, first writes",
        rates.table_writes,
        quotas.NEW_TABLE_WRITES,
        "units/s",
        f"on demand, a table takes twice its last peak within half an hour: {doublings} doublings, {doublings / 2:g} h",
        "**missing**: `warm_throughput` in `infra/storage.py`, or a load that grows over some hours",
        quotas.WARM_PAGE,
    )
    for name, units, limit in (
        ("hottest partition of the table, writes", rates.hottest_table_partition, quotas.WRITES_A_PARTITION),
        ("hottest partition of the table, reads", rates.hottest_reads_partition, quotas.READS_A_PARTITION),
        ("hottest partition of the index, writes", rates.hottest_index_partition, quotas.WRITES_A_PARTITION),
    ):
        yield Check(
            name,
            units,
            limit,
            "units/s",
            "simulated with the usual skew, below",
            "the lead is the key",
            quotas.PARTITION_PAGE,
        )
    shards = keys.REGISTRY_SHARDS
    yield Check(
        "registry, while one organization imports leads",
        load.events_a_second / shards,
        quotas.WRITES_A_PARTITION,
        "units/s",
        f"if every event is a new lead of one organization: over `REGISTRY_SHARDS` = {shards}",
        "the index splits a shard by itself, since lead ids are random in it; until then events wait in the queue",
        quotas.PARTITION_PAGE,
    )


def _of_the_clock(speed: Speed, settings: Settings, rates: Rates) -> Iterator[Check]:
    yield Check(
        "due dates, hottest shard",
        rates.hottest_due_shard,
        quotas.WRITES_A_PARTITION,
        "units/s",
        f"simulated, over `DUE_SHARDS` = {keys.DUE_SHARDS}",
        "more `DUE_SHARDS` before memories of every kind end by themselves; see below",
        quotas.PARTITION_PAGE,
    )
    yield Check(
        "cleanup, memories that end",
        rates.ended_a_second,
        announced_a_second(speed, settings) * settings.cleanup_seconds / settings.cleanup_every_seconds,
        "memories/s",
        f"{speed.ended_a_processor_second:,.0f} a processor-second and {settings.cleanup_processors:.2f} processors, "
        f"for {settings.cleanup_seconds:.0f} s of every {settings.cleanup_every_seconds:.0f} s",
        "raise `CLEANUP_MIB` in `infra/functions.py`. All shards take turns, so in a backlog each is as late as the "
        "others, and readers are right meanwhile",
    )


def _beside_the_table(load: Load, speed: Speed, settings: Settings) -> Iterator[Check]:
    processes = updaters_needed(load, speed) + resolvers_needed(load, speed) + recalls_at_once(load, speed)
    processes += settings.extractors + settings.embedders
    yield Check(
        "KMS, requests",
        processes * load.organizations / settings.keyring_seconds,
        quotas.KMS_REQUESTS,
        "requests/s",
        f"{processes} processes by {load.organizations:,} organizations / {settings.keyring_seconds:.0f} s, if each "
        "meets all of them; as often again for each further version of a key",
        "keyrings are kept for five minutes (`CACHE_SECONDS`). The quota is that of most regions, for the account",
        quotas.KEYS_PAGE,
    )
    yield Check(
        "keyrings in a process",
        load.organizations,
        settings.keyrings,
        "organizations",
        "what is asked for least makes room for the next",
        "raise `KEPT` in `adapters/keyrings.py`, before there are more organizations",
    )
    yield Check(
        "profiles, answer of the Data API",
        load.leads_a_call * speed.profile_bytes,
        quotas.DATA_API_ANSWER_BYTES,
        "bytes",
        f"{load.leads_a_call} leads of {speed.profile_bytes} bytes; {load.resolves_a_second // load.leads_a_call:,} "
        "statements/s, which have no limit on Aurora Serverless v2 and provisioned",
        "fewer leads a call where profiles are larger. Every statement runs on the cluster's writer, so size that one",
        quotas.DATA_API_PAGE,
    )
