"""Makes one of the project's environments: `.pipeline/env/NAME` from `requirements/NAME.txt`.

`run` calls it, with whatever Python the machine has: so it uses the standard library alone. An environment is made by
an installed uv, or by venv and pip where there is none or where it does not get through (a package mirror may be
known to pip's configuration only). Both install exactly what the lock names and check every hash.

    install.py --probe   prints the interpreter to make environments with; exit 1: too old, 3: has no ensurepip
    install.py NAME      makes the environment, unless another process has just done so
"""

import fcntl
import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

OLDEST = (3, 11)
ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENTS = ROOT / ".pipeline" / "env"

# The same as the console script of an installed package. `-P`: what lies in the current directory is not importable.
LAUNCHER = """\
#!/bin/sh
exec "${0%/*}/python" -P -m pipeline "$@"
"""


class InstallError(Exception):
    """The environment could not be made; the text says why, in full."""


def main(arguments: list[str]) -> int:
    """Does what the one argument says; the exit code."""
    if arguments == ["--probe"]:
        return probe()
    try:
        ensure(arguments[0])
    except InstallError as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def probe() -> int:
    """Whether this interpreter will do; prints the one below it where it runs in a virtual environment itself."""
    if sys.version_info < OLDEST:
        return 1
    if not can_use_pip() and shutil.which("uv") is None:
        return 3
    # Without links: `python3` may be another version tomorrow, and an environment does not survive that.
    print(Path(getattr(sys, "_base_executable", sys.executable)).resolve())
    return 0


def can_use_pip() -> bool:
    """Whether `python -m venv` brings pip: Debian and Ubuntu have ensurepip in a package of its own."""
    return importlib.util.find_spec("venv") is not None and importlib.util.find_spec("ensurepip") is not None


def ensure(name: str) -> None:
    """Makes the environment, one process at a time; whoever had to wait finds it there."""
    ENVIRONMENTS.mkdir(parents=True, exist_ok=True)
    with (ENVIRONMENTS / f"{name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another process that makes the {name} environment")
            fcntl.flock(lock, fcntl.LOCK_EX)
        environment, requirements = ENVIRONMENTS / name, ROOT / "requirements" / f"{name}.txt"
        locked = requirements.read_bytes()
        if not is_fresh(environment, locked):
            # The installers inherit the lock: when only this process is killed, they still keep others away.
            make(environment, requirements, keep_open=lock.fileno())
            register(environment, locked)


def is_fresh(environment: Path, locked: bytes) -> bool:
    """The same question as in `run`, asked again once the lock is held."""
    try:
        here = (environment / "place").read_text() == f"{ROOT}\n"
        return here and (environment / "requirements.txt").read_bytes() == locked and has_python(environment)
    except OSError:
        return False


def has_python(environment: Path) -> bool:
    """Whether the interpreter below the environment is still installed."""
    return os.access(environment / "bin" / "python", os.X_OK)


def make(environment: Path, requirements: Path, keep_open: int) -> None:
    """Creates and fills the environment; raises InstallError."""
    uv = shutil.which("uv")
    shown, source = environment.relative_to(ROOT), requirements.relative_to(ROOT)
    say(f"making {shown} from {source} with {'uv' if uv else 'pip'} (once)")
    python = str(environment / "bin" / "python")
    what = ["--quiet", "--require-hashes", "--no-deps", "--requirement", str(requirements)]
    if uv:
        by_uv = [
            [
                uv,
                "venv",
                "--quiet",
                "--no-project",
                "--no-python-downloads",
                "--python",
                sys.executable,
                str(environment),
            ],
            [uv, "pip", "install", "--python", python, *what],
        ]
        try:
            return carry_out(environment, by_uv, keep_open)
        except InstallError as error:
            if not can_use_pip():
                raise
            say(f"{error}\nmaking it with pip instead")
    by_pip = [
        [sys.executable, "-I", "-m", "venv", str(environment)],
        [python, "-I", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile", *what],
    ]
    return carry_out(environment, by_pip, keep_open)


def carry_out(environment: Path, commands: list[list[str]], keep_open: int) -> None:
    """Starts from nothing and runs the commands, each silent unless it goes wrong."""
    if environment.exists():
        (environment / "place").unlink(missing_ok=True)  # first: half an environment must not look whole
        shutil.rmtree(environment)
    for command in commands:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, pass_fds=[keep_open]
        )
        if done.returncode:
            program = "uv" if Path(command[0]).name == "uv" else "pip"
            said = (done.stderr + done.stdout).strip() or f"exit code {done.returncode}"
            raise InstallError(
                f"making {environment.relative_to(ROOT)}: {program}: {said}\n"
                f"try: look at the network and at the package index that {program} is configured with"
            )


def register(environment: Path, locked: bytes) -> None:
    """Makes the project importable, adds its command, and marks the environment as complete."""
    where = {"base": str(environment), "platbase": str(environment)}
    Path(sysconfig.get_path("purelib", "venv", where), "pipeline-root.pth").write_text(f"{ROOT}\n")
    launcher = environment / "bin" / "pipeline"
    launcher.write_text(LAUNCHER)
    launcher.chmod(0o755)
    (environment / "requirements.txt").write_bytes(locked)
    unfinished = environment / "place.part"
    unfinished.write_text(f"{ROOT}\n")
    unfinished.replace(environment / "place")


def say(message: str) -> None:
    """To people: standard output belongs to the command that follows."""
    print(f"run: {message}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
