"""What every statement of a model's answer must stand, whatever it is about."""

from collections.abc import Callable, Sequence
from datetime import date
from enum import StrEnum

from lead_memory.domain.conversation.profile import one_line
from lead_memory.domain.intelligence import stated
from lead_memory.domain.intelligence.answers import Stated
from lead_memory.domain.intelligence.lines import Line
from lead_memory.domain.intelligence.stated import Quoted


class Dropped(StrEnum):
    NO_QUOTE = "no_quote"
    """The message that it names does not have the quote, or there is none."""
    OLD_MESSAGE = "old_message"
    """It rests on a message that was looked at before."""
    NOT_THEIRS = "not_theirs"
    """A fact about the lead that rests on our words."""
    RECALLED = "recalled"
    """It rests on our words, and is known already: we said it from memory."""
    UNSUPPORTED = "unsupported"
    """The quote does not state the value."""
    MALFORMED = "malformed"
    """It is no value of its field, or a date or an amount that the quote does not give."""
    REPEATED = "repeated"
    """The answer says it twice of the same message."""


class NotTakenError(Exception):
    def __init__(self, reason: Dropped) -> None:
        super().__init__(reason)
        self.reason = reason


_JOINERS = str.maketrans("", "", "\u200c\u200d")


class Conversation:
    def __init__(self, lines: Sequence[Line]) -> None:
        self.lines = lines
        self._numbered = {line.number: line for line in lines}

    def before(self, line: Line) -> Line | None:
        return self._numbered.get(line.number - 1)

    def quoted(self, statement: Stated) -> Quoted:
        line = self._numbered.get(statement.message)
        quoted = stated.find(statement.quote, line) if line else None
        if quoted is None:
            raise NotTakenError(Dropped.NO_QUOTE)
        require(quoted.line.new, Dropped.OLD_MESSAGE)
        require(all(map(_is_seen, texts(statement).values())), Dropped.MALFORMED)
        return quoted

    def nearest(self, lines: Sequence[Line], quoted: Quoted, says: Callable[[Line], bool]) -> Line:
        """The earlier of two as near."""
        by_distance = sorted(lines, key=lambda line: (abs(line.number - quoted.line.number), line.number))
        for line in by_distance:
            if says(line):
                return line
        raise NotTakenError(Dropped.UNSUPPORTED)


def require(holds: object, reason: Dropped = Dropped.UNSUPPORTED) -> None:
    if not holds:
        raise NotTakenError(reason)


def is_dated(text: str, quoted: Quoted) -> bool:
    try:
        return stated.is_dated(date.fromisoformat(text), quoted)
    except ValueError:
        return False


def supports(quoted: Quoted, value: str) -> bool:
    return stated.supports(quoted.quote, quoted.sentences, value)


def texts(statement: Stated) -> dict[str, str]:
    return {
        field: text for field, text in statement if isinstance(text, str) and field not in ("quote", "related_to_type")
    }


def _is_seen(text: str) -> bool:
    """Whether nothing hides in it."""
    return one_line(text).translate(_JOINERS).isprintable()
