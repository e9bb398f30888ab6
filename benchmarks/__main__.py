"""The benchmark: `./run python -m benchmarks`. What it measures and what it found: docs/performance.md."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.aws import ROOT, Aws, running
from benchmarks.figures import Measure, render, render_markdown, to_json
from benchmarks.measure import Sample, run
from benchmarks.rollbacks import rollbacks
from benchmarks.service import CHANGED, ENVIRONMENT, Service, copied
from benchmarks.stack import describe

GROUPS = ("offline", "deploys", "scale", "rollbacks")
# Few functions, where the way counts, and many, where AWS's rate does.
ROLLED_BACK = (6, 60)


def main() -> None:
    """Measures and prints."""
    options = _options()
    measures: list[Measure] = []
    for group, measured in (
        ("offline", offline), ("deploys", deploys), ("scale", scale), ("rollbacks", rolled_back),
    ):  # fmt: skip
        if group in options.only:
            measures += measured(options)
    settings = {"runs": options.runs, "latency_ms": options.latency_ms, "threads": options.threads}
    document = to_json(measures, **settings)
    if options.json is not None:
        options.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    print((render_markdown if options.markdown else render)(measures, document))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=7, help="of each measure; the median counts")
    parser.add_argument("--latency-ms", type=float, default=50.0, help="added to every call to AWS")
    parser.add_argument("--threads", type=int, default=16, help="of the floor")
    parser.add_argument("--functions", type=int, default=200, help="of the large service")
    parser.add_argument("--only", nargs="+", choices=GROUPS, default=GROUPS)
    parser.add_argument("--markdown", action="store_true", help="the table as docs/performance.md has it")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write every figure of every run here")
    return parser.parse_args()


def offline(options: argparse.Namespace) -> list[Measure]:
    """What calls nothing."""
    version = Measure("--version", target=0.15)
    valid = Measure("validate", target=0.4)
    warm = Measure("package, downloads cached", target=0.9)
    unchanged = Measure("package, nothing changed", target=0.1)
    package = ("package", "--env", ENVIRONMENT)
    with copied() as service:
        service.packaged()
        for _ in _told(options.runs, "offline"):
            version.ours.append(service.pipeline("--version"))
            valid.ours.append(service.pipeline("validate"))
            unchanged.ours.append(service.pipeline(*package))
            service.forget_builds()
            warm.ours.append(service.pipeline(*package))
    return [version, valid, warm, unchanged]


def deploys(options: argparse.Namespace) -> list[Measure]:
    """The sample, against the floor; each run on an AWS of its own for either."""
    first = Measure("deploy, first", factor=1.5)
    planned = Measure("plan, nothing to do", factor=1.5)
    nothing = Measure("deploy, nothing to do", factor=1.5)
    changed = Measure("deploy, one function changed", factor=1.5)
    with copied() as service:
        for number in _told(options.runs, "deploys"):
            service.packaged()
            with ExitStack() as stack:
                ours, theirs = (stack.enter_context(running(options.latency_ms)) for _ in range(2))
                floor = _floor(service, theirs, options.threads)
                _both(first, _product(service, ours, "deploy"), floor("first"), ours, theirs)
                _both(planned, _product(service, ours, "plan"), floor("read"), ours, theirs)
                _both(nothing, _product(service, ours, "deploy"), floor("read"), ours, theirs)
                service.change(number)
                # The floor is given the archive; the product finds out what changed, and builds it.
                _both(changed, _product(service, ours, "deploy"), floor("change"), ours, theirs)
    return [first, planned, nothing, changed]


def scale(options: argparse.Namespace) -> list[Measure]:
    """A large service, which is deployed once."""
    planned = Measure(f"plan of {options.functions} functions", target=4.0)
    with copied(options.functions) as service, running(options.latency_ms) as aws:
        service.packaged()
        service.pipeline("deploy", "--env", ENVIRONMENT, aws=aws.variables)
        for _ in _told(options.runs, "scale"):
            _both(planned, _product(service, aws, "plan"), None, aws, aws)
    return [planned]


def rolled_back(options: argparse.Namespace) -> list[Measure]:
    """Old releases that serve again."""
    return [
        measure
        for functions in ROLLED_BACK
        for measure in rollbacks(functions, _told(options.runs, f"rollbacks of {functions}"), options.latency_ms)
    ]


def _told(runs: int, what: str) -> Iterator[int]:
    for number in range(1, runs + 1):
        print(f"{what}: run {number} of {runs}", file=sys.stderr)
        yield number


def _product(service: Service, aws: Aws, command: str) -> Callable[[], Sample]:
    return lambda: service.pipeline(command, "--env", ENVIRONMENT, aws=aws.variables)


def _floor(service: Service, aws: Aws, threads: int) -> Callable[[str], Callable[[], Sample]]:
    file = service.root.with_name("stack.json")

    def of(what: str) -> Callable[[], Sample]:
        def measured() -> Sample:
            stack: dict[str, Any] = describe(service.root, ENVIRONMENT, service.packaged())
            file.write_text(json.dumps({**stack, "notes": str(file.with_name("notes"))}), encoding="utf-8")
            program = [sys.executable, str(ROOT / "benchmarks" / "floor.py"), str(file), what]
            variables = {"PATH": os.environ.get("PATH", os.defpath), "HOME": service.variables["HOME"]}
            return run(
                [*program, "--threads", str(threads), "--only", CHANGED], service.root, {**variables, **aws.variables}
            )

        return measured

    return of


def _both(
    measure: Measure, product: Callable[[], Sample], floor: Callable[[], Sample] | None, ours: Aws, theirs: Aws
) -> None:
    ours.calls()
    measure.ours.append(product())
    measure.our_calls.append(ours.calls())
    if floor is not None:
        theirs.calls()
        measure.floor.append(floor())
        measure.floor_calls.append(theirs.calls())


if __name__ == "__main__":
    main()
