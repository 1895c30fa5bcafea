"""What an invocation of a function takes on the local stack: requests, capacity, time, and lines in the log."""

import json
import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from io import StringIO
from statistics import median
from types import MappingProxyType
from typing import Any

import msgspec

from bench.capacity import Consumed, metered
from bench.function import PROCESSOR_MIB, Handler, running
from bench.ground import Ground
from bench.measure import Spent, spent
from infra.assets import RECIPES, Architecture


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """Of one invocation."""

    architecture: Architecture
    memory_mib: int
    spent: Spent
    """Medians; over the wire."""
    requests: Mapping[str, float]
    """By DynamoDB's operation; these and what follows are means."""
    read_units: float
    write_units: float
    log_bytes: float
    metrics: frozenset[str]
    """Those in the log, with the function's name."""

    @property
    def billed_seconds(self) -> float:
        """An estimate: the processor's time as long as the function's share of one makes it, the rest as it was."""
        share = min(1, self.memory_mib / PROCESSOR_MIB)
        return self.spent.wall + self.spent.cpu * (1 / share - 1)


def work(
    ground: Ground,
    package: str,
    *,
    warm_up: Any,
    counted: Iterable[Any],
    timed: Iterable[Any],
    settings: Mapping[str, str] = MappingProxyType({}),
) -> Work:
    """Of invocations of one process after one that opens its connections and keys.

    What is counted is not timed: counting reads every item before and after it is written. What the iterables do to
    make the next call ready is neither. `settings` stand before those that are deployed.
    """
    with metered() as meter, _opened(ground, package, warm_up, settings) as (handler, printed, logged):
        consumed, number = Consumed(), 0
        for call in counted:
            meter.taken()
            _done(handler, call)
            consumed, number = consumed + meter.taken(), number + 1
        lines = [*logged.lines, *printed.getvalue().splitlines()]
    with ground.wire(), _opened(ground, package, warm_up, settings) as (handler, _, _):
        took = [spent(partial(_done, handler, call)) for call in timed]
    return Work(
        architecture=RECIPES[package].architecture,
        memory_mib=_deployed(ground, package)["MemorySize"],
        spent=Spent(median(each.cpu for each in took), median(each.wall for each in took)),
        requests={operation: count / number for operation, count in consumed.requests.items()},
        read_units=consumed.read_units / number,
        write_units=consumed.write_units / number,
        log_bytes=sum(len(line.encode()) + 1 for line in lines) / number,
        metrics=frozenset(_metrics(lines)),
    )


@contextmanager
def _opened(
    ground: Ground, package: str, warm_up: Any, settings: Mapping[str, str]
) -> Iterator[tuple[Handler, StringIO, "_Logged"]]:
    """The function, and what it prints and logs from now on."""
    printed, logged = StringIO(), _Logged()
    deployed = _deployed(ground, package)["Environment"]["Variables"]
    with running(package, {**deployed, **settings}, printed) as handler:
        _done(handler, warm_up)
        printed.seek(0)
        printed.truncate()
        logging.root.addHandler(logged)
        try:
            yield handler, printed, logged
        finally:
            logging.root.removeHandler(logged)


def _done(handler: Handler, call: Any) -> None:
    answer = handler(call)
    if answer.get("batchItemFailures") or answer.get("error"):
        raise RuntimeError(f"what is not done has no price: {answer}")


def _deployed(ground: Ground, package: str) -> Any:
    functions = ground.stage.client("lambda").list_functions()["Functions"]
    [function] = [each for each in functions if each["Handler"].startswith(f"{package}.")]
    return function


class _Logged(logging.Handler):
    """Lines as Lambda's runtime writes them in its JSON format."""

    _OWN = frozenset(vars(logging.makeLogRecord({})))

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        line = {
            "timestamp": "2026-01-01T00:00:00Z",
            "level": record.levelname,
            "message": record.getMessage(),
            "logger": record.name,
            "requestId": "00000000-0000-0000-0000-000000000000",
            **{name: value for name, value in vars(record).items() if name not in self._OWN},
        }
        self.lines.append(json.dumps(line, default=str))


def _metrics(lines: Iterable[str]) -> Iterator[str]:
    for line in map(json.loads, lines):
        for declared in line.get("_aws", {}).get("CloudWatchMetrics", []):
            yield from (f"{line['function']}.{metric['Name']}" for metric in declared["Metrics"])
