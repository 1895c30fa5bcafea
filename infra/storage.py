"""The one table, the bucket of what does not fit into an item, and the key of what both hold."""

from aws_cdk import Acknowledgment, Validations
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.content_key import content_key
from infra.stages import Stage
from lead_memory.adapters import keys


class Storage(Construct):
    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage) -> None:
        super().__init__(scope, construct_id)
        self.content_key = content_key(self, "ContentKey", stage=stage)
        self.table = dynamodb.TableV2(
            self,
            "Table",
            partition_key=_text(keys.PK),
            sort_key=_text(keys.SK),
            time_to_live_attribute=keys.TTL,
            billing=dynamodb.Billing.on_demand(),
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=stage.keeps_data
            ),
            deletion_protection=stage.keeps_data,
            removal_policy=stage.removal_policy,
        )
        # Only items that carry both attributes are in the index, so it stays as small as what is due.
        self.table.add_global_secondary_index(
            index_name=keys.GSI1,
            partition_key=_text(keys.GSI1_PK),
            sort_key=_text(keys.GSI1_SK),
            projection_type=dynamodb.ProjectionType.INCLUDE,
            non_key_attributes=[keys.TOUCHES],
        )
        self.index_arn = f"{self.table.table_arn}/index/{keys.GSI1}"
        self.payloads = s3.Bucket(
            self,
            "Payloads",
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            removal_policy=stage.removal_policy,
        )
        Validations.of(self.payloads).acknowledge(
            Acknowledgment(
                id="AwsSolutions-S1",
                reason="Functions and the client alone read it, by exact key; CloudTrail can log that.",
            )
        )


def _text(name: str) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=name, type=dynamodb.AttributeType.STRING)
