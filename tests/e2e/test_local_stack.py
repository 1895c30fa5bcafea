import json
from pathlib import Path

import boto3
import psutil
import pytest

from local import stack as local_stack
from local.deployment import STACK
from local.stack import LocalStack


def outputs(stack: LocalStack) -> dict[str, str]:
    cloudformation = boto3.client("cloudformation", **stack.client_arguments())
    (described,) = cloudformation.describe_stacks(StackName=STACK)["Stacks"]
    assert described["StackStatus"].endswith("_COMPLETE")
    return {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}


def family(stack: LocalStack) -> list[psutil.Process]:
    parents = [psutil.Process(process.pid) for process in stack.processes.values()]
    return parents + [child for parent in parents for child in parent.children(recursive=True)]


def start_a_function(stack: LocalStack) -> list[psutil.Process]:
    """The processes of functions that run once one was invoked."""
    functions = boto3.client("lambda", **stack.client_arguments())
    functions.invoke(
        FunctionName=outputs(stack)["ResolverFunction"], Payload=json.dumps({"plan": True, "template": ""})
    )
    return psutil.Process(stack.processes["aws"].pid).children(recursive=True)


def test_the_local_stage_is_deployed(stack: LocalStack) -> None:
    table = boto3.client("dynamodb", **stack.client_arguments())
    assert table.describe_table(TableName=outputs(stack)["TableName"])["Table"]["TableStatus"] == "ACTIVE"


def test_the_leads_are_read_through_the_data_api(stack: LocalStack) -> None:
    data_api = boto3.client("rds-data", **stack.client_arguments() | {"endpoint_url": stack.data_api_url})
    answer = data_api.execute_statement(
        resourceArn="arn:aws:rds:us-east-1:000000000000:cluster:leads",
        secretArn="arn:aws:secretsmanager:us-east-1:000000000000:secret:leads",
        database="leads",
        sql="select first_name from leads where locale = 'pt_BR' order by name",
    )
    assert answer["records"] == [[{"stringValue": name}] for name in ("Ana", "Bruno", "Helena")]


def test_nothing_listens_where_another_machine_could_reach_it(stack: LocalStack) -> None:
    start_a_function(stack)
    listening = {
        connection.laddr.ip
        for process in family(stack)
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert listening == {"127.0.0.1"}


def test_a_function_finds_the_data_api(stack: LocalStack) -> None:
    (function, *_) = start_a_function(stack)
    assert function.environ()["AWS_ENDPOINT_URL_RDS_DATA"] == stack.data_api_url


def test_a_stack_that_is_up_is_deployed_to_again(stack: LocalStack) -> None:
    said: list[str] = []
    assert local_stack.up(said.append) == stack
    assert said[0] == f"The local stack is already up at {stack.endpoint_url}; deploying to it again."


def test_a_second_stack_ends_with_its_functions_and_files_and_leaves_the_first_alone(
    stack: LocalStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = tmp_path / "second"
    with monkeypatch.context() as environment:
        environment.setenv("LEAD_MEMORY_LOCAL_DIR", str(directory))
        second = local_stack.up(print)
        try:
            assert start_a_function(second)
            processes = family(second)
        finally:
            local_stack.down(print)
    assert [process for process in processes if process.is_running()] == []
    assert not directory.exists()
    assert stack.running()
