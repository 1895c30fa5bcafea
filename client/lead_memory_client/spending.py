"""What an organization spends on models."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from lead_memory.adapters import keys
from lead_memory.adapters.organization_items import SPENT, conversation_settings
from lead_memory_client.items import attributes, plain_item
from lead_memory_client.keyrings import read_organization

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def today(dynamodb: "DynamoDBClient", table_name: str, organization_id: str) -> dict[str, int]:
    """And what it may; millionths of a US dollar."""
    key = attributes(keys.budget_key(organization_id, datetime.now(UTC)))
    item = dynamodb.get_item(TableName=table_name, Key=key, ConsistentRead=True).get("Item")
    settings = conversation_settings(read_organization(dynamodb, table_name, organization_id))
    spent = plain_item(item)[SPENT] if item else 0
    return {"spent_today_micros": spent, "daily_budget_micros": settings.daily_budget_micros}
