"""What several roles are allowed, and how far."""

from typing import cast

from aws_cdk import Acknowledgment, Stack, Validations
from aws_cdk import aws_s3 as s3

from infra.content_key import NAMES_ORGANIZATION
from infra.ingest import Ingest
from infra.lambda_function import Function
from infra.storage import Storage
from lead_memory.adapters import keys, large_payloads

RECORDING = (
    "dynamodb:BatchGetItem",
    "dynamodb:ConditionCheckItem",
    "dynamodb:DeleteItem",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:Query",
    "dynamodb:UpdateItem",
)
LEASES_AND_BUDGETS = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": [f"{keys.LEASE}*", f"{keys.BUDGET}*"]}}
LEADS = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["-".join("?" * length for length in (8, 4, 4, 4, 12))]}}
"""By the form of a lead's id, so that organizations and their keys are out of reach. IAM knows no sort keys: of a
lead's items it cannot tell one kind from another.
"""
OBJECTS = ("s3:DeleteObject", "s3:GetObject", "s3:PutObject")
_PAYLOADS = f"{large_payloads.PREFIX}*"


def allow_payloads(function: Function, storage: Storage, *actions: str) -> None:
    function.allow(*actions, on=storage.payloads.arn_for_objects(_PAYLOADS))
    # Without it, S3 says of an object that is gone that it may not be read.
    function.allow("s3:ListBucket", on=storage.payloads.bucket_arn)
    bucket = Stack.of(function).get_logical_id(cast(s3.CfnBucket, storage.payloads.node.default_child))
    Validations.of(function.role).acknowledge(
        Acknowledgment(
            id=f"AwsSolutions-IAM5[Resource::<{bucket}.Arn>/{_PAYLOADS}]",
            reason="An object's key is made of its content, so only the prefix is known.",
        )
    )


def allow_content_key(function: Function, storage: Storage, *actions: str) -> None:
    function.allow(*actions, on=storage.content_key.key_arn, condition=NAMES_ORGANIZATION)


def allow_publishing(function: Function, ingest: Ingest, source: str) -> None:
    function.allow(
        "events:PutEvents", on=ingest.bus.event_bus_arn, condition={"StringEquals": {"events:source": source}}
    )
