"""Who may do what: read from every policy of the synthesized template."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aws_cdk.assertions import Template

from infra.stack import LeadMemoryStack
from infra.stages import LOCAL, PROD, Stage
from tests.infra.conftest import new_app

pytestmark = pytest.mark.xdist_group("infra")

LOGS = {"logs:CreateLogStream", "logs:PutLogEvents"}
READ_ONE = {"dynamodb:BatchGetItem", "dynamodb:GetItem"}
TABLE, INDEX, BUS = "StorageTable", "StorageTable/index/gsi1", "IngestBus"
QUEUE, REJECTED = "IngestQueue", "IngestRejected"

UPDATER = {
    "UpdaterLogs": LOGS,
    TABLE: READ_ONE
    | {
        "dynamodb:ConditionCheckItem",
        "dynamodb:DeleteItem",
        "dynamodb:PutItem",
        "dynamodb:Query",
        "dynamodb:UpdateItem",
    },
    REJECTED: {"sqs:SendMessage"},
    QUEUE: {
        "sqs:ChangeMessageVisibility",
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
        "sqs:GetQueueUrl",
        "sqs:ReceiveMessage",
    },
}
RESOLVER = {"ResolverLogs": LOGS, TABLE: READ_ONE}
CLEANUP = {
    "CleanupLogs": LOGS,
    TABLE: READ_ONE,
    INDEX: {"dynamodb:Query"},
    BUS: {"events:PutEvents"},
}
SCHEDULER = {"CleanupLive": {"lambda:InvokeFunction"}}


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def statements(template: Template, resource_type: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, resource in template.find_resources(resource_type).items():
        for statement in resource["Properties"]["PolicyDocument"]["Statement"]:
            yield name, statement


def resource_name(arn: Any) -> str:
    """What an ARN in a template refers to, without the hash in its logical id; a literal as it is."""
    match arn:
        case {"Fn::GetAtt": [name, "Arn"]} | {"Ref": name}:
            return str(name)[:-8]
        case {"Fn::Join": ["", [first, str(rest)]]}:
            return resource_name(first) + rest
    assert isinstance(arn, str), arn
    return arn


def granted(template: Template, role: str) -> dict[str, set[str]]:
    """The actions that a role has, by resource."""
    actions: defaultdict[str, set[str]] = defaultdict(set)
    for name, statement in statements(template, "AWS::IAM::Policy"):
        assert statement["Effect"] == "Allow"
        if name.startswith(role):
            for arn in listed(statement["Resource"]):
                actions[resource_name(arn)] |= set(listed(statement["Action"]))
    return dict(actions)


def test_each_role_may_do_exactly_what_its_function_does(template: Template, stage: Stage) -> None:
    resolver = dict(RESOLVER)
    if stage.profiles:
        resolver[stage.profiles.cluster_arn] = {"rds-data:ExecuteStatement"}
        resolver[stage.profiles.secret_arn] = {"secretsmanager:GetSecretValue"}
    assert granted(template, "UpdaterRole") == UPDATER
    assert granted(template, "ResolverRole") == resolver
    assert granted(template, "CleanupRole") == CLEANUP
    assert granted(template, "SchedulerRole") == SCHEDULER


def test_no_role_has_other_policies(template: Template) -> None:
    roles = template.find_resources("AWS::IAM::Role")
    assert len(roles) == len(template.find_resources("AWS::IAM::Policy")) == 4
    for role in roles.values():
        assert not {"ManagedPolicyArns", "Policies"} & role["Properties"].keys()


def test_nothing_that_is_allowed_has_a_wildcard(template: Template) -> None:
    kinds = ("AWS::IAM::Policy", "AWS::SQS::QueuePolicy")
    allowed = [
        statement for kind in kinds for _, statement in statements(template, kind) if statement["Effect"] == "Allow"
    ]
    assert allowed
    for statement in allowed:
        assert "*" not in str([statement["Action"], statement["Resource"], statement.get("Principal")])


def test_queues_refuse_plain_http(template: Template) -> None:
    refusals = [
        statement for _, statement in statements(template, "AWS::SQS::QueuePolicy") if statement["Effect"] == "Deny"
    ]
    assert len(refusals) == len(template.find_resources("AWS::SQS::Queue"))
    assert all(each["Condition"] == {"Bool": {"aws:SecureTransport": "false"}} for each in refusals)


def test_a_stage_on_aws_that_gets_a_profile_database_may_read_that_one(tmp_path: Path) -> None:
    stack = LeadMemoryStack(new_app(tmp_path), stage=replace(PROD, profiles=LOCAL.profiles))
    template = Template.from_stack(stack)
    assert LOCAL.profiles
    assert granted(template, "ResolverRole") == {
        **RESOLVER,
        LOCAL.profiles.cluster_arn: {"rds-data:ExecuteStatement"},
        LOCAL.profiles.secret_arn: {"secretsmanager:GetSecretValue"},
    }
