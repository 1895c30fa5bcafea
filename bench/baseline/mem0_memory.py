"""mem0 with so many memories of one user, in its default store or in PostgreSQL.

A stub embeds in the place of the model: vectors of the default model's size, at once. mem0's extras (spaCy, fastembed)
are not installed, so that no words are reduced and no sparse vectors made: its writes are the quicker for it.
"""

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4
from zlib import crc32

import psycopg
from psycopg.conninfo import make_conninfo

USER = "somebody"
DIMENSIONS = 1536
"""Of the model that mem0 asks unless told otherwise."""
_SEEDED_AT_ONCE = 1_000

_SEED = """
insert into mem0
select gen_random_uuid(), vector, jsonb_build_object('data', text, 'text_lemmatized', text, 'user_id', %(user)s::text)
from (select number, 'says number ' || number as text from generate_series(1, %(memories)s) as number) as memories
-- It names the row, or all rows would have one vector.
cross join lateral (select array_agg(random() - 0.5)::vector as vector
                    from generate_series(1, %(dimensions)s) where number > 0) as embedded
"""

type Write = Callable[[str], object]
"""Adds a memory of the user: the text as it is."""


@contextmanager
def embedded(directory: Path, memories: int) -> Iterator[Write]:
    """Qdrant within this process and SQLite, both in files: what mem0 takes unless told otherwise."""
    path = str(directory / f"qdrant-{memories}")
    memory = _opened(directory, "qdrant", {"path": path}, history=str(directory / f"history-{memories}.db"))
    try:
        _seed_embedded(memory, [f"says number {number}" for number in range(memories)])
        yield lambda text: memory.add(text, user_id=USER, infer=False)
    finally:
        memory.vector_store.client.close()
        memory.close()


def _seed_embedded(memory: Any, texts: list[str]) -> None:
    for start in range(0, len(texts), _SEEDED_AT_ONCE):
        some = texts[start : start + _SEEDED_AT_ONCE]
        payloads = [{"data": text, "text_lemmatized": text, "user_id": USER} for text in some]
        vectors = [memory.embedding_model.embed(text) for text in some]
        memory.vector_store.insert(vectors, payloads, [str(uuid4()) for _ in some])


@contextmanager
def on_postgres(directory: Path, url: str, port: int, memories: int) -> Iterator[Write]:
    """pgvector with an HNSW index: what mem0's own server runs on, in a database of its own.

    It is reached by the port on this machine, and seeded by `url`, which is quicker.
    """
    database = f"mem0_{memories}"
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(f"create database {database}")
        # mem0 waits for no disk here: neither does the store that it is compared with.
        server.execute(f"alter database {database} set synchronous_commit = off")
        server.execute(f"alter database {database} set maintenance_work_mem = '256MB'")
        way = make_conninfo(url, dbname=database, host="127.0.0.1", port=port, sslmode="disable")
        memory = _opened(directory, "pgvector", {"connection_string": way}, history=":memory:")
        try:
            memory.vector_store.create_col()
            with psycopg.connect(url, dbname=database, autocommit=True) as near:
                # An index of what is there is made in an eighth of the time that it takes row by row.
                near.execute("drop index mem0_hnsw_idx")
                near.execute(_SEED, {"user": USER, "memories": memories, "dimensions": DIMENSIONS})
                near.execute("create index mem0_hnsw_idx on mem0 using hnsw (vector vector_cosine_ops)")
                near.execute("analyze mem0")
            yield lambda text: memory.add(text, user_id=USER, infer=False)
        finally:
            memory.vector_store.connection_pool.close()
            memory.close()
            server.execute(f"drop database {database}")


def _opened(directory: Path, store: str, config: dict[str, Any], *, history: str) -> Any:
    # It reads these when it is imported: nothing is told to anybody, and nothing written elsewhere.
    os.environ.update(MEM0_TELEMETRY="False", MEM0_DIR=str(directory))
    logging.getLogger("mem0").setLevel(logging.ERROR)  # it warns of the extras
    from mem0 import Memory  # type: ignore[import-untyped]  # noqa: PLC0415

    unasked = {"provider": "openai", "config": {"api_key": "no model is asked"}}
    vector_store = {"provider": store, "config": {**config, "embedding_model_dims": DIMENSIONS}}
    memory = Memory.from_config(
        {"vector_store": vector_store, "embedder": unasked, "llm": unasked, "history_db_path": history}
    )
    memory.embedding_model = _Stub()
    return memory


class _Stub:
    def __init__(self) -> None:
        random = Random(1)  # noqa: S311 - no secret
        self._numbers = [random.uniform(-1, 1) for _ in range(20 * DIMENSIONS)]

    def embed(self, text: str, memory_action: str = "add") -> list[float]:  # noqa: ARG002 - mem0 gives it
        start = crc32(text.encode()) % (19 * DIMENSIONS)
        return self._numbers[start : start + DIMENSIONS]
