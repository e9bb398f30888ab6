"""`run` in copies of the repository that hold it alone: tiny locks, a pipeline that prints what it is given."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from uv import find_uv_bin

from tests.repository.files import ROOT

pytestmark = pytest.mark.slow

PYTHON: str = getattr(sys, "_base_executable", sys.executable)
PIPELINE = """\
import os, sys
print("pipeline", *sys.argv[1:], sep="|")
print("cwd", os.getcwd(), sep="|")
print("root", os.path.dirname(os.path.dirname(os.path.abspath(__file__))), sep="|")
"""
WITHOUT_ENSUREPIP = """\
import runpy, sys
sys.modules["ensurepip"] = None
del sys.argv[0]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@dataclass
class Machine:
    """A copy of the skeleton, and a machine with a few programs and nothing else on PATH."""

    root: Path
    programs: Path
    settings: dict[str, str] = field(default_factory=dict)

    def has(self, name: str, script: str) -> None:
        """Puts a shell script on PATH."""
        program = self.programs / name
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)

    def start(self, *command: str, run: Path | None = None, cwd: Path | None = None) -> subprocess.Popen[str]:
        environment = {"HOME": str(self.root.parent), "PATH": str(self.programs), **self.settings}
        return subprocess.Popen(
            [str(run or self.root / "run"), *command],
            cwd=cwd or self.root,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *command: str, run: Path | None = None, cwd: Path | None = None) -> "Done":
        process = self.start(*command, run=run, cwd=cwd)
        out, err = process.communicate()
        return Done(process.returncode, out, err)

    def lock(self, *requirements: str) -> None:
        """Writes both locks."""
        for name in ("runtime", "dev"):
            (self.root / "requirements" / f"{name}.txt").write_text("".join(f"{line}\n" for line in requirements))


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """Has Python and uv; the path of the clone has a space in it."""
    root, programs = tmp_path / "a clone", tmp_path / "bin"
    (root / "requirements").mkdir(parents=True)
    (root / "pipeline").mkdir()
    programs.mkdir()
    shutil.copy(ROOT / "run", root)
    shutil.copy(ROOT / "requirements" / "install.py", root / "requirements")
    (root / "pipeline" / "__init__.py").touch()
    (root / "pipeline" / "__main__.py").write_text(PIPELINE)
    for needed in ("cat", "cmp", "readlink", "sh"):
        (programs / needed).symlink_to(str(shutil.which(needed)))
    machine = Machine(root, programs)
    machine.has("python3", f'exec "{PYTHON}" "$@"')
    machine.has("uv", f'exec "{find_uv_bin()}" --offline "$@"')
    machine.lock("# nothing")
    return machine


def wheel(machine: Machine, name: str, files: dict[str, str]) -> str:
    """Makes a package and a place to install it from, without network; its line in a lock."""
    wheels = machine.programs.parent / "wheels"
    wheels.mkdir(exist_ok=True)
    path = wheels / f"{name}-1.0-py3-none-any.whl"
    described = {
        f"{name}-1.0.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{name}-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{name}-1.0.dist-info/RECORD": "",
    }
    with zipfile.ZipFile(path, "w") as archive:
        for member, content in (files | described).items():
            entry = zipfile.ZipInfo(member)
            entry.external_attr = 0o100755 << 16
            archive.writestr(entry, content)
    for installer in ("PIP", "UV"):
        machine.settings |= {f"{installer}_NO_INDEX": "1", f"{installer}_FIND_LINKS": str(wheels)}
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return f"{name}==1.0 \\\n    --hash=sha256:{digest}\n    # via pipeline"


def demo(machine: Machine) -> str:
    """A package `demo` with an ANSWER."""
    return wheel(machine, "demo", {"demo.py": "ANSWER = 42\n"})


def test_makes_the_environment_once_and_says_so_in_one_line(machine: Machine) -> None:
    first, second = machine.run("pipeline", "--help"), machine.run("pipeline", "--help")
    assert (first.code, second.code) == (0, 0)
    assert first.err == "run: making .pipeline/env/runtime from requirements/runtime.txt with uv (once)\n"
    assert second.err == ""
    assert first.out == second.out


def test_hands_on_arguments_directory_and_exit_code(machine: Machine, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    done = machine.run("pipeline", "two words", "$HOME", "", cwd=elsewhere)
    assert done.out.splitlines() == ["pipeline|two words|$HOME|", f"cwd|{elsewhere}", f"root|{machine.root}"]
    assert machine.run("python", "-c", "raise SystemExit(7)").code == 7


def test_what_lies_in_the_current_directory_is_not_what_runs(machine: Machine, tmp_path: Path) -> None:
    other = tmp_path / "other"
    (other / "pipeline").mkdir(parents=True)
    (other / "pipeline" / "__main__.py").write_text("print('the wrong one')")
    assert f"root|{machine.root}" in machine.run("pipeline", cwd=other).out


def test_is_found_through_links(machine: Machine, tmp_path: Path) -> None:
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "relative").symlink_to("../a clone/run")
    (tmp_path / "absolute").symlink_to(tmp_path / "links" / "relative")
    assert f"root|{machine.root}" in machine.run("pipeline", run=tmp_path / "absolute", cwd=Path("/")).out


def test_pipeline_and_the_tools_have_an_environment_each(machine: Machine) -> None:
    (machine.root / "requirements" / "dev.txt").write_text(f"{demo(machine)}\n")
    assert machine.run("python", "-c", "import demo, pipeline; print(demo.ANSWER)").out == "42\n"
    machine.run("pipeline")
    environments = machine.root / ".pipeline" / "env"
    assert not list(environments.glob("runtime/lib/*/site-packages/demo.py"))
    assert machine.run("sh", "-c", "command -v pipeline").out == f"{environments}/dev/bin/pipeline\n"


def test_is_made_anew_when_the_lock_changed(machine: Machine) -> None:
    machine.run("python", "-c", "")
    machine.lock(demo(machine))
    changed = machine.run("python", "-c", "import demo")
    assert (changed.code, changed.err.count("\n")) == (0, 1)
    os.utime(machine.root / "requirements" / "dev.txt")
    assert machine.run("python", "-c", "import demo").err == ""


def test_is_made_anew_where_the_clone_was_moved_to(machine: Machine) -> None:
    machine.run("pipeline")
    machine.root = machine.root.rename(machine.root.parent / "moved")
    done = machine.run("pipeline")
    assert f"root|{machine.root}" in done.out
    assert "making" in done.err


@pytest.mark.parametrize("locale", ["", "C", "no_SUCH.UTF-8"])
def test_the_path_of_the_clone_is_in_any_language_and_the_locale_knows_none(machine: Machine, locale: str) -> None:
    machine.root = machine.root.rename(machine.root.parent / "배포 'é")
    machine.settings |= {"LC_ALL": locale} if locale else {}
    done = machine.run("sh", "-c", 'pipeline && python -c "import pipeline"')
    assert (done.code, f"root|{machine.root}" in done.out) == (0, True), done.err


def test_is_made_anew_when_its_python_is_gone(machine: Machine) -> None:
    machine.run("python", "-c", "")
    python = machine.root / ".pipeline" / "env" / "dev" / "bin" / "python"
    python.unlink()
    python.symlink_to("/nonexistent/python3")
    assert machine.run("python", "-c", "print('well')").out == "well\n"


def test_half_an_environment_is_not_used(machine: Machine) -> None:
    machine.has("uv", f'[ "$1" = venv ] || kill -9 $PPID; exec "{find_uv_bin()}" "$@"')
    assert machine.run("python", "-c", "").code != 0
    machine.has("uv", f'exec "{find_uv_bin()}" "$@"')
    again = machine.run("python", "-c", "import pipeline")
    assert (again.code, "making" in again.err) == (0, True)


def test_several_at_once_make_it_once(machine: Machine) -> None:
    machine.lock(demo(machine))
    started = [machine.start("python", "-c", "import demo; print(demo.ANSWER)") for _ in range(4)]
    ended = [process.communicate() for process in started]
    assert [out for out, _ in ended] == ["42\n"] * 4
    assert "".join(err for _, err in ended).count("making") == 1


def test_without_uv_pip_installs_the_uv_of_the_lock_which_installs_the_rest(machine: Machine) -> None:
    (machine.programs / "uv").unlink()
    script = f'#!/bin/sh\necho "$1" >>"$HOME/calls"\nexec "{find_uv_bin()}" "$@"\n'
    machine.lock(demo(machine), wheel(machine, "uv", {"uv-1.0.data/scripts/uv": script}))
    done = machine.run("python", "-c", "import demo; print(demo.ANSWER)")
    assert done.err.splitlines() == ["run: making .pipeline/env/dev from requirements/dev.txt with pip (once)"]
    assert done.out == "42\n"
    assert (machine.root.parent / "calls").read_text() == "pip\n"


def test_where_the_uv_of_the_lock_does_not_get_through_pip_installs_the_rest(machine: Machine) -> None:
    (machine.programs / "uv").unlink()
    script = "#!/bin/sh\nexit 2\n"
    machine.lock(demo(machine), wheel(machine, "uv", {"uv-1.0.data/scripts/uv": script}))
    done = machine.run("python", "-c", "import demo; print(demo.ANSWER)")
    assert done.out == "42\n"
    assert done.err.startswith("run: making .pipeline/env/dev from requirements/dev.txt with pip (once)\n")


def test_where_uv_does_not_get_through_pip_is_asked(machine: Machine) -> None:
    machine.has("uv", "echo error: invalid peer certificate >&2; exit 2")
    machine.lock(demo(machine))
    done = machine.run("python", "-c", "import demo, pipeline; print(demo.ANSWER)")
    assert (done.code, done.out) == (0, "42\n")
    assert "uv: error: invalid peer certificate" in done.err
    assert done.err.endswith("making it with pip instead\n")


def test_a_package_that_is_not_the_locked_one_is_refused(machine: Machine) -> None:
    requirement = demo(machine)
    machine.lock(re.sub(r"sha256:.{8}", "sha256:00000000", requirement))
    done = machine.run("python", "-c", "print('ran')")
    assert (done.code, done.out) == (1, "")
    assert "do not match the hashes" in done.err.lower()
    assert not (machine.root / ".pipeline" / "env" / "dev" / "place").exists()


def test_without_a_python_it_says_what_to_install(machine: Machine) -> None:
    (machine.programs / "python3").unlink()
    done = machine.run("pipeline")
    assert (done.code, done.out) == (1, "")
    assert "no Python 3.11 or newer on PATH; try: apt install" in done.err


def test_a_python_that_is_too_old_or_does_not_run_is_passed_over(machine: Machine, tmp_path: Path) -> None:
    machine.has("python3", "exit 1")  # what an old one says to the probe
    machine.has("python3.12", "echo 'pyenv: python3.12: command not found' >&2; exit 127")
    later = tmp_path / "later"
    later.mkdir()
    machine.settings["PATH"] = f"{machine.programs}:{later}"
    (later / "python3.12").write_text(f'#!/bin/sh\nexec "{PYTHON}" "$@"\n')
    (later / "python3.12").chmod(0o755)
    assert machine.run("pipeline").code == 0


def test_without_ensurepip_it_says_what_to_install(machine: Machine) -> None:
    (machine.programs / "uv").unlink()
    hidden = machine.programs / "hidden.py"
    hidden.write_text(WITHOUT_ENSUREPIP)
    machine.has("python3", f'shift; exec "{PYTHON}" -I "{hidden}" "$@"')
    done = machine.run("pipeline")
    assert done.code == 1
    assert done.err.endswith("bin/python3 has no ensurepip; try: apt install python3-venv, or install uv\n")


def test_without_a_command_it_says_how_it_is_used(machine: Machine) -> None:
    done = machine.run()
    assert (done.code, done.err.split()[0]) == (2, "usage:")
    assert machine.run("no-such-program").code == 127
