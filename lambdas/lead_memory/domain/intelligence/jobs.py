"""What there is to ask of a model, and what became of it."""

from enum import StrEnum


class Job(StrEnum):
    FACTS = "facts"
    """Of the contact's profile (L4)."""
    ENTITIES = "entities"
    """Accounts, contacts and the other records of a CRM."""
    SUMMARY = "summary"
    """Of a thread (L2)."""
    REACTIVATION = "reactivation"
    """What an agent is reminded of when the lead returns to a thread (L5)."""
    CLUSTER = "cluster"
    """One summary of several memories."""


class Status(StrEnum):
    PENDING = "pending"
    """Nothing was decided yet."""
    PROCESSED = "processed"
    BATCHED = "batched"
    """Left for a time when there is budget."""
    SKIPPED = "skipped"
    FAILED = "failed"
