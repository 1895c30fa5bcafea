"""Publish events to a stage of Lead Memory, resolve templates on it, read what it remembers."""

from lead_memory_client.answers import (
    AgentContext,
    Erasure,
    Explanation,
    Exported,
    Lineage,
    QueueReport,
    RecordedEvent,
    Redriven,
    Rejection,
    Resealed,
    ResolvedLead,
    StageStatus,
    TemplatePlan,
)
from lead_memory_client.client import LeadMemory
from lead_memory_client.entries import Entry
from lead_memory_client.errors import (
    AwsRefused,
    BudgetTooSmall,
    CursorUnknown,
    NotDone,
    NothingHeld,
    NotPublished,
    NotWritten,
    RequestRefused,
    StageNotFound,
)
from lead_memory_client.recalled import Recall, RecalledMemory

__all__ = [
    "AgentContext",
    "AwsRefused",
    "BudgetTooSmall",
    "CursorUnknown",
    "Entry",
    "Erasure",
    "Explanation",
    "Exported",
    "LeadMemory",
    "Lineage",
    "NotDone",
    "NotPublished",
    "NotWritten",
    "NothingHeld",
    "QueueReport",
    "Recall",
    "RecalledMemory",
    "RecordedEvent",
    "Redriven",
    "Rejection",
    "RequestRefused",
    "Resealed",
    "ResolvedLead",
    "StageNotFound",
    "StageStatus",
    "TemplatePlan",
]
