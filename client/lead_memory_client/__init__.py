"""Publish events to a stage of Lead Memory, resolve templates on it, read what it remembers."""

from lead_memory_client.answers import (
    Explanation,
    Lineage,
    QueueReport,
    RecordedEvent,
    Redriven,
    Rejection,
    ResolvedLead,
    StageStatus,
    TemplatePlan,
)
from lead_memory_client.client import LeadMemory
from lead_memory_client.entries import Entry
from lead_memory_client.errors import AwsRefused, CursorUnknown, NotPublished, RequestRefused, StageNotFound

__all__ = [
    "AwsRefused",
    "CursorUnknown",
    "Entry",
    "Explanation",
    "LeadMemory",
    "Lineage",
    "NotPublished",
    "QueueReport",
    "RecordedEvent",
    "Redriven",
    "Rejection",
    "RequestRefused",
    "ResolvedLead",
    "StageNotFound",
    "StageStatus",
    "TemplatePlan",
]
