"""The CDK app deployed to the local AWS, by the CDK's own command."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from local.errors import LocalStackError
from local.processes import Process
from local.state import PROJECT

ACCOUNT = "000000000000"
REGION = "us-east-1"
STACK = "LeadMemory-local"
# What the CDK prints, and what it means to the person who waits.
_MILESTONES = {
    "Synthesis time": "Publishing the functions.",
    "creating stack...": "Creating the stack's resources.",
    "updating stack...": "Updating the stack's resources.",
    "(no changes)": "Nothing has changed since the last deployment.",
}

type Progress = Callable[[str], None]


def environment(endpoint_url: str, directory: Path) -> dict[str, str]:
    """The caller's environment without what would lead to a real AWS, or leave files outside `directory`."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CDK_"))}
    tools = Path(sys.executable).parent
    return ours | {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "CDK_HOME": str(directory / "cdk"),
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "CDK_DISABLE_VERSION_CHECK": "true",
        # For the local AWS itself, which otherwise keeps its state under /tmp.
        "STATE_DIR": str(directory / "state"),
        "S3_DATA_DIR": str(directory / "s3"),
        "TMPDIR": str(directory / "tmp"),
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
        "PYTHONUNBUFFERED": "1",
    }


def bootstrap(endpoint_url: str, directory: Path, progress: Progress) -> None:
    """Raises `LocalStackError`."""
    progress("Bootstrapping the local AWS for the CDK.")
    # In a directory without a `cdk.json`, so that the app is not synthesized for it.
    _cdk("bootstrap", f"aws://{ACCOUNT}/{REGION}", endpoint_url=endpoint_url, directory=directory, cwd=directory)


def deploy(endpoint_url: str, directory: Path, progress: Progress) -> None:
    """Raises `LocalStackError`."""
    progress(f"Building the functions and deploying {STACK}.")
    _cdk(
        "deploy", STACK, "--context", "stage=local", "--output", str(directory / "cdk.out"),
        "--method", "direct", "--require-approval", "never", "--progress", "events",
        endpoint_url=endpoint_url, directory=directory, cwd=PROJECT, progress=progress,
    )  # fmt: skip


def _cdk(*arguments: str, endpoint_url: str, directory: Path, cwd: Path, progress: Progress = lambda _: None) -> None:
    log = directory / "cdk.log"
    with (
        log.open("a") as output,
        subprocess.Popen(
            ["cdk", *arguments, "--ci", "--no-color", "--no-notices", "--no-version-reporting"],
            cwd=cwd,
            env=environment(endpoint_url, directory),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as command,
    ):
        assert command.stdout is not None  # noqa: S101 - it is a pipe
        try:
            for line in command.stdout:
                output.write(line)
                for milestone, meaning in _MILESTONES.items():
                    if milestone in line:
                        progress(meaning)
        except BaseException:
            Process.of(command.pid).stop()
            raise
    if command.returncode:
        raise LocalStackError(f"`cdk {arguments[0]}` failed; {log} says why.")
