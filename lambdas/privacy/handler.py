"""Erases what it is asked to, and looks after the organizations' keys and settings."""

import asyncio
import os
import time
from datetime import UTC, datetime
from functools import partial
from typing import Any

import msgspec

from lead_memory.adapters.aws import Aws
from lead_memory.adapters.erasure import ORGANIZATION_SETTLES, StoredEntries, StoredItems, StoredObjects, backups
from lead_memory.adapters.keyrings import Keyrings
from lead_memory.adapters.kms import KeyService
from lead_memory.adapters.large_payloads import PayloadBucket
from lead_memory.adapters.metrics import emit_metrics
from lead_memory.adapters.organization_settings import OrganizationSettings
from lead_memory.adapters.registry import Registry
from lead_memory.adapters.sealed_contents import SealedContents
from lead_memory.adapters.store import EventStore
from lead_memory.adapters.table import DynamoTable
from lead_memory.adapters.vector_queue import VectorQueue
from lead_memory.adapters.waiting_messages import WaitingMessages
from lead_memory.domain.errors import LeadMemoryError
from lead_memory.services.erase import Eraser, Receipt
from lead_memory.services.record import failure
from lead_memory.services.reseal import Resealer
from lead_memory.settings import PrivacySettings
from privacy.requests import (
    BeginOrganization,
    ConfigureConversations,
    ConfigureMemories,
    EraseEvent,
    EraseLead,
    EraseOrganization,
    Request,
    Reseal,
    RotateKey,
    read,
    refused,
)

SECONDS_OF_LEADS = 20
"""Of a call that goes through an organization's leads: whoever asked learns how far it is, and the timeout is far."""


def _now() -> datetime:
    return datetime.now(UTC)


_settings = PrivacySettings.from_environment(os.environ)
_aws = Aws(os.environ)
_table = DynamoTable(_settings.table_name, _aws)
_keyrings = Keyrings(_table, KeyService(_settings.content_key, _aws))
_organizations = OrganizationSettings(_table)
_payloads = PayloadBucket(_settings.payload_bucket)
_registry = Registry(_table)
_eraser = Eraser(
    EventStore(_table, _keyrings, _payloads, _now),
    StoredItems(_table, _keyrings),
    _registry,
    StoredObjects(_payloads),
    WaitingMessages(
        [
            _settings.rejected_queue_url,
            _settings.dead_letter_queue_url,
            _settings.rebuild_dead_letter_queue_url,
            _settings.extraction_dead_letter_queue_url,
            _settings.vectors_dead_letter_queue_url,
            _settings.uses_dead_letter_queue_url,
        ]
    ),
    StoredEntries(_table, _keyrings, _payloads, VectorQueue(_settings.vectors_queue_url, _aws)),
    backups=partial(backups, recovery=_settings.point_in_time_recovery, archive_days=_settings.archive_days),
    settles=ORGANIZATION_SETTLES,
    now=_now,
)
_resealer = Resealer(_registry, SealedContents(_table, _keyrings, _payloads))
# One loop for the life of the process: the connections belong to it.
_loop = asyncio.Runner()


def handler(event: object, _: object) -> dict[str, Any]:
    try:
        return _loop.run(_answer(read(event)))
    except (msgspec.ValidationError, LeadMemoryError) as error:
        if refusal := refused(error):
            return refusal
        raise
    except Exception as error:
        # Without its message, which may quote content.
        raise failure(error) from None


async def _answer(request: Request) -> dict[str, Any]:
    ends_at = time.monotonic() + SECONDS_OF_LEADS

    def has_time() -> bool:
        return time.monotonic() < ends_at

    match request:
        case EraseEvent():
            receipt = await _eraser.event(request.lead, request.ref, asked_by=request.asked_by, dry_run=request.dry_run)
            return _filed(receipt)
        case EraseLead():
            return _filed(await _eraser.lead(request.lead, asked_by=request.asked_by, dry_run=request.dry_run))
        case EraseOrganization():
            receipt = await _eraser.organization(
                request.organization_id, asked_by=request.asked_by, dry_run=request.dry_run, has_time=has_time
            )
            return _filed(receipt)
        case BeginOrganization():
            keyring = await _keyrings.begin(request.organization_id, hashes_names=request.hash_names)
            return {"version": keyring.newest_version}
        case RotateKey():
            return {"version": await _keyrings.rotate(request.organization_id)}
        case Reseal():
            page = await _resealer.page(request.organization_id, request.after, has_time)
            return {"page": msgspec.to_builtins(page)}
        case ConfigureConversations() | ConfigureMemories():
            await _organizations.set(request.organization_id, request.settings)
            return {}


def _filed(receipt: Receipt) -> dict[str, Any]:
    if not receipt.dry_run:
        removed = sum(receipt.removed.values())
        emit_metrics(_settings.stage, "privacy", removed=removed, found_again=receipt.found_again)
    return {"receipt": msgspec.to_builtins(receipt)}
