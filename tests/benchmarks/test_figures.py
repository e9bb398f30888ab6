import sys
from pathlib import Path

import pytest

from benchmarks.figures import Measure, render, render_markdown, to_json
from benchmarks.measure import Sample, run


def measured(
    name: str,
    ours: list[float],
    floor: list[float] | None = None,
    *,
    target: float | None = None,
    factor: float | None = None,
) -> Measure:
    measure = Measure(name, target=target, factor=factor)
    measure.ours += [Sample(wall, wall / 2, 80.0) for wall in ours]
    measure.floor += [Sample(wall, wall / 2, 60.0) for wall in floor or []]
    measure.our_calls += [{"total": 71, "calls": {}} for _ in floor or []]
    measure.floor_calls += [{"total": 61, "calls": {}} for _ in floor or []]
    return measure


def test_the_ratio_is_the_middle_one_of_those_within_a_run() -> None:
    # The second run was disturbed, ours and the floor alike: the ratio does not tell.
    measure = measured("deploy", [1.2, 6.0, 1.0], [1.0, 5.0, 1.0], factor=1.5)
    assert (measure.wall, measure.floor_wall, measure.ratio, measure.reached) == (1.2, 1.0, 1.2, True)


@pytest.mark.parametrize(("wall", "reached"), [(0.09, True), (0.11, False)])
def test_seconds_can_be_the_aim(wall: float, reached: bool) -> None:
    assert measured("package", [wall], target=0.1).reached is reached


def test_the_table_and_the_document_say_the_same() -> None:
    measures = [measured("plan", [0.9], [0.5], factor=1.5), measured("--version", [0.05], target=0.15)]
    document = to_json(measures, runs=7, latency_ms=50.0, threads=16)
    assert [(row["name"], row["ratio"], row["reached"]) for row in document["measures"]] == [
        ("plan", 1.8, False), ("--version", None, True),
    ]  # fmt: skip
    assert document["peak_mib"] == 80
    table = render(measures, document).splitlines()
    assert table[2].split() == ["plan", "0.90", "0.45", "0.50", "1.80", "1.5", "x", "!", "71", "61", "80"]
    assert table[3].split() == ["--version", "0.05", "0.03", "0.15", "s", "80"]


def test_the_table_can_be_pasted_into_the_documentation() -> None:
    measures = [measured("plan", [0.9], [0.5], factor=1.5), measured("--version", [0.05], target=0.15)]
    document = to_json(measures, runs=7, latency_ms=50.0, threads=16)
    lines = render_markdown(measures, document).splitlines()
    assert lines[2:4] == [
        "| plan | 0.90 | 0.45 | 0.50 | 1.80 | 1.5 x ! | 71 | 61 | 80 |",
        "| --version | 0.05 | 0.03 |  |  | 0.15 s |  |  | 80 |",
    ]
    assert lines[0].count("|") == lines[1].count("|") == lines[2].count("|")
    assert lines[-1].startswith("medians of 7; 50 ms added to every call")


def test_a_process_is_measured_whole_and_a_failure_is_told(tmp_path: Path) -> None:
    sample = run([sys.executable, "-c", "print('x' * 10)"], tmp_path, {})
    assert sample.output == b"x" * 10 + b"\n"
    assert sample.wall > 0
    assert sample.cpu > 0
    assert sample.peak > 1
    with pytest.raises(SystemExit, match="ended with 3:\nwhy"):
        run([sys.executable, "-c", "import sys; sys.stderr.write('why'); sys.exit(3)"], tmp_path, {})
