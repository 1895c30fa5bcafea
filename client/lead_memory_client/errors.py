"""What can go wrong between a caller and a stage, each said in one sentence."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from lead_memory.domain.errors import LeadMemoryError
from lead_memory_client.answers import Mistake
from lead_memory_client.entries import Entry


class StageNotFound(LeadMemoryError):
    """There is no such stage where the caller looked; name another, or deploy it."""


class AwsRefused(LeadMemoryError):
    """AWS did not do what was asked of it; see to credentials, rights or the network, then try again."""


class RequestRefused(LeadMemoryError):
    """The function can never answer this request; `mistake` says what is wrong, and in a template where."""

    def __init__(self, mistake: Mistake, template: str | None) -> None:
        super().__init__(mistake.message)
        self.mistake = mistake
        self.template = template


class BudgetTooSmall(LeadMemoryError):
    """The operators' notes alone need more tokens; ask with `smallest` or more."""

    def __init__(self, message: str, smallest: int) -> None:
        super().__init__(message)
        self.smallest = smallest


class NoteUnknown(LeadMemoryError):
    """There is no such note on the contact, or on the thread; list those that there are."""


class MemoryRefused(LeadMemoryError):
    """There is no such memory, or as it stands this cannot be done to it; the message says what can."""


class EntityUnknown(LeadMemoryError):
    """There is no such entity of the lead, or nothing was said of it so; list those that there are."""


class ThreadUnknown(LeadMemoryError):
    """Nothing was said in such a thread of the lead; look at its id."""


class CursorUnknown(LeadMemoryError):
    """A cursor that no page gave; start from the first page."""


class NotDone(LeadMemoryError):
    """The privacy function did not do what it was asked; `code` says why, for programs."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"This was not done, because {message} ({code}).")
        self.code = code


class NothingHeld(LeadMemoryError):
    """The organization holds nothing of such a lead; check both ids."""


class NotWritten(LeadMemoryError):
    """The files could not be written there; name another folder, one that does not exist yet."""


class NotPublished(LeadMemoryError):
    """The bus did not take these entries, each with its error code; every other one is on the bus."""

    def __init__(self, failed: Sequence[tuple[Entry, str]], of: int) -> None:
        first, code = failed[0]
        others = f" and {len(failed) - 1} more" if len(failed) > 1 else ""
        super().__init__(
            f"The bus did not take {len(failed)} of {of} events, {first.ref} ({code}){others}: "
            "publish these again; an event that is published twice is recorded once."
        )
        self.failed = tuple(failed)


@contextmanager
def translated(attempt: str) -> Iterator[None]:
    """Turns the SDK's errors into `AwsRefused`; `attempt` completes "could not …"."""
    from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

    try:
        yield
    except NoCredentialsError as error:
        raise AwsRefused(
            f"Could not {attempt}, because there are no AWS credentials: set AWS_PROFILE, or log in with the AWS CLI."
        ) from error
    except ClientError as error:
        refusal = error.response["Error"]
        raise AwsRefused(
            f"Could not {attempt}, because AWS said {refusal['Code']}: {refusal['Message'].rstrip('.')}."
        ) from error
    except BotoCoreError as error:
        raise AwsRefused(
            f"Could not {attempt}: {str(error).rstrip('.')}; check AWS_PROFILE, AWS_REGION and the network."
        ) from error
