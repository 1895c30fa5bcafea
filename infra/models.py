"""What a role needs to ask a model of Amazon Bedrock."""

from aws_cdk import Acknowledgment, Stack, Validations

from infra.lambda_function import Function
from infra.stages import ModelChoice

BEDROCK = "bedrock:"
GEOGRAPHIES = frozenset({"amer", "apac", "au", "ca", "eu", "global", "jp", "us", "us-gov"})
"""Before the id of a model they make the id of an inference profile, which asks that model in any of its regions."""


def allow_model(function: Function, choice: ModelChoice) -> None:
    allow_bedrock(function, choice.name)
    if choice.secret_arn:
        function.allow("secretsmanager:GetSecretValue", on=choice.secret_arn)


def allow_bedrock(function: Function, name: str) -> None:
    """Nothing where the name is not one of Bedrock's, which is `bedrock:<model id>`."""
    if not name.startswith(BEDROCK):
        return
    model_id = name.removeprefix(BEDROCK)
    stack = Stack.of(function)
    geography, _, model = model_id.partition(".")
    bedrock = f"arn:{stack.partition}:bedrock"
    if geography not in GEOGRAPHIES:
        function.allow("bedrock:InvokeModel", on=f"{bedrock}:{stack.region}::foundation-model/{model_id}")
        return
    profile = f"{bedrock}:{stack.region}:{stack.account}:inference-profile/{model_id}"
    function.allow("bedrock:InvokeModel", on=profile)
    function.allow(
        "bedrock:InvokeModel",
        on=f"{bedrock}:*::foundation-model/{model}",
        condition={"StringEquals": {"bedrock:InferenceProfileArn": profile}},
    )
    Validations.of(function.role).acknowledge(
        Acknowledgment(
            id=f"AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:bedrock:*::foundation-model/{model}]",
            reason="AWS says in which region a profile asks its model; the condition leaves this profile alone.",
        )
    )
