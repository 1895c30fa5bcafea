"""Who may do what: read from every policy of the synthesized template."""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aws_cdk.assertions import Template

from infra.stack import LeadMemoryStack
from infra.stages import LOCAL, PROD, ModelChoice, Stage
from tests.infra.conftest import new_app

pytestmark = pytest.mark.xdist_group("infra")

LOGS = {"logs:CreateLogStream", "logs:PutLogEvents"}
TABLE, INDEX, BUS = "StorageTable", "StorageTable/index/gsi1", "IngestBus"
QUEUE, REJECTED = "IngestQueue", "IngestRejected"
JOBS, FAILED_JOBS = "ExtractionQueue", "ExtractionDeadLetters"
VECTORS, USES = "RecallQueuesVectorsQueue", "RecallQueuesUsesQueue"
BUCKET, PAYLOADS = "StoragePayloads", "StoragePayloads/events/*"
OBJECTS = {"s3:DeleteObject", "s3:GetObject", "s3:PutObject"}
CONTENT_KEY = "StorageContentKey"
WRITES = ("dynamodb:ConditionCheckItem", "dynamodb:DeleteItem", "dynamodb:UpdateItem")
RECEIVE = {
    "sqs:ChangeMessageVisibility",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "sqs:GetQueueUrl",
    "sqs:ReceiveMessage",
}

# Of the table, `test_table_requests.py` finds out what each role needs.
UPDATER = {
    "UpdaterLogs": LOGS,
    BUCKET: {"s3:ListBucket"},
    PAYLOADS: OBJECTS,
    CONTENT_KEY: {"kms:Decrypt", "kms:GenerateDataKey"},
    REJECTED: {"sqs:SendMessage"},
    QUEUE: RECEIVE,
}
REBUILDER = {
    "RebuilderLogs": LOGS,
    BUCKET: {"s3:ListBucket"},
    PAYLOADS: OBJECTS,
    CONTENT_KEY: {"kms:Decrypt"},
    VECTORS: {"sqs:SendMessage"},
    "RebuildQueue": RECEIVE,
}
RESOLVER = {"ResolverLogs": LOGS, CONTENT_KEY: {"kms:Decrypt"}}
CONTEXT = {"ContextLogs": LOGS, CONTENT_KEY: {"kms:Decrypt"}}
RECALL = {
    "RecallLogs": LOGS,
    BUCKET: {"s3:ListBucket"},
    PAYLOADS: {"s3:GetObject"},
    CONTENT_KEY: {"kms:Decrypt"},
    USES: {"sqs:SendMessage"},
}
EMBEDDER = {
    "EmbedderLogs": LOGS,
    BUCKET: {"s3:ListBucket"},
    PAYLOADS: OBJECTS,
    CONTENT_KEY: {"kms:Decrypt"},
    BUS: {"events:PutEvents"},
    VECTORS: {"sqs:SendMessage", *RECEIVE},
    USES: RECEIVE,
}
EXTRACTOR = {
    "ExtractorLogs": LOGS,
    CONTENT_KEY: {"kms:Decrypt"},
    BUS: {"events:PutEvents"},
    JOBS: {"sqs:SendMessage", *RECEIVE},
    FAILED_JOBS: {"sqs:SendMessage"},
}
CLEANUP = {
    "CleanupLogs": LOGS,
    CONTENT_KEY: {"kms:Decrypt"},
    BUS: {"events:PutEvents"},
    JOBS: {"sqs:SendMessage"},
}
DELETE_WHAT_WAITS = {
    "sqs:ChangeMessageVisibility",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "sqs:ReceiveMessage",
}
PRIVACY = {
    "PrivacyLogs": LOGS,
    PAYLOADS: OBJECTS,
    BUCKET: {"s3:ListBucket"},
    CONTENT_KEY: {"kms:Decrypt", "kms:GenerateDataKey"},
    REJECTED: DELETE_WHAT_WAITS,
    "IngestDeadLetters": DELETE_WHAT_WAITS,
    "RebuildDeadLetters": DELETE_WHAT_WAITS,
    FAILED_JOBS: DELETE_WHAT_WAITS,
    "RecallQueuesVectorsDeadLetters": DELETE_WHAT_WAITS,
    "RecallQueuesUsesDeadLetters": DELETE_WHAT_WAITS,
    VECTORS: {"sqs:SendMessage"},
}
SCHEDULER = {"CleanupLive": {"lambda:InvokeFunction"}}

ORGANIZATION = "kms:EncryptionContext:organization_id"
USES_OR_HANDS_ON = re.compile(r"\*|Encrypt|Decrypt|DataKey|CreateGrant")


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def statements(template: Template, resource_type: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, resource in template.find_resources(resource_type).items():
        for statement in resource["Properties"]["PolicyDocument"]["Statement"]:
            yield name, statement


def resource_name(arn: Any) -> str:
    """What an ARN in a template refers to, without the hash in its logical id; a literal as it is."""
    match arn:
        case {"Ref": str(name)} if name.startswith("AWS::"):
            return name
        case {"Fn::GetAtt": [name, "Arn"]} | {"Ref": name}:
            return str(name)[:-8]
        case {"Fn::Join": ["", parts]}:
            return "".join(map(resource_name, parts))
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


def granted_beside_the_table(template: Template, role: str) -> dict[str, set[str]]:
    actions = granted(template, role)
    return {resource: actions[resource] for resource in actions if resource not in (TABLE, INDEX)}


def test_each_role_may_do_exactly_what_its_function_does(template: Template, stage: Stage) -> None:
    resolver = dict(RESOLVER)
    if stage.profiles:
        resolver[stage.profiles.cluster_arn] = {"rds-data:ExecuteStatement"}
        resolver[stage.profiles.secret_arn] = {"secretsmanager:GetSecretValue"}
    assert granted_beside_the_table(template, "UpdaterRole") == UPDATER
    assert granted_beside_the_table(template, "RebuilderRole") == REBUILDER
    assert granted_beside_the_table(template, "ResolverRole") == resolver
    assert granted_beside_the_table(template, "ContextRole") == CONTEXT
    assert granted_beside_the_table(template, "RecallRole") == RECALL
    assert granted_beside_the_table(template, "ExtractorRole") == EXTRACTOR
    assert granted_beside_the_table(template, "EmbedderRole") == EMBEDDER
    assert granted_beside_the_table(template, "CleanupRole") == CLEANUP
    assert granted_beside_the_table(template, "PrivacyRole") == PRIVACY
    assert granted_beside_the_table(template, "SchedulerRole") == SCHEDULER


def test_no_role_has_other_policies(template: Template) -> None:
    roles = template.find_resources("AWS::IAM::Role")
    assert len(roles) == len(template.find_resources("AWS::IAM::Policy")) == 10
    for role in roles.values():
        assert not {"ManagedPolicyArns", "Policies"} & role["Properties"].keys()


def test_nothing_that_is_allowed_has_a_wildcard_but_the_large_payloads_of_events(template: Template) -> None:
    kinds = ("AWS::IAM::Policy", "AWS::SQS::QueuePolicy", "AWS::S3::BucketPolicy")
    allowed = [
        statement for kind in kinds for _, statement in statements(template, kind) if statement["Effect"] == "Allow"
    ]
    assert allowed
    for statement in allowed:
        resources = [arn for arn in listed(statement["Resource"]) if resource_name(arn) != PAYLOADS]
        assert "*" not in str([statement["Action"], resources, statement.get("Principal")])


def test_a_role_may_use_the_content_key_only_for_an_organization(template: Template) -> None:
    users = [
        statement["Condition"]
        for _, statement in statements(template, "AWS::IAM::Policy")
        if CONTENT_KEY in map(resource_name, listed(statement["Resource"]))
    ]
    assert users == [{"Null": {ORGANIZATION: "false"}}] * 9


def test_what_else_a_role_may_do_under_a_condition(template: Template) -> None:
    """Publish as itself; the extractor writes leases and budgets into the table, never memories or events, and the
    embedder what is a lead's, never an organization or its keys.
    """
    conditional = {
        (name.partition("Role")[0], *listed(statement["Action"])): statement["Condition"]
        for name, statement in statements(template, "AWS::IAM::Policy")
        if "Condition" in statement and CONTENT_KEY not in map(resource_name, listed(statement["Resource"]))
    }
    assert conditional == {
        ("Cleanup", "events:PutEvents"): {"StringEquals": {"events:source": "cleanup"}},
        ("Extractor", "events:PutEvents"): {"StringEquals": {"events:source": "extractor"}},
        ("Extractor", "dynamodb:UpdateItem"): {
            "ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["lease#*", "budget#*"]}
        },
        ("Embedder", "events:PutEvents"): {"StringEquals": {"events:source": "embedder"}},
        ("Embedder", *WRITES): {
            "ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["????????-????-????-????-????????????"]}
        },
    }


def test_the_content_key_is_administered_and_used_through_iam_and_never_without_an_organization(
    template: Template,
) -> None:
    account = {
        "AWS": {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, ":iam::", {"Ref": "AWS::AccountId"}, ":root"]]}
    }
    (key,) = template.find_resources("AWS::KMS::Key").values()
    administered, used, refused = (
        {**statement, "Action": set(statement["Action"])} for statement in key["Properties"]["KeyPolicy"]["Statement"]
    )
    actions = administered.pop("Action")
    assert "kms:PutKeyPolicy" in actions
    assert not [action for action in actions if USES_OR_HANDS_ON.search(action)]
    assert administered == {
        "Sid": "AdministeredThroughIam",
        "Effect": "Allow",
        "Principal": account,
        "Resource": "*",
    }
    assert used == {
        "Sid": "UsedThroughIamForAnOrganization",
        "Effect": "Allow",
        "Principal": account,
        "Action": {"kms:Decrypt", "kms:GenerateDataKey"},
        "Resource": "*",
        "Condition": {"Null": {ORGANIZATION: "false"}},
    }
    assert refused == {
        "Sid": "NeverWithoutAnOrganization",
        "Effect": "Deny",
        "Principal": {"AWS": "*"},
        "Action": {"kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"},
        "Resource": "*",
        "Condition": {"Null": {ORGANIZATION: "true"}},
    }


@pytest.mark.parametrize("kind", ["SQS::Queue", "S3::Bucket"])
def test_queues_and_the_bucket_refuse_plain_http(template: Template, kind: str) -> None:
    refusals = [
        statement for _, statement in statements(template, f"AWS::{kind}Policy") if statement["Effect"] == "Deny"
    ]
    assert len(refusals) == len(template.find_resources(f"AWS::{kind}"))
    assert all(each["Condition"] == {"Bool": {"aws:SecureTransport": "false"}} for each in refusals)


def test_a_stage_on_aws_that_gets_a_profile_database_may_read_that_one(tmp_path: Path) -> None:
    stack = LeadMemoryStack(new_app(tmp_path), stage=replace(PROD, profiles=LOCAL.profiles))
    template = Template.from_stack(stack)
    assert LOCAL.profiles
    assert granted_beside_the_table(template, "ResolverRole") == {
        **RESOLVER,
        LOCAL.profiles.cluster_arn: {"rds-data:ExecuteStatement"},
        LOCAL.profiles.secret_arn: {"secretsmanager:GetSecretValue"},
    }


TITAN = "amazon.titan-embed-text-v2:0"
BEDROCK = "arn:AWS::Partition:bedrock"
HAIKU = "anthropic.claude-haiku-4-5-20251001-v1:0"
PROFILE = f"{BEDROCK}:AWS::Region:AWS::AccountId:inference-profile/eu.{HAIKU}"
HAIKU_ANYWHERE = f"{BEDROCK}:*::foundation-model/{HAIKU}"
SECRET = "arn:aws:secretsmanager:us-east-1:111111111111:secret:openrouter-AbCdEf"


@pytest.mark.parametrize(
    ("model", "allowed"),
    [
        (ModelChoice(), {}),
        (
            ModelChoice(name="bedrock:amazon.nova-lite-v1:0"),
            {f"{BEDROCK}:AWS::Region::foundation-model/amazon.nova-lite-v1:0": {"bedrock:InvokeModel"}},
        ),
        (
            ModelChoice(name=f"bedrock:eu.{HAIKU}"),
            {PROFILE: {"bedrock:InvokeModel"}, HAIKU_ANYWHERE: {"bedrock:InvokeModel"}},
        ),
        (
            ModelChoice(name="openrouter:meta-llama/llama-3.3-70b-instruct", secret_arn=SECRET),
            {SECRET: {"secretsmanager:GetSecretValue"}},
        ),
    ],
)
def test_the_extractor_may_ask_the_model_that_the_stage_chose_and_no_other(
    tmp_path: Path, model: ModelChoice, allowed: dict[str, set[str]]
) -> None:
    template = Template.from_stack(LeadMemoryStack(new_app(tmp_path), stage=replace(PROD, model=model)))
    assert granted_beside_the_table(template, "ExtractorRole") == {**EXTRACTOR, **allowed}
    through_a_profile = [
        resource_name(statement["Condition"]["StringEquals"]["bedrock:InferenceProfileArn"])
        for _, statement in statements(template, "AWS::IAM::Policy")
        if HAIKU_ANYWHERE in map(resource_name, listed(statement["Resource"]))
    ]
    assert through_a_profile == ([PROFILE] if PROFILE in allowed else [])


@pytest.mark.parametrize(("role", "allowed"), [("RecallRole", RECALL), ("EmbedderRole", EMBEDDER)])
def test_recalls_and_the_embedder_may_ask_the_embedding_model_that_the_stage_chose_and_no_other(
    tmp_path: Path, role: str, allowed: dict[str, set[str]]
) -> None:
    template = Template.from_stack(LeadMemoryStack(new_app(tmp_path), stage=replace(PROD, embedder=f"bedrock:{TITAN}")))
    asked = {f"{BEDROCK}:AWS::Region::foundation-model/{TITAN}": {"bedrock:InvokeModel"}}
    assert granted_beside_the_table(template, role) == {**allowed, **asked}
