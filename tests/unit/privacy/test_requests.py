"""What the privacy function takes, and what it says of what it does not do."""

from typing import Any

import msgspec
import pytest

from lead_memory.adapters.erasure import ORGANIZATION_SETTLES
from lead_memory.adapters.keyrings import CACHE_SECONDS
from lead_memory.adapters.sealing import Unreadable
from lead_memory.domain.conversation.settings import CohortShares, ConversationSettings, CrossChannel
from lead_memory.domain.errors import Conflict, Erased, KeysUnavailable, LeadMemoryError, Rejected, Unavailable
from lead_memory.domain.memories import Lead, MemoryType
from lead_memory.domain.memory_settings import MemorySettings
from lead_memory.domain.retention import Policy
from lead_memory_client import privacy
from privacy.requests import ConfigureConversations, ConfigureMemories, EraseEvent, read, refused
from tests.events import LEAD, ORGANIZATION

ERASE_EVENT: dict[str, Any] = {
    "operation": "erase_event",
    "organization_id": ORGANIZATION.upper(),
    "lead_id": LEAD,
    "ref": "shop/1/2",
    "asked_by": "me",
}


def test_ids_are_taken_in_any_spelling_and_used_in_one() -> None:
    request = read(ERASE_EVENT)
    assert isinstance(request, EraseEvent)
    assert (request.lead, request.ref, request.dry_run) == (Lead(ORGANIZATION, LEAD), "shop/1/2", False)


@pytest.mark.parametrize(
    "change",
    [
        {"operation": "erase_everything"},
        {"organization_id": "3f0c1b52"},
        {"organization_id": None},
        {"lead_id": "*"},
        {"ref": "shop"},
        {"ref": "/1"},
        {"ref": "shop/"},
        {"ref": "shop/" + "1" * 2_000},
        {"asked_by": ""},
        {"asked_by": "m" * 301},
        {"asked_by": None},
        {"dry_run": "no"},
        {"dryrun": True},
    ],
)
def test_what_is_not_a_request_is_refused_whole(change: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError) as refusal:
        read({**ERASE_EVENT, **change})
    answer = refused(refusal.value)
    assert answer is not None
    assert answer["error"]["code"] == "invalid_request"


CONFIGURE: dict[str, Any] = {
    "operation": "configure_conversations",
    "organization_id": ORGANIZATION,
    "cross_channel": "join",
    "cohorts": {"full": 80, "single_summary": 20},
    "daily_budget_micros": 2_500_000,
}


def test_settings_are_chosen_as_a_whole() -> None:
    request = read(CONFIGURE)
    assert isinstance(request, ConfigureConversations)
    shares = CohortShares(full=80, no_notes=0, single_summary=20)
    assert request.settings == ConversationSettings(
        cross_channel=CrossChannel.JOIN, cohorts=shares, daily_budget_micros=2_500_000
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"cross_channel": "merge"}, "Invalid enum value"),
        ({"cohorts": {"full": 80}}, "the cohorts' shares add up to 80 percent, not to 100"),
        ({"cohorts": {"full": 100, "half": 0}}, "unknown field"),
        ({"cohorts": None}, "Expected `object`"),
        ({"daily_budget_micros": -1}, "Expected `int` >= 0"),
        ({"lead_id": LEAD}, "unknown field"),
    ],
)
def test_settings_that_nobody_can_choose_are_refused_with_the_reason(change: dict[str, Any], said: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=said):
        read({**CONFIGURE, **change})


KEEP: dict[str, Any] = {
    "operation": "configure_memories",
    "organization_id": ORGANIZATION,
    "policies": {"fact": {"archive_after_days": 30}},
}


def test_policies_are_chosen_as_a_whole() -> None:
    request = read(KEEP)
    assert isinstance(request, ConfigureMemories)
    assert request.settings == MemorySettings(policies={MemoryType.FACT: Policy(archive_after_days=30)})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"policies": {"note": {"archive_after_days": 30}}}, "they have their own ends"),
        ({"policies": {"fact": {"archive_after_days": 0}}}, "Expected `int` >= 1"),
        ({"policies": {"fact": {"archive_after_days": 9, "delete_after_days": 8}}}, "9 days are not fewer than 8"),
        ({"policies": {"fact": {"forget_after_days": 8}}}, "unknown field"),
        ({"policies": {"mood": {}}}, "Invalid enum value"),
        ({"weights": {"similarity": 2}}, "Expected `float` <= 1"),
    ],
)
def test_policies_that_nobody_can_keep_are_refused_with_the_reason(change: dict[str, Any], said: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=said):
        read({**KEEP, **change})


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Rejected("unknown_lead", "why"), "unknown_lead"),
        (Erased("why"), "erased"),
        (Conflict("why"), "conflict"),
        (KeysUnavailable("why"), "keys_unavailable"),
        (Unavailable("why"), "unavailable"),
    ],
)
def test_a_refusal_has_a_code_for_programs_and_a_sentence_for_people(error: LeadMemoryError, code: str) -> None:
    assert refused(error) == {"error": {"code": code, "message": "why"}}


def test_what_nobody_can_mend_by_asking_again_is_no_refusal_but_a_failure() -> None:
    assert refused(Unreadable("why")) is None


def test_the_client_waits_for_as_long_as_the_stage_takes_to_settle() -> None:
    assert privacy.KEYS_SETTLE_SECONDS == CACHE_SECONDS
    assert ORGANIZATION_SETTLES.total_seconds() == privacy.ORGANIZATION_SETTLES_SECONDS
