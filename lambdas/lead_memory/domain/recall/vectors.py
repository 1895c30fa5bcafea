"""Vectors of one byte a component, and how close they are."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from lead_memory.domain.recall.entry import Vector

type Floats = npt.NDArray[np.float32]

_LARGEST = 127


def quantized(vector: npt.NDArray[np.floating]) -> Vector:
    """Of a vector of length 1: its largest component becomes 127, symmetric and without an offset."""
    scale = float(np.abs(vector).max()) / _LARGEST or 1.0
    return Vector(np.rint(vector / scale).astype(np.int8).tobytes(), scale)


def matrix(vectors: Sequence[Vector]) -> Floats:
    """One row each, its bytes as they are; all have as many components."""
    return (
        np.frombuffer(b"".join([each.components for each in vectors]), np.int8).reshape(len(vectors), -1).astype("f4")
    )


def cosines(rows: Floats, scales: Floats, vector: Vector) -> Floats:
    """Of each row and the vector.

    Up to 1,024 components the sums are integers below 2 ** 24, which a float32 has exactly: a row's cosine is the same
    wherever it stands.
    """
    found: Floats = rows @ np.frombuffer(vector.components, np.int8).astype("f4") * scales * np.float32(vector.scale)
    return found
