"""The KMS key that wraps each organization's data key, and with it all content."""

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from infra.stages import Stage
from lead_memory.adapters.sealing import CONTEXT

_CONTEXT = f"kms:EncryptionContext:{CONTEXT}"
NAMES_ORGANIZATION = {"Null": {_CONTEXT: "false"}}
_NAMES_NO_ORGANIZATION = {"Null": {_CONTEXT: "true"}}

# No CreateGrant: a grant would hand on what IAM's policies are to decide.
_ADMINISTRATION = (
    "kms:CancelKeyDeletion",
    "kms:DescribeKey",
    "kms:DisableKey",
    "kms:DisableKeyRotation",
    "kms:EnableKey",
    "kms:EnableKeyRotation",
    "kms:GetKeyPolicy",
    "kms:GetKeyRotationStatus",
    "kms:ListGrants",
    "kms:ListKeyPolicies",
    "kms:ListKeyRotations",
    "kms:ListResourceTags",
    "kms:PutKeyPolicy",
    "kms:RevokeGrant",
    "kms:RotateKeyOnDemand",
    "kms:ScheduleKeyDeletion",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:UpdateKeyDescription",
)


def content_key(scope: Construct, construct_id: str, *, stage: Stage) -> kms.Key:
    return kms.Key(
        scope,
        construct_id,
        description=f"Wraps the data keys of organizations, {stage.name}",
        enable_key_rotation=True,
        rotation_period=Duration.days(365),
        # The longest there is: without the key, all content is lost.
        pending_window=Duration.days(30),
        policy=iam.PolicyDocument(statements=_policy()),
        removal_policy=stage.removal_policy,
    )


def _policy() -> list[iam.PolicyStatement]:
    # To KMS the account's root is whoever IAM lets in, and IAM cannot let anybody do what is not allowed here.
    # So it stands here for the administrators, and for the roles and people whose own policies let them use the key.
    account = iam.AccountRootPrincipal()
    return [
        iam.PolicyStatement(
            sid="AdministeredThroughIam", principals=[account], actions=list(_ADMINISTRATION), resources=["*"]
        ),
        iam.PolicyStatement(
            sid="UsedThroughIamForAnOrganization",
            principals=[account],
            actions=["kms:Decrypt", "kms:GenerateDataKey"],
            resources=["*"],
            conditions=NAMES_ORGANIZATION,
        ),
        # Also for whom a later statement or a grant lets in.
        iam.PolicyStatement(
            sid="NeverWithoutAnOrganization",
            effect=iam.Effect.DENY,
            principals=[iam.AnyPrincipal()],
            actions=["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"],
            resources=["*"],
            conditions=_NAMES_NO_ORGANIZATION,
        ),
    ]
