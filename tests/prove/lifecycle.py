"""The laws of how memories are kept, on many more lives than a test run tries."""

from hypothesis import HealthCheck, Phase, is_hypothesis_test, settings

from tests.prove.ground import Ground, hold
from tests.unit.lifecycle import test_lifecycle_laws

LIVES = 2_000


def prove_lifecycle(ground: Ground, lives: int = LIVES) -> str:
    laws = [each for each in vars(test_lifecycle_laws).values() if is_hypothesis_test(each)]
    hold(bool(laws), "there is no law to try")
    tried = settings(
        max_examples=lives,
        deadline=None,
        database=None,
        # What failed is printed as it was found; a test run with the long profile shrinks it.
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    for law in laws:
        ground.say(law.__name__)
        tried(law)()
    return f"lifecycle: {len(laws)} laws on {lives:,} lives each: transitions, times, refusals, purges and rebuilds"
