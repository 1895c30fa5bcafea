"""The reference of the record has every column that the specification names, and only tests that there are."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
REFERENCE = (ROOT / "docs/reference/record.md").read_text("utf-8")
ROWS = [line.strip("|").split("|") for line in REFERENCE.splitlines() if line.startswith("| `")]
COLUMNS = {name: row for row in ROWS for name in re.findall(r"`([a-z_]+)`", row[0])}
SPECIFIED = {
    "id",
    "user_id",
    "project_id",
    "environment",
    "text",
    "summary",
    "vector",
    "vector_id",
    "embedding_version",
    "metadata",
    "tags",
    "source",
    "event_type",
    "importance",
    "content_type",
    "retention_status",
    "retention_expires_at",
    "archive_at",
    "hard_delete_at",
    "archived_at",
    "soft_deleted_at",
    "hard_delete_queued_at",
    "purged_at",
    "quality_score",
    "confidence_score",
    "freshness_score",
    "decay_score",
    "usage_count",
    "last_accessed_at",
    "consistency_score",
    "evidence_count",
    "importance_score",
    "intelligence_status",
    "estimated_cost_micros",
    "last_evaluated_at",
    "reevaluation_count",
    "extracted_type",
    "extracted_key",
    "extraction_attempt_id",
    "parent_id",
    "summary_of",
    "is_summary",
    "tier",
}


def test_every_column_that_the_specification_names_is_there() -> None:
    assert COLUMNS.keys() >= SPECIFIED


@pytest.mark.parametrize("column", sorted(COLUMNS))
def test_a_column_is_written_and_read_and_tested(column: str) -> None:
    _, _, written, _, read, tested = (cell.strip() for cell in COLUMNS[column])
    assert written
    assert read
    paths = re.findall(r"`(tests/[^`]+)`", tested)
    assert paths
    assert [path for path in paths if not (ROOT / path).exists()] == []
