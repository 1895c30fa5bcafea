"""Who the traffic is of: organizations and their leads, drawn with Zipf's law."""

from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from bench.scale.load import Load, Skew

type Numbers = NDArray[np.int64]
type Reals = NDArray[np.float64]


def drawn(load: Load, skew: Skew, count: int, random: np.random.Generator) -> tuple[Numbers, Numbers]:
    """Organizations and leads, as numbers. An organization has as large a share of the leads as of the traffic."""
    weights = np.arange(1, load.organizations + 1, dtype=np.float64) ** -skew.organizations
    weights /= weights.sum()
    sizes = np.maximum(1, (weights * load.leads).astype(np.int64))
    starts = np.cumsum(sizes) - sizes
    organizations = random.choice(load.organizations, count, p=weights)
    return organizations, starts[organizations] + zipf(skew.leads, sizes[organizations], random) - 1


def zipf(exponent: float, most: Numbers, random: np.random.Generator) -> Numbers:
    """A rank for each element, from 1 to that element of `most`.

    Rejection-inversion: W. Hörmann and G. Derflinger, 1996, https://doi.org/10.1145/235025.235029
    """

    def area(x: Reals) -> Reals:
        return np.log(x) if exponent == 1 else x ** (1 - exponent) / (1 - exponent)

    def inverse(y: Reals) -> Reals:
        return np.exp(y) if exponent == 1 else (y * (1 - exponent)) ** (1 / (1 - exponent))

    ranks = np.zeros(len(most), np.int64)
    low, high = area(np.array([1.5])) - 1, area(most.astype(np.float64) + 0.5)
    left = np.arange(len(most))
    while len(left):
        place = random.uniform(low, high[left])
        rank = np.clip(np.rint(inverse(place)), 1, most[left]).astype(np.float64)
        taken = place >= area(rank + 0.5) - rank**-exponent
        ranks[left[taken]] = rank[taken].astype(np.int64)
        left = left[~taken]
    return ranks


def lead_id(number: int) -> str:
    return str(UUID(int=int(number)))


def organization_id(number: int) -> str:
    return str(UUID(int=int(number)))
