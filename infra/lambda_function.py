"""A function as every one of them is deployed: own role, own logs, and the alias that all callers use."""

from collections.abc import Mapping
from typing import Any, cast

from aws_cdk import Acknowledgment, Duration, IgnoreMode, Validations
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra import assets
from infra.stages import Stage
from lead_memory.settings import Settings

_ARCHITECTURES: dict[assets.Architecture, lambda_.Architecture] = {
    "arm64": lambda_.Architecture.ARM_64,
    "x86_64": lambda_.Architecture.X86_64,
}


class Function(Construct):
    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        package: str,
        description: str,
        settings: Settings,
        timeout: Duration,
        memory_mib: int,
    ) -> None:
        super().__init__(scope, construct_id)
        self.role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        log_group = logs.LogGroup(
            self,
            "Logs",
            retention=stage.log_retention,
            removal_policy=stage.removal_policy,
        )
        self.allow("logs:CreateLogStream", "logs:PutLogEvents", on=log_group.log_group_arn)
        asset = assets.build(package, on_aws=stage.on_aws)
        self.function = lambda_.Function(
            self,
            "Function",
            description=description,
            runtime=lambda_.Runtime.PYTHON_3_13,
            architecture=_ARCHITECTURES[asset.architecture],
            handler=f"{package}.handler.handler",
            code=lambda_.Code.from_asset(
                str(asset.path),
                asset_hash=asset.digest,
                # The local AWS runs functions in this environment, which has them: it is up much sooner without.
                exclude=None if stage.on_aws else list(assets.LARGE),
                ignore_mode=IgnoreMode.GIT,
            ),
            role=self.role,
            environment=settings.as_environment(),
            timeout=timeout,
            memory_size=memory_mib,
            log_group=log_group,
            logging_format=lambda_.LoggingFormat.JSON,
            snap_start=lambda_.SnapStartConf.ON_PUBLISHED_VERSIONS if stage.on_aws else None,
        )
        version = self.function.current_version
        self.alias = lambda_.Alias(
            self,
            "Live",
            alias_name="live",
            version=version,
            # Differs for each version: the local AWS makes a changed function anew, without its alias and
            # from version 1 on, and would see nothing to do about an alias that still points to version 1.
            description=cast(lambda_.CfnVersion, version.node.default_child).logical_id,
        )
        self._acknowledge_checks()

    def allow(self, *actions: str, on: str, condition: Mapping[str, Any] | None = None) -> None:
        """Exactly these actions on exactly this resource; the constructs' own grants reach further."""
        self.role.add_to_policy(iam.PolicyStatement(actions=list(actions), resources=[on], conditions=condition))

    def _acknowledge_checks(self) -> None:
        Validations.of(self.function).acknowledge(
            Acknowledgment(
                id="AwsSolutions-L1",
                reason="The project, its wheels and its tests are on Python 3.13, so the function is too.",
            ),
            Acknowledgment(
                id="@aws-cdk/aws-lambda:snapStartRequirePublish",
                reason="The alias points to a published version, and every caller uses the alias.",
            ),
        )
        # The CDK makes the function wait for its role, which it also refers to.
        resource = cast(lambda_.CfnFunction, self.function.node.default_child)
        resource.add_metadata("cfn-lint", {"config": {"ignore_checks": ["W3005"]}})
