"""What the hot functions load before their first request: a module more is milliseconds more of every cold start."""

import os
import subprocess
import sys

import pytest

from lead_memory.settings import ContextSettings, ResolverSettings, Settings, UpdaterSettings

AWS = {
    "aiodynamo",
    "aiohappyeyeballs",
    "aiohttp",
    "aiosignal",
    "attr",
    "aws_sdk_signers",
    "frozenlist",
    "idna",
    "multidict",
    "propcache",
    "typing_extensions",
    "yarl",
}
SEALING = {"_cffi_backend", "cachetools", "cryptography"}
PAYLOADS = {"annotated_types", "pydantic", "pydantic_core", "typing_inspection"}
"""The SDK, Babel and what else is seldom needed is loaded when it is."""
SLOW = {"difflib"}
"""Of Python's own."""

RESOLVER = ResolverSettings(stage="test", table_name="table", content_key="key")
CONTEXT = ContextSettings(stage="test", table_name="table", content_key="key")
UPDATER = UpdaterSettings(
    stage="test", table_name="table", content_key="key", rejected_queue_url="queue", payload_bucket="bucket"
)
PROGRAM = """
import sys, {package}.handler
files = ((name.partition(".")[0], getattr(module, "__file__", None)) for name, module in sys.modules.items())
print(*sorted({{name for name, file in files if "site-packages" in (file or "") or name in {slow}}}))
"""


@pytest.mark.parametrize(
    ("package", "settings", "budget"),
    [
        ("resolver", RESOLVER, {"msgspec"} | AWS | SEALING),
        ("context", CONTEXT, {"msgspec"} | AWS | SEALING),
        ("memory_updater", UPDATER, {"msgspec"} | AWS | SEALING | PAYLOADS),
    ],
)
def test_a_hot_function_starts_with_these_packages_and_no_others(
    package: str, settings: Settings, budget: set[str]
) -> None:
    environment = os.environ | settings.as_environment() | {"AWS_REGION": "us-east-1", "PYTHONPATH": "lambdas"}
    started = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(package=package, slow=SLOW)],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert set(started.stdout.split()) == budget


ONLY_THE_CLIENTS = f"""
import importlib, pkgutil, sys
sys.modules |= dict.fromkeys({sorted(AWS - {"attr", "idna", "typing_extensions"})})
import lead_memory_client
for module in pkgutil.iter_modules(lead_memory_client.__path__):
    importlib.import_module(f"lead_memory_client.{{module.name}}")
"""


def test_the_client_needs_none_of_what_only_functions_have() -> None:
    subprocess.run(
        [sys.executable, "-c", ONLY_THE_CLIENTS], check=True, env=os.environ | {"PYTHONPATH": "lambdas:client"}
    )
