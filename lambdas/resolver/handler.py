"""The resolver: templates and leads in, messages out."""

import asyncio
import logging
import os
import time
from collections import Counter
from datetime import UTC, datetime

from lead_memory.adapters.aws import Aws
from lead_memory.adapters.keyrings import Keyrings
from lead_memory.adapters.kms import KeyService
from lead_memory.adapters.memory_reader import MemoryReader
from lead_memory.adapters.metrics import emit_metrics
from lead_memory.adapters.profiles import RdsProfiles
from lead_memory.adapters.table import DynamoTable
from lead_memory.domain.templates.variables import Reason
from lead_memory.services.resolve import LeadAnswer, ProfilesTooLarge, Resolver
from lead_memory.settings import ResolverSettings
from resolver.messages import Answer, BadRequest, Mistake, Request, planned, profiles_too_large, refused

PATIENCE_SECONDS = 20
"""Well within the function's timeout, so that a caller has an answer when a store has none."""

_logger = logging.getLogger(__name__)
_logger.setLevel(logging.INFO)

_settings = ResolverSettings.from_environment(os.environ)
_aws = Aws(os.environ)
_profiles = RdsProfiles.of(_settings, _aws)
_profile_fields = _settings.profile_field_names() if _profiles else None
_table = DynamoTable(_settings.table_name, _aws)
_memories = MemoryReader(_table, Keyrings(_table, KeyService(_settings.content_key, _aws)))
_resolver = Resolver(_memories, _profiles, patience_seconds=PATIENCE_SECONDS)
# One loop for the life of the process: the connections belong to it.
_loop = asyncio.Runner()


def handler(event: object, _: object) -> Answer:
    started = time.perf_counter()
    try:
        request = Request.read(event)
        question = request.question(_profile_fields)
        if request.plan:
            return planned(question, has_profiles=_profiles is not None)
        leads = _loop.run(_resolver.resolve(question, datetime.now(UTC)))
        answer = request.answered(leads)
    except BadRequest as refusal:
        return _refuse(refusal.mistake)
    except ProfilesTooLarge:
        return _refuse(profiles_too_large(len(question.lead_ids)))
    _report(leads, answer["reads"], duration_ms=(time.perf_counter() - started) * 1000)
    return answer


def _refuse(mistake: Mistake) -> Answer:
    _logger.info("refused", extra={"code": mistake.code})
    return refused(mistake)


def _report(leads: tuple[LeadAnswer, ...], reads: dict[str, int], duration_ms: float) -> None:
    statuses = Counter(str(lead.status) for lead in leads)
    emit_metrics(
        _settings.stage,
        "resolver",
        leads=len(leads),
        leads_missing=statuses["missing"],
        leads_unavailable=statuses["unavailable"],
        leads_profile_refused=sum(
            any(missing.reason is Reason.PROFILE_REFUSED for missing in lead.missing) for lead in leads
        ),
        get_items=reads["get_item"],
        duration_ms=round(duration_ms, 1),
    )
