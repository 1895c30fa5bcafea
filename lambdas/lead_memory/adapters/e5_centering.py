"""Vectors of multilingual-e5-small without what they all have in common.

They lie in a narrow cone, so that the cosine of any two is above 0.7, and what differs most among them is the language
and the form of a text rather than what it says. The mean is taken away, and the few directions of the largest variance:
Mu and Viswanath, All-but-the-Top, ICLR 2018. `bench.recall.centering` finds them, and `bench.recalling` says what it
is worth.
"""

from functools import cache
from pathlib import Path

import numpy as np

from lead_memory.domain.recall.vectors import Floats

FILE = Path(__file__).with_name("e5_centering.npy")


def passages(vectors: Floats) -> Floats:
    """Of the shape (texts, 384), and again of length 1."""
    return _apart(vectors - _fitted()[0])


def query(vector: Floats) -> Floats:
    row: Floats = _apart((vector - _fitted()[1]).reshape(1, -1))[0]
    return row


def _apart(centred: Floats) -> Floats:
    common = _fitted()[2:]
    rest = centred - centred @ common.T @ common
    lengths = np.linalg.norm(rest, axis=1, keepdims=True)
    return (rest / lengths).astype(np.float32)


@cache
def _fitted() -> Floats:
    fitted: Floats = np.load(FILE)
    return fitted
