"""`bootstrap.sh`, in a project and on a PATH that hold only what a test puts there."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from local.state import PROJECT

TOOLS = ("awk", "cat", "chmod", "dirname", "grep", "head", "mkdir", "rm", "sh", "touch")
ROOMY = "echo header; echo 'disk 9000 1 9000 1% /'"
SHIM = "echo \"pyenv: version '3.13' is not installed\" >&2; exit 1"
OLD = 'case $1 in -c) exit 3 ;; --version) echo "Python 3.6.15" ;; esac'
UV = """
echo "$0 $*" >> calls
case "$1 $2" in
    "venv --help") echo "--clear" ;;
    "venv --quiet") mkdir -p .venv/bin; printf '#!/bin/sh\\n' > .venv/bin/python; chmod +x .venv/bin/python ;;
esac
"""
OLD_UV = 'echo "$0 $*" >> calls; [ "$2" = --help ] && echo "--seed"'
# Its pip installs the uv above, and warns as pip does on some machines.
PYTHON = f"""
[ "$2" = venv ] || exit 0
mkdir -p .uv/bin
cat > .uv/bin/python <<'END'
#!/bin/sh
echo "WARNING: Location /somewhere is ignored" >&2
cat > .uv/bin/uv <<'UV'
#!/bin/sh
{UV}
UV
chmod +x .uv/bin/uv
END
chmod +x .uv/bin/python
"""
WITHOUT_NETWORK = """
[ "$2" = venv ] && exit 1
[ "$2" = pip ] || exit 0
echo "ERROR: no route to the index" >&2
exit 1
"""


class Machine:
    def __init__(self, directory: Path) -> None:
        self.home, self.project = directory / "home", directory / "project"
        self.path = [directory / "tools"]
        (self.project / "requirements").mkdir(parents=True)
        shutil.copy(PROJECT / "bootstrap.sh", self.project)
        for name in (".python-version", "requirements/uv.txt", "requirements/dev.txt"):
            shutil.copy(PROJECT / name, self.project / name)
        self.path[0].mkdir()
        for tool in TOOLS:
            (self.path[0] / tool).symlink_to(shutil.which(tool) or tool)
        self.put("df", ROOMY)

    def put(self, name: str, script: str, *, directory: Path | None = None) -> None:
        """Puts a program into a directory of the PATH's own, behind those before, or into the given one."""
        if directory is None:
            directory = self.path[0].parent / f"path-{len(self.path)}"
            self.path.append(directory)
        directory.mkdir(parents=True)
        (directory / name).write_text(f"#!/bin/sh\n{script}\n")
        (directory / name).chmod(0o755)

    def bootstrap(self) -> tuple[int, list[str]]:
        """The exit code and what was said."""
        environment = {"PATH": os.pathsep.join(map(str, self.path)), "HOME": str(self.home)}
        ran = subprocess.run(
            [str(self.project / "bootstrap.sh")], env=environment, capture_output=True, text=True, timeout=60
        )
        assert ran.stdout == ""
        return ran.returncode, ran.stderr.splitlines()

    def calls(self) -> str:
        return (self.project / "calls").read_text()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


CREATED = ["Creating the environment with Python 3.13.", "Installing the project's packages."]


def test_a_uv_on_the_path_is_used(machine: Machine) -> None:
    machine.put("uv", UV)
    assert machine.bootstrap() == (0, CREATED)
    assert (machine.project / ".venv/installed").exists()


def test_a_shim_that_lacks_our_python_is_passed_by_for_one_that_runs(machine: Machine) -> None:
    machine.put("python3", SHIM)
    machine.put("python3.9", PYTHON)
    assert machine.bootstrap() == (0, ["Installing uv.", *CREATED])


def test_a_python_that_only_pyenv_knows_of_is_found(machine: Machine) -> None:
    machine.put("python3", SHIM)
    machine.put("python3", PYTHON, directory=machine.home / ".pyenv/versions/3.12.1/bin")
    assert machine.bootstrap() == (0, ["Installing uv.", *CREATED])


@pytest.mark.parametrize("uv", [OLD_UV, "exit 1"], ids=["old", "broken"])
def test_a_uv_that_cannot_do_what_is_needed_is_not_used(machine: Machine, uv: str) -> None:
    machine.put("uv", uv)
    machine.put("python3", PYTHON)
    assert machine.bootstrap() == (0, ["Installing uv.", *CREATED])
    assert ".uv/bin/uv pip sync" in machine.calls()


def test_the_uv_of_our_own_is_installed_once(machine: Machine) -> None:
    machine.put("python3", PYTHON)
    os.utime(machine.project / "requirements/uv.txt", (0, 0))
    machine.bootstrap()
    assert machine.bootstrap() == (0, CREATED[1:])


@pytest.mark.parametrize(
    ("python", "said"),
    [
        (OLD, "Python 3.6.15 is too old to install uv: "),
        (SHIM, "python3 does not run (pyenv: version '3.13' is not installed): "),
        (None, "There is no Python on the PATH: "),
    ],
    ids=["old", "broken", "none"],
)
def test_without_a_python_that_will_do_one_sentence_says_what_is_wrong_with_those_there_are(
    machine: Machine, python: str | None, said: str
) -> None:
    if python:
        machine.put("python3", python)
    code, (line,) = machine.bootstrap()
    assert code == 1
    assert line.endswith(f"{said}install Python 3.8 or newer, or uv, and try again.")


def test_what_pip_says_is_shown_when_it_fails(machine: Machine) -> None:
    machine.put("python3", WITHOUT_NETWORK)
    code, lines = machine.bootstrap()
    assert code == 1
    assert lines[:2] == ["Installing uv.", "ERROR: no route to the index"]
    assert lines[2].startswith("uv could not be installed by ")


def test_a_full_disk_is_noticed_first(machine: Machine) -> None:
    machine.put("df", "echo header; echo 'disk 9000 1 12 99% /'", directory=machine.path[0] / "full")
    machine.path.insert(0, machine.path[0] / "full")
    code, (line,) = machine.bootstrap()
    assert code == 1
    assert line.startswith("The environment needs 3 GB of free disk here and there are 12 MB")
