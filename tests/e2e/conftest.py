from collections.abc import Iterator
from pathlib import Path

import pytest

from local import stack as local_stack
from local.stack import LocalStack

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.local_stack)


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
