"""Where a stage is: the outputs of its CloudFormation stack, and how to reach it."""

import os
from collections.abc import Callable
from datetime import datetime
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING, Any

import msgspec

from lead_memory_client.errors import StageNotFound, translated

if TYPE_CHECKING:
    from boto3.session import Session

LOCAL = "local"


class Resources(msgspec.Struct, frozen=True, rename="pascal"):
    """The outputs of a stage's stack."""

    table_name: str
    payload_bucket: str
    content_key: str
    bus_name: str
    ingest_queue_url: str
    dead_letter_queue_url: str
    rejected_queue_url: str
    rebuild_queue_url: str
    rebuild_dead_letter_queue_url: str
    extraction_queue_url: str
    extraction_dead_letter_queue_url: str
    vectors_queue_url: str
    vectors_dead_letter_queue_url: str
    uses_queue_url: str
    uses_dead_letter_queue_url: str
    resolver_function: str
    context_function: str
    recall_function: str
    extractor_function: str
    embedder_function: str
    cleanup_function: str
    rebuilder_function: str
    privacy_function: str
    profile_fields: str


class Stage(msgspec.Struct, frozen=True):
    name: str
    region: str
    stack_status: str
    deployed_at: datetime
    resources: Resources
    client: Callable[..., Any]
    """Makes the SDK's client of a service, with the SDK's own options."""


class OfStage:
    """A part of the client."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._resources = stage.resources


def find_stage(name: str, *, profile: str | None, region: str | None) -> Stage:
    """Raises `StageNotFound` or `AwsRefused`."""
    with translated(f"look for the stage {name}"):
        client = _local_clients() if name == LOCAL else _clients(profile, region)
        cloudformation = client("cloudformation")
        stack = _stack(cloudformation, name)
    if stack is None:
        raise StageNotFound(
            f"There is no stack LeadMemory-{name} in {cloudformation.meta.region_name}: check the stage's name, the "
            "account and the region, or deploy it (docs/runbooks/deploy.md)."
        )
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
    try:
        resources = msgspec.convert(outputs, Resources)
    except msgspec.ValidationError as error:
        raise StageNotFound(
            f"The stack LeadMemory-{name} is {stack['StackStatus']} and its outputs are not whole ({error}): "
            "deploy it again (docs/runbooks/deploy.md)."
        ) from None
    return Stage(
        name=name,
        region=cloudformation.meta.region_name,
        stack_status=stack["StackStatus"],
        deployed_at=stack.get("LastUpdatedTime", stack["CreationTime"]),
        resources=resources,
        client=client,
    )


def _stack(cloudformation: Any, stage: str) -> Any:
    from botocore.exceptions import ClientError

    try:
        return cloudformation.describe_stacks(StackName=f"LeadMemory-{stage}")["Stacks"][0]
    except ClientError as error:
        # CloudFormation's word for a stack that does not exist.
        if error.response["Error"]["Code"] == "ValidationError":
            return None
        raise


def _clients(profile: str | None, region: str | None) -> Callable[..., Any]:
    import boto3

    # AWS's other tools read AWS_REGION; this SDK does not.
    session = boto3.Session(profile_name=profile, region_name=region or os.environ.get("AWS_REGION"))
    return session.client


def _local_clients() -> Callable[..., Any]:
    import boto3

    stack = local_stack().find()
    if stack is None:
        raise StageNotFound("The local stack is not up: start it with `lead-memory up`.")
    arguments = stack.client_arguments()
    endpoint_url = arguments.pop("endpoint_url")
    session: Session = boto3.Session(**arguments)
    return partial(session.client, endpoint_url=endpoint_url)


def local_stack() -> ModuleType:
    """What starts, finds and stops it. Raises `StageNotFound` where it is not installed."""
    try:
        from local import stack
    except ModuleNotFoundError as error:
        raise StageNotFound(
            f"The local stack is not here ({error}): run this in the project's checkout, or name another stage with "
            "--stage."
        ) from None
    return stack
