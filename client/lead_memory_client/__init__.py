"""Publish events to a stage of Lead Memory, resolve templates on it, read what it remembers."""

from lead_memory_client.answers import RecordedEvent, Rejection, ResolvedLead, StageStatus, TemplatePlan
from lead_memory_client.client import LeadMemory
from lead_memory_client.entries import Entry
from lead_memory_client.errors import AwsRefused, NotPublished, RequestRefused, StageNotFound

__all__ = [
    "AwsRefused",
    "Entry",
    "LeadMemory",
    "NotPublished",
    "RecordedEvent",
    "Rejection",
    "RequestRefused",
    "ResolvedLead",
    "StageNotFound",
    "StageStatus",
    "TemplatePlan",
]
