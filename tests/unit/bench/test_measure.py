import time
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.measure import CALLS, Figure, Goal, alternate, figure, p50s, spent
from bench.report import as_json, as_line

amounts = st.floats(0.001, 1_000)


@given(st.lists(st.tuples(amounts, amounts), min_size=1, max_size=30))
def test_a_ratio_is_the_median_of_the_rounds_between_its_quartiles(pairs: list[tuple[float, float]]) -> None:
    measured = figure("it", "ms", pairs)
    ratios = [ours / baseline for ours, baseline in pairs]
    assert measured.ratio == median(ratios)
    ordered = [min(ratios), measured.low, measured.ratio, measured.high, max(ratios)]
    assert ordered == pytest.approx(sorted(ordered))
    assert measured.rounds == len(pairs)


@given(amounts, amounts, st.integers(1, 30))
def test_rounds_that_are_all_alike_have_no_spread(ours: float, baseline: float, rounds: int) -> None:
    measured = figure("it", "ms", [(ours, baseline)] * rounds)
    assert [measured.low, measured.high] == pytest.approx([ours / baseline] * 2)


def test_a_noisy_round_does_not_move_a_ratio() -> None:
    quiet = [(1.0, 2.0)] * 4
    assert figure("it", "ms", [*quiet, (100.0, 2.0)]).ratio == 0.5


@pytest.mark.parametrize(
    ("goal", "ratio", "met"),
    [
        (Goal(0.3), 0.3, True),
        (Goal(0.3), 0.31, False),
        (Goal(10, at_most=False), 10.0, True),
        (Goal(10, at_most=False), 9.9, False),
        (None, 99.0, True),
    ],
)
def test_a_goal_is_met_at_its_bound_and_not_beyond(goal: Goal | None, ratio: float, met: bool) -> None:
    assert figure("it", "ms", [(ratio, 1.0)], goal).met is met


def test_both_sides_take_turns_and_who_begins_changes() -> None:
    done: list[str] = []
    pairs = alternate(lambda: done.append("ours"), lambda: done.append("baseline"), 3, warm_up=1)
    assert done == ["ours", "baseline", "ours", "baseline", "baseline", "ours", "ours", "baseline"]
    assert len(pairs) == 3


def test_a_pair_says_whose_time_is_whose_whoever_began() -> None:
    def work() -> None:
        started = time.process_time()
        while time.process_time() - started < 0.02:
            pass

    for ours, baseline in alternate(work, lambda: None, 2, warm_up=0):
        assert ours.cpu >= 0.02 > baseline.cpu


def test_the_calls_of_a_round_take_turns_and_a_slow_one_moves_no_median() -> None:
    done: list[str] = []

    def ours() -> None:
        done.append("ours")
        time.sleep(0.05 if len(done) == 2 * CALLS + 1 else 0)

    [(own, _)] = p50s(ours, lambda: done.append("baseline"), 2)
    assert own < 50
    assert done[:4] == ["ours", "baseline", "baseline", "ours"]
    assert len(done) == 2 * 2 * CALLS


def test_what_waits_takes_time_and_no_cpu() -> None:
    waited = spent(lambda: time.sleep(0.05))
    assert waited.wall >= 0.05
    assert waited.cpu < waited.wall


HELD = Figure("resolve", "ms", 1.5, 6.0, 0.25, 0.2, 0.3125, 15, Goal(0.3), "sealed")


def test_a_line_says_the_ratio_its_spread_the_goal_and_both_sides() -> None:
    assert as_line(HELD) == ("resolve: 0.250 (0.200 to 0.312), goal ≤ 0.3: met; 1.5 and 6 ms, 15 rounds; sealed")
    assert "goal ≤ 0.3: NOT MET" in as_line(HELD._replace(ratio=0.4))
    assert "goal" not in as_line(HELD._replace(goal=None))


def test_a_program_reads_the_same_ratio() -> None:
    assert as_json([HELD, HELD._replace(name="beside", goal=None)]) == {
        "resolve": {"ratio": 0.25, "low": 0.2, "high": 0.3125, "goal": "≤ 0.3", "met": True},
        "beside": {"ratio": 0.25, "low": 0.2, "high": 0.3125, "goal": None, "met": True},
    }
