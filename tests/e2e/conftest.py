from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from lead_memory_client import LeadMemory
from lead_memory_client.stage import LOCAL, Resources, Stage, find_stage
from local import deployment, state
from local import stack as local_stack
from local.stack import LocalStack

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.local_stack)


@pytest.fixture
def resources(stack: LocalStack, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Resources:
    """The stage's, for tests that open its table themselves: the environment is as the functions have it."""
    for name, value in deployment.environment(stack.endpoint_url, state.directory_from_environment()).items():
        monkeypatch.setenv(name, value)
    return stage.resources


@pytest.fixture(scope="session")
def stage(stack: LocalStack) -> Stage:
    return find_stage(LOCAL, profile=None, region=None)


@pytest.fixture(scope="session")
def memory(stage: Stage) -> LeadMemory:
    return LeadMemory(stage)


@pytest.fixture(scope="session")
def table(stack: LocalStack, stage: Stage) -> Any:
    return boto3.resource("dynamodb", **stack.client_arguments()).Table(stage.resources.table_name)


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """A local stack of the tests' own, with the `local` stage deployed; commands find it by the environment."""
    directory = tmp_path_factory.mktemp("local") / "stack"
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("LEAD_MEMORY_LOCAL_DIR", str(directory))
        environment.delenv("LEAD_MEMORY_PORT", raising=False)
        try:
            yield local_stack.up(print)
        finally:
            local_stack.down(print)
