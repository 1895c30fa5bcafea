"""Errors, named for what the caller must do."""

from collections.abc import Iterable


class LeadMemoryError(Exception):
    """Anything this product raises on purpose."""


class Rejected(LeadMemoryError):
    """The event can never succeed; send it to the rejected queue with this reason.

    `reason` is machine-readable; `detail` names the field and what was expected, and never quotes content.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class Erased(Rejected):
    """What was asked for was erased, and stays out; `what` says what it was, without its content."""

    def __init__(self, what: str) -> None:
        super().__init__("erased", what)


class Conflict(LeadMemoryError):
    """Another writer won; reload and fold again."""


class Unavailable(LeadMemoryError):
    """A service did not answer or throttled; give the work back and try later."""


class KeysUnavailable(Unavailable):
    """The key service did not answer, or did not give a key; give the work back and try later."""


class AlreadyRecorded(Conflict):
    """Events of these refs are in the log; leave them out and try again."""

    def __init__(self, refs: Iterable[str]) -> None:
        self.refs = frozenset(refs)
        super().__init__(f"{len(self.refs)} of the events are recorded already")
