"""Hypothesis profiles: `default` for every run, `long` for a search (`--hypothesis-profile=long`)."""

import re
from collections.abc import Iterator
from typing import Any

import botocore.session
import pytest
from botocore.loaders import Loader, create_loader
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

# Timing on a busy machine says nothing about the law.
settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("long", parent=settings.get_profile("default"), max_examples=5_000)
settings.load_profile("default")

# What their tests share, a local stack or the synthesized stages, takes long to make: one worker runs them all;
# those that wait most, end to end, are two workers'.
TOGETHER = ("tests/e2e/test_[a-l]", "tests/e2e/", "tests/infra/")


class _Scheduling(LoadScopeScheduling):  # type: ignore[misc]
    def _split_scope(self, nodeid: str) -> str:
        return next((together for together in TOGETHER if re.match(together, nodeid)), nodeid)


@pytest.fixture(scope="session", autouse=True)
def _descriptions() -> Iterator[None]:
    """Those of AWS's services: each session of boto3's would read them from their files again."""
    read: dict[Any, Any] = {}

    def sharing(search_path: str | None = None) -> Loader:
        loader = create_loader(search_path)
        vars(loader)["_cache"] = read
        return loader

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.session, "create_loader", sharing)
        yield


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> _Scheduling:
    return _Scheduling(config, log)
