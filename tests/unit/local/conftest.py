from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import boto3
import pytest
from mypy_boto3_rds_data import RDSDataServiceClient

from local import deployment, postgres, profiles
from local.data_api import DataApiServer


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL that holds the leads."""
    directory = tmp_path_factory.mktemp("database")
    (directory / "tmp").mkdir()
    environment = deployment.environment("http://127.0.0.1", directory)
    server = postgres.start(directory / "postgres", log=directory / "log", environment=environment)
    try:
        profiles.load(server.url)
        yield server.url
    finally:
        server.process.stop()


@pytest.fixture(scope="session")
def data_api(postgres_url: str) -> Iterator[RDSDataServiceClient]:
    with DataApiServer(0, postgres_url) as server:
        Thread(target=server.serve_forever).start()
        yield boto3.client(
            "rds-data",
            endpoint_url=f"http://127.0.0.1:{server.server_port}",
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
        server.shutdown()


@pytest.fixture
def stack_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this test's local stack is, absent at first."""
    directory = tmp_path / "stack"
    monkeypatch.setenv("LEAD_MEMORY_LOCAL_DIR", str(directory))
    return directory
