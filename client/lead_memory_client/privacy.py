"""What a stage forgets on request, and its organizations' keys and settings: calls of the privacy function."""

import time
from collections import Counter
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from lead_memory.adapters.memory_items import Item
from lead_memory.adapters.organization_items import conversation_settings, memory_settings
from lead_memory.domain.conversation.settings import ConversationSettings
from lead_memory.domain.errors import Erased
from lead_memory.domain.memory_settings import MemorySettings
from lead_memory_client.answers import Erasure, Resealed
from lead_memory_client.errors import NotDone, translated
from lead_memory_client.functions import invoke
from lead_memory_client.keyrings import read_organization
from lead_memory_client.stage import OfStage

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

    from lead_memory.services.erase import Receipt

UPDATERS_SETTLE_SECONDS = 30
"""An updater that began before the erasure has ended by then. It may leave an object behind, and no item."""
KEYS_SETTLE_SECONDS = 300
"""How long a process may go on with the keys of an organization that it read before."""
ORGANIZATION_SETTLES_SECONDS = KEYS_SETTLE_SECONDS + UPDATERS_SETTLE_SECONDS
LOOK_EVERY_SECONDS = 5
LATE_SECONDS = 15
"""How far the function's clock may be behind ours."""
CALL_SECONDS = 910
"""The function's own timeout, and some."""


class Privacy(OfStage):
    """Every method can be called again: what is done stays done, and what was left is done then.

    All raise `AwsRefused` and `NotDone`, and `Erased` where more than what was asked for was erased before. `asked_by`
    is for the receipt: the ARN of the caller, unless given. In a dry run nothing is changed, only counted.
    """

    def erase_event(
        self,
        lead_id: str | UUID,
        ref: str,
        organization_id: str | UUID,
        *,
        asked_by: str | None = None,
        dry_run: bool = False,
        settle_seconds: float = UPDATERS_SETTLE_SECONDS,
    ) -> Erasure:
        """`ref` is `<source>/<event_id>`. What other events support stays remembered, as they alone give it.

        Looks again after `settle_seconds`; with 0 it does not, and the erasure is not verified.
        """
        asked = self._asked(organization_id, asked_by, dry_run, lead_id=str(lead_id), ref=ref)
        return self._erased_of_lead("erase_event", asked, settle_seconds)

    def erase_lead(
        self,
        lead_id: str | UUID,
        organization_id: str | UUID,
        *,
        asked_by: str | None = None,
        dry_run: bool = False,
        settle_seconds: float = UPDATERS_SETTLE_SECONDS,
    ) -> Erasure:
        """Looks again after `settle_seconds`; with 0 it does not, and the erasure is not verified."""
        asked = self._asked(organization_id, asked_by, dry_run, lead_id=str(lead_id))
        return self._erased_of_lead("erase_lead", asked, settle_seconds)

    def erase_organization(
        self,
        organization_id: str | UUID,
        *,
        asked_by: str | None = None,
        dry_run: bool = False,
        settle_seconds: float = ORGANIZATION_SETTLES_SECONDS,
        progress: Callable[[int], None] = lambda _leads: None,
    ) -> Erasure:
        """Some leads a call, and a last look after `settle_seconds`; with 0 there is none, and nothing is verified.

        `progress` hears how many leads are erased.
        """
        asked = self._asked(organization_id, asked_by, dry_run)
        settled_at = time.monotonic() + settle_seconds
        receipt = latest = self._erased("erase_organization", asked)
        while not (latest.finished or dry_run):
            progress(receipt.removed.get("leads", 0))
            if not latest.removed:
                left = settled_at - time.monotonic()
                if not settle_seconds or left < -LATE_SECONDS:
                    break
                time.sleep(max(left, LOOK_EVERY_SECONDS))
            latest = self._erased("erase_organization", asked)
            receipt = _both(receipt, latest)
        return _erasure(receipt, settled=not dry_run)

    def begin_organization(self, organization_id: str | UUID, *, hash_names: bool) -> None:
        """Makes the keys of an organization before its first event. Raises `NotDone` where it has keys already.

        `hash_names` keeps the names of its memories out of clear text; it cannot be changed afterwards.
        """
        self._do("begin_organization", {"organization_id": str(organization_id), "hash_names": hash_names})

    def rotate_key(self, organization_id: str | UUID) -> int:
        """The version of the new data key; all that is written after `KEYS_SETTLE_SECONDS` is sealed with it.

        Raises `NotDone` for an unknown organization.
        """
        version: int = self._do("rotate_key", {"organization_id": str(organization_id)})["version"]
        return version

    def reseal(
        self,
        organization_id: str | UUID,
        *,
        settle_seconds: float = KEYS_SETTLE_SECONDS,
        progress: Callable[[int], None] = lambda _leads: None,
    ) -> Resealed:
        """Seals all content with the newest data key, some leads with each call.

        Waits for `settle_seconds` first: until then processes may seal with the key before. `progress` hears how many
        leads are done.
        """
        time.sleep(settle_seconds)
        done: Counter[str] = Counter()
        after: str | None = None
        while True:
            page = self._do("reseal", {"organization_id": str(organization_id), "after": after})["page"]
            after = page.pop("next")
            done.update(page)
            progress(done["leads"])
            if after is None:
                return msgspec.convert(done, Resealed)

    def conversation_settings(self, organization_id: str | UUID) -> ConversationSettings:
        """As they are stored; the defaults for an organization that chose nothing, or is not known."""
        return conversation_settings(self._organization(organization_id))

    def configure_conversations(self, organization_id: str | UUID, settings: ConversationSettings) -> None:
        """Every context follows the settings within a minute. Raises `NotDone` for an unknown organization."""
        asked = {"organization_id": str(organization_id), **msgspec.to_builtins(settings)}
        self._do("configure_conversations", asked)

    def memory_settings(self, organization_id: str | UUID) -> MemorySettings:
        """As `conversation_settings`."""
        return memory_settings(self._organization(organization_id))

    def configure_memories(self, organization_id: str | UUID, settings: MemorySettings) -> None:
        """Every function follows the settings within a minute; what is stored has the dates that they give once it is
        written next, or rebuilt. Raises `NotDone` for an unknown organization.
        """
        asked = {"organization_id": str(organization_id), **msgspec.to_builtins(settings)}
        self._do("configure_memories", asked)

    def _organization(self, organization_id: str | UUID) -> Item | None:
        with translated("read what the organization chose"):
            dynamodb = self._stage.client("dynamodb")
            return read_organization(dynamodb, self._resources.table_name, str(organization_id).lower())

    def _asked(
        self, organization_id: str | UUID, asked_by: str | None, dry_run: bool, **of_lead: str
    ) -> dict[str, Any]:
        by = asked_by or self._caller()
        return {"organization_id": str(organization_id), "asked_by": by, "dry_run": dry_run, **of_lead}

    def _caller(self) -> str:
        with translated("ask who the caller is"):
            arn: str = self._stage.client("sts").get_caller_identity()["Arn"]
        return arn

    def _erased_of_lead(self, operation: str, asked: dict[str, Any], settle_seconds: float) -> Erasure:
        receipt = self._erased(operation, asked)
        settles = bool(settle_seconds) and not asked["dry_run"]
        if settles:
            time.sleep(settle_seconds)
            receipt = _both(receipt, self._erased(operation, asked))
        return _erasure(receipt, settled=settles)

    def _erased(self, operation: str, asked: dict[str, Any]) -> "Receipt":
        from lead_memory.services.erase import Receipt

        return msgspec.convert(self._do(operation, asked)["receipt"], Receipt)

    def _do(self, operation: str, asked: dict[str, Any]) -> dict[str, Any]:
        request = {"operation": operation, **asked}
        called = invoke(self._patient_lambda, self._resources.privacy_function, request, called="privacy function")
        answer: dict[str, Any] = msgspec.json.decode(called)
        if error := answer.get("error"):
            raise Erased(error["message"]) if error["code"] == "erased" else NotDone(**error)
        return answer

    @cached_property
    def _patient_lambda(self) -> "LambdaClient":
        from botocore.config import Config

        patience = Config(read_timeout=CALL_SECONDS, tcp_keepalive=True)
        return self._stage.client("lambda", config=patience)  # type: ignore[no-any-return]


def _both(first: "Receipt", second: "Receipt") -> "Receipt":
    """Of two calls that erased the same one after the other."""
    removed = dict(Counter(first.removed) + Counter(second.removed))
    return msgspec.structs.replace(second, removed=removed, removed_before=first.removed_before)


def _erasure(receipt: "Receipt", *, settled: bool) -> Erasure:
    return Erasure(receipt=receipt, verified=settled and receipt.finished and not receipt.found_again)
