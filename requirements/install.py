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
import re
import shutil
import subprocess
import sys
import sysconfig
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

OLDEST = (3, 11)
ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENTS = ROOT / ".pipeline" / "env"

# What both installers take; a file of requirements follows.
EXACTLY = ("--require-hashes", "--no-deps", "--requirement")

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
    try:
        ENVIRONMENTS.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InstallError(f"making the environment: {error}; try: a clone that you may write to") from error
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
            Maker(environment, requirements, lock.fileno()).make()
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


@dataclass(frozen=True)
class Maker:
    """Creates and fills one environment. Installers inherit the file descriptor `lock`, and say nothing in success."""

    environment: Path
    requirements: Path
    lock: int

    def make(self) -> None:
        """By an installed uv, by pip otherwise; raises InstallError."""
        uv = shutil.which("uv")
        where, source = self.environment.relative_to(ROOT), self.requirements.relative_to(ROOT)
        say(f"making {where} from {source} with {'uv' if uv else 'pip'} (once)")
        if uv:
            try:
                return self.by_uv(uv)
            except InstallError as error:
                if not can_use_pip():
                    raise
                say(f"{error}\nmaking it with pip instead")
        return self.by_pip()

    def by_uv(self, uv: str) -> None:
        """uv takes about a second."""
        self.clear()
        create = [uv, "venv", "--quiet", "--no-project", "--no-python-downloads", "--python", sys.executable]
        self.call(*create, str(self.environment))
        self.uv_install(uv)

    def by_pip(self) -> None:
        """pip installs the uv of the lock, which installs the rest in a tenth of the time; or else pip does."""
        self.clear()
        self.call(sys.executable, "-I", "-m", "venv", str(self.environment))
        uv = re.search(r"^uv==.*\n(?:[ ].*\n)*", self.requirements.read_text(), re.MULTILINE)
        if uv:
            uv_alone = self.environment / "uv.txt"
            uv_alone.write_text(uv.group())
            self.pip_install(uv_alone)
            with suppress(InstallError):
                return self.uv_install(str(self.environment / "bin" / "uv"))
        return self.pip_install(self.requirements)

    def uv_install(self, uv: str) -> None:
        """Everything."""
        self.call(uv, "pip", "install", "--quiet", "--python", self.python, *EXACTLY, str(self.requirements))

    def pip_install(self, requirements: Path) -> None:
        """What the file holds."""
        pip = [self.python, "-I", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
        self.call(*pip, *EXACTLY, str(requirements))

    def clear(self) -> None:
        """Starts from nothing."""
        if self.environment.exists():
            (self.environment / "place").unlink(missing_ok=True)  # first: half an environment must not look whole
            shutil.rmtree(self.environment)

    def call(self, *command: str) -> None:
        """Runs an installer; raises InstallError with all that it said."""
        program = "uv" if Path(command[0]).name == "uv" else "pip"
        try:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, pass_fds=[self.lock]
            )
        except OSError as error:  # a file system without execution, say
            raise InstallError(f"making {self.environment.relative_to(ROOT)}: {program}: {error}") from error
        if done.returncode:
            said = (done.stderr + done.stdout).strip() or f"exit code {done.returncode}"
            raise InstallError(
                f"making {self.environment.relative_to(ROOT)}: {program}: {said}\n"
                f"try: look at the network and at the package index that {program} is configured with"
            )

    @property
    def python(self) -> str:
        """The environment's interpreter."""
        return str(self.environment / "bin" / "python")


def register(environment: Path, locked: bytes) -> None:
    """Makes the project importable, adds its command, and marks the environment as complete."""
    where = {"base": str(environment), "platbase": str(environment)}
    # Python reads .pth files as the locale has it, which may know ASCII alone: such paths are escaped.
    line = str(ROOT) if str(ROOT).isascii() else f"import sys; sys.path.append({str(ROOT)!a})"
    Path(sysconfig.get_path("purelib", "venv", where), "pipeline-root.pth").write_text(f"{line}\n")
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
