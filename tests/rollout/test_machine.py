"""The machine by examples: when it looks, at which minutes, what it says, and what people can do."""

from collections.abc import Iterable
from dataclasses import replace

import pytest

from pipeline.model.rollout import Measurement, Outcome, Result, RolloutStatus
from pipeline.model.strategy import Step, Strategy
from pipeline.rollout.events import (
    Abort,
    AbortRequested,
    Action,
    Approved,
    AwaitApproval,
    Clock,
    Done,
    Event,
    Measure,
    Measured,
    PauseRequested,
    Promote,
    Promoted,
    Resumed,
    Reverted,
    SetWeight,
    Wait,
    WeightSet,
)
from pipeline.rollout.machine import after, next_action, refusal

T = 1_795_000_000.0
DELAY = 120
CANARY = Strategy("canary", (Step(10, 300),))
GATED = Strategy("steps", (Step(5, 300, gate=True), Step(50, 0, gate=True)))

OK, BAD, DOUBT, OUTAGE = Result.SUCCESSFUL, Result.FAILED, Result.INCONCLUSIVE, Result.ERROR


def limited(strategy: Strategy, **limits: object) -> Strategy:
    return replace(strategy, analysis=replace(strategy.analysis, **limits))  # type: ignore[arg-type] # each by its name


class Driver:
    """Carries out what the machine asks for, in no time, with results from a script; the last one for ever."""

    def __init__(self, strategy: Strategy, results: Iterable[Result] = (OK,), now: float = T) -> None:
        self.strategy = strategy
        self.results = list(results)
        self.now = now
        self.status = RolloutStatus()
        self.done: list[Action] = []

    def tell(self, event: Event) -> None:
        self.status = after(self.strategy, self.status, event)

    @property
    def action(self) -> Action:
        return next_action(self.strategy, self.status, self.now)

    def step(self) -> bool:
        """Carries out one action; False when there is nothing to do but wait for a person, or it is done."""
        action = self.action
        self.done.append(action)
        if isinstance(action, SetWeight):
            self.tell(WeightSet(action.weight, self.now))
        elif isinstance(action, Wait):
            self.now = action.until
        elif isinstance(action, Measure):
            self.tell(self.measured(action))
        elif isinstance(action, Promote):
            self.tell(Promoted(self.now))
        elif isinstance(action, Abort):
            self.tell(Reverted(self.now))
        else:
            return False
        return True

    def measured(self, action: Measure) -> Measured:
        result = self.results.pop(0) if len(self.results) > 1 else self.results[0]
        window = (action.start, action.end)
        return Measured(Measurement(self.status.step, self.status.weight, self.now, *window, result, f"said {result}"))

    def run(self) -> Action:
        begun = len(self.done)
        while self.step():
            assert len(self.done) < begun + 1000
        return self.done[-1]

    @property
    def looks(self) -> list[tuple[float, float, float]]:
        """When it looked, and from when to when, in seconds since the beginning."""
        return [(found.at - T, found.start - T, found.end - T) for found in self.status.measurements]


# --- the straight way ----------------------------------------------------------------------------------------------


def test_all_at_once_is_promoted_at_once() -> None:
    driver = Driver(Strategy())
    assert driver.run() == Done(Outcome.PROMOTED)
    assert driver.done == [Promote(), Done(Outcome.PROMOTED)]
    assert driver.status.weight == 100


def test_a_canary_is_watched_every_minute_and_promoted_when_the_bake_is_over() -> None:
    driver = Driver(CANARY)
    assert driver.run() == Done(Outcome.PROMOTED)
    assert driver.done[0] == SetWeight(10)
    assert driver.looks == [(DELAY + end, 0, end) for end in (60, 120, 180, 240, 300)]
    assert [action.last for action in driver.done if isinstance(action, Measure)] == [False] * 4 + [True]
    assert driver.now == T + 300 + DELAY


def test_linear_goes_up_in_steps() -> None:
    steps = tuple(Step(weight, 60) for weight in range(10, 100, 10))
    driver = Driver(Strategy("linear", steps))
    assert driver.run() == Done(Outcome.PROMOTED)
    weights = [action.weight for action in driver.done if isinstance(action, SetWeight)]
    assert weights == [10, 20, 30, 40, 50, 60, 70, 80, 90]
    assert driver.now == T + 9 * (60 + DELAY)
    assert [found.step for found in driver.status.measurements] == list(range(9))


def test_each_step_is_compared_from_its_own_beginning() -> None:
    driver = Driver(limited(Strategy("steps", (Step(10, 60), Step(20, 60))), metric_delay=0))
    driver.run()
    assert driver.looks == [(60, 0, 60), (120, 60, 120)]


def test_the_last_look_is_when_the_bake_ends_and_not_an_interval_later() -> None:
    driver = Driver(Strategy("canary", (Step(10, 90),)))
    driver.run()
    assert driver.looks == [(DELAY + end, 0, end) for end in (60, 90)]


def test_no_second_is_lost_where_time_has_fractions() -> None:
    """(t + 420) - 120 is not always t + 300; a look that seems early by that would cost another minute."""
    for hundredth in range(100):
        begin = hundredth / 100
        driver = Driver(CANARY, now=begin)
        driver.run()
        assert len(driver.status.measurements) == 5


def test_the_shares_of_the_error_probability_never_exceed_one() -> None:
    driver = Driver(limited(CANARY, inconclusive_limit=200), [DOUBT])
    driver.run()
    shares = [action.share for action in driver.done if isinstance(action, Measure)]
    assert shares[:5] == [0.8 / 5] * 5
    assert shares[5:7] == [0.1, 0.2 / 6]
    assert len(shares) == 5 + 200
    assert sum(shares) < 1


# --- what measurements lead to -------------------------------------------------------------------------------------


def test_a_failed_look_aborts_before_the_bake_is_over() -> None:
    driver = Driver(CANARY, [OK, BAD])
    assert driver.run() == Done(Outcome.REVERTED)
    assert driver.done[-2] == Abort("said failed")
    assert driver.now == T + 120 + DELAY
    assert (driver.status.weight, driver.status.reason) == (0, "said failed")


def test_a_tolerated_failure_has_to_be_followed_by_success() -> None:
    once = limited(CANARY, failure_limit=1)
    assert Driver(once, [OK, BAD, OK, OK, OK]).run() == Done(Outcome.PROMOTED)
    assert Driver(once, [OK, BAD, OK, BAD, OK]).run() == Done(Outcome.REVERTED)
    late = Driver(once, [OK, OK, OK, OK, BAD, DOUBT, OK])
    assert late.run() == Done(Outcome.PROMOTED)
    assert late.looks[-1][0] == 300 + DELAY + 2 * 60


def test_too_little_knowledge_does_not_matter_before_the_bake_is_over() -> None:
    driver = Driver(limited(CANARY, inconclusive_limit=0), [DOUBT, DOUBT, DOUBT, DOUBT, OK])
    assert driver.run() == Done(Outcome.PROMOTED)


def test_inconclusive_gets_more_time_and_is_reverted_in_the_end() -> None:
    driver = Driver(limited(CANARY, inconclusive_limit=2), [DOUBT])
    assert driver.run() == Done(Outcome.REVERTED)
    assert driver.looks[4:] == [(DELAY + end, 0, end) for end in (300, 360, 420)]
    assert driver.status.reason == "inconclusive 3 times: said inconclusive"


def test_a_metrics_outage_is_no_failed_canary() -> None:
    assert Driver(CANARY, [OUTAGE, OUTAGE, OUTAGE, OUTAGE, OK]).run() == Done(Outcome.PROMOTED)


def test_a_long_outage_holds_for_a_person() -> None:
    driver = Driver(CANARY, [OUTAGE])
    assert driver.run() == AwaitApproval("no metrics 5 times in a row: said error", paused=True)
    assert driver.status.outcome is Outcome.RUNNING
    assert driver.status.weight == 10
    driver.results = [OK]
    driver.now += 86_400
    driver.tell(Resumed("dev"))
    assert driver.run() == Done(Outcome.PROMOTED)


def test_after_a_hold_outages_are_counted_anew() -> None:
    driver = Driver(limited(CANARY, error_limit=1), [OUTAGE, OUTAGE, OUTAGE, OK])
    driver.run()
    assert driver.status.paused
    driver.tell(Resumed("dev"))
    assert driver.run() == Done(Outcome.PROMOTED)


def test_after_a_pause_and_in_the_next_step_too_little_knowledge_is_counted_anew() -> None:
    two = limited(Strategy("steps", (Step(10, 60), Step(20, 60))), inconclusive_limit=1)
    driver = Driver(two, [DOUBT, DOUBT, OK, DOUBT, OK])
    while not driver.status.inconclusive:
        driver.step()
    driver.tell(PauseRequested("dev"))
    driver.tell(Resumed("dev"))
    assert driver.run() == Done(Outcome.PROMOTED)


def test_a_long_outage_can_be_made_to_revert() -> None:
    driver = Driver(limited(CANARY, on_error="abort", error_limit=1), [OUTAGE])
    assert driver.run() == Done(Outcome.REVERTED)
    assert driver.status.reason == "no metrics 2 times in a row: said error"


def test_outages_count_in_a_row_only() -> None:
    driver = Driver(limited(CANARY, error_limit=1), [OUTAGE, OK, OUTAGE, OK, OUTAGE, OK])
    assert driver.run() == Done(Outcome.PROMOTED)
    assert driver.status.looks == 3


@pytest.mark.parametrize("result", list(Result))
def test_a_dry_run_measures_and_goes_on_whatever_it_finds(result: Result) -> None:
    driver = Driver(limited(CANARY, dry_run=True), [result])
    assert driver.run() == Done(Outcome.PROMOTED)
    assert [found.verdict for found in driver.status.measurements] == [result] * 5
    assert driver.now == T + 300 + DELAY


def test_alarms_are_remembered_as_the_verdict_leaves_them() -> None:
    driver = Driver(CANARY)
    driver.status = RolloutStatus(alarms={"a": "ALARM"})
    driver.step()
    driver.now = T + 500
    action = driver.action
    assert isinstance(action, Measure)
    driver.tell(Measured(driver.measured(action).measurement, alarms={"a": "OK"}))
    assert driver.status.alarms == {"a": "OK"}


# --- gates ---------------------------------------------------------------------------------------------------------


def test_a_gate_waits_for_ever_without_anybody_sleeping() -> None:
    driver = Driver(GATED)
    waiting = driver.run()
    assert waiting == AwaitApproval("step 1 at 5 % is passed: its gate is closed", look=T + 420 + 60)
    for _ in range(1000):
        driver.now += 86_400
        driver.run()
    assert driver.status.step == 0
    assert isinstance(driver.action, AwaitApproval)
    assert len(driver.status.measurements) == 500


def test_a_gate_is_watched_by_whoever_comes_by() -> None:
    """Its window is the latest minutes, so that what goes wrong after hours is not lost among the good ones."""
    driver = Driver(GATED)
    driver.run()
    driver.now = T + 7200
    driver.results = [DOUBT, OUTAGE, BAD]
    driver.run()
    assert driver.looks[-1:] == [(7200, 7200 - DELAY - 300, 7200 - DELAY)]
    for _ in range(2):
        driver.now += 600
        driver.run()
    assert driver.status.outcome is Outcome.REVERTED


def test_an_open_gate_leads_to_the_next_step() -> None:
    driver = Driver(GATED)
    driver.run()
    driver.tell(Approved("dev", 0))
    assert driver.action == SetWeight(50)
    assert driver.run() == AwaitApproval("step 2 at 50 % is passed: its gate is closed", look=driver.now + DELAY + 60)
    driver.tell(Approved("dev", 1))
    assert driver.run() == Done(Outcome.PROMOTED)


def test_a_gate_can_be_opened_beforehand_but_the_bake_counts() -> None:
    driver = Driver(GATED, [OK, OK, OK, OK, BAD])
    driver.step()
    driver.tell(Approved("dev", 0))
    assert driver.run() == Done(Outcome.REVERTED)


def test_asking_twice_does_not_open_two_gates() -> None:
    driver = Driver(GATED)
    driver.run()
    driver.tell(Approved("dev", 0))
    driver.run()
    driver.tell(Approved("dev", 0))
    assert driver.status.step == 1
    assert isinstance(driver.action, AwaitApproval)


def test_an_open_gate_does_not_lead_past_a_failed_look() -> None:
    driver = Driver(limited(GATED, failure_limit=1), [OK, OK, OK, OK, OK, BAD, OK])
    driver.run()
    driver.now += 3600
    driver.run()
    driver.tell(Approved("dev", 0))
    assert driver.status.step == 0
    driver.now += 3600
    driver.run()
    assert driver.status.step == 1


def test_a_gate_survives_an_outage() -> None:
    driver = Driver(limited(GATED, error_limit=0), [OK, OK, OK, OK, OK, OUTAGE])
    for _ in range(3):
        driver.run()
        driver.now += 3600
    assert (driver.status.paused, driver.status.errors) == (False, 2)
    assert isinstance(driver.run(), AwaitApproval)


def test_a_gate_survives_a_night_without_traffic() -> None:
    driver = Driver(limited(GATED, inconclusive_limit=0), [OK, OK, OK, OK, OK, DOUBT])
    for _ in range(3):
        driver.run()
        driver.now += 3600
    assert isinstance(driver.run(), AwaitApproval)


# --- people --------------------------------------------------------------------------------------------------------


def test_a_pause_holds_and_its_clock_goes_on() -> None:
    driver = Driver(CANARY)
    driver.step()
    driver.tell(PauseRequested("dev", "strange logs"))
    driver.now += 86_400
    assert driver.run() == AwaitApproval("paused by dev: strange logs", paused=True)
    driver.tell(Resumed("dev"))
    assert driver.run() == Done(Outcome.PROMOTED)
    assert driver.looks == [(86_400, 0, 86_400 - DELAY)]


def test_a_weight_that_was_being_set_is_recorded_in_a_pause() -> None:
    driver = Driver(CANARY)
    driver.tell(PauseRequested("dev"))
    driver.tell(WeightSet(10, T))
    assert (driver.status.weight, driver.status.since) == (10, T)
    assert driver.action == AwaitApproval("paused by dev", paused=True)


def test_a_look_that_was_under_way_aborts_a_paused_rollout_when_it_failed() -> None:
    driver = Driver(CANARY, [BAD])
    driver.step()
    driver.now = T + 200
    look = driver.action
    driver.tell(PauseRequested("dev"))
    assert isinstance(look, Measure)
    driver.tell(driver.measured(look))
    assert driver.run() == Done(Outcome.REVERTED)


def test_everything_can_be_promoted_at_any_time() -> None:
    for count in range(4):
        driver = Driver(GATED)
        for _ in range(count):
            driver.step()
        driver.tell(PauseRequested("dev"))
        driver.tell(Approved("dev", 0, everything=True))
        assert driver.run() == Done(Outcome.PROMOTED)
        assert driver.status.reason == ""


def test_a_look_that_failed_meanwhile_stops_even_that() -> None:
    driver = Driver(CANARY, [BAD])
    driver.step()
    driver.now = T + 200
    look = driver.action
    assert isinstance(look, Measure)
    report = driver.measured(look)
    driver.tell(Approved("dev", 0, everything=True))
    driver.tell(report)
    assert driver.run() == Done(Outcome.REVERTED)


def test_an_abort_says_who_wanted_it_and_sticks() -> None:
    driver = Driver(CANARY)
    driver.step()
    driver.tell(AbortRequested("on-call", "wrong prices"))
    for event in (Resumed("dev"), PauseRequested("dev"), Approved("dev", 0, everything=True), Promoted(T), Clock(T)):
        driver.tell(event)
    assert driver.action == Abort("aborted by on-call: wrong prices")
    driver.tell(WeightSet(10, T))
    assert driver.run() == Done(Outcome.REVERTED)


def test_an_abort_in_the_middle_of_a_promotion_wins() -> None:
    driver = Driver(Strategy())
    driver.tell(PauseRequested("dev"))
    driver.tell(AbortRequested("on-call"))
    driver.tell(Promoted(T))
    assert (driver.status.outcome, driver.status.paused) == (Outcome.ABORTED, False)
    assert driver.run() == Done(Outcome.REVERTED)


@pytest.mark.parametrize(
    ("prepare", "asked", "why"),
    [
        ([], Resumed("dev"), "it is not paused"),
        ([PauseRequested("dev", "x")], PauseRequested("ops"), "it is paused already: paused by dev: x"),
        ([], Approved("dev", 1), "step 1 is under way, not step 2"),
        ([Approved("dev", 0, everything=True)], Approved("dev", 0), "every step is passed already"),
        ([AbortRequested("dev")], Approved("dev", 0), "the rollout is aborted already"),
        ([AbortRequested("dev"), Reverted(T)], AbortRequested("dev"), "the rollout is reverted already"),
        ([], Approved("dev", 0), None),
        ([], AbortRequested("dev"), None),
        ([], PauseRequested("dev"), None),
        ([], Clock(T), None),
    ],
)
def test_people_are_told_why_what_they_ask_for_has_no_effect(
    prepare: list[Event], asked: Event, why: str | None
) -> None:
    driver = Driver(GATED)
    for event in prepare:
        driver.tell(event)
    before = driver.status
    assert refusal(GATED, before, asked) == why
    driver.tell(asked)
    assert (driver.status == before) is (why is not None or isinstance(asked, Clock))


def test_a_step_without_a_gate_has_none_to_open() -> None:
    assert refusal(CANARY, RolloutStatus(), Approved("dev", 0)) == "step 1 has no gate to open"


def test_nothing_is_promoted_by_hand_after_a_failed_look() -> None:
    driver = Driver(limited(CANARY, failure_limit=1), [BAD])
    for _ in range(3):
        driver.step()
    asked = Approved("dev", 0, everything=True)
    assert refusal(driver.strategy, driver.status, asked) == "the last measurement failed: said failed"
    driver.tell(asked)
    assert driver.status.step == 0


# --- crashes and other runners -------------------------------------------------------------------------------------


@pytest.mark.parametrize("results", [[OK], [OK, BAD], [DOUBT], [OUTAGE, OK]])
def test_dying_after_every_action_before_it_is_recorded_changes_nothing(results: list[Result]) -> None:
    plain, dying = Driver(CANARY, results), Driver(CANARY, results)
    plain.run()
    while not isinstance(dying.action, Done):
        first = dying.action
        dying.status = RolloutStatus.from_json(dying.status.to_json())
        assert dying.action == first
        dying.step()
    assert dying.status == plain.status


def test_a_second_report_of_the_same_changes_nothing() -> None:
    driver = Driver(CANARY)
    driver.step()
    began = driver.status
    driver.tell(WeightSet(10, T + 50))
    driver.tell(WeightSet(20, T + 50))
    driver.tell(Promoted(T))
    driver.tell(Reverted(T))
    assert driver.status == began
    driver.now = T + 200
    look = driver.action
    assert isinstance(look, Measure)
    report = driver.measured(look)
    driver.tell(report)
    once = driver.status
    driver.tell(report)
    assert driver.status == once


def test_a_look_at_a_step_that_is_still_to_come_is_none() -> None:
    driver = Driver(CANARY)
    driver.step()
    began = driver.status
    driver.tell(Measured(Measurement(1, 20, T + 500, T, T + 300, BAD, "whose?")))
    assert driver.status == began


def test_a_look_that_came_late_from_an_earlier_step_is_kept_and_moves_nothing() -> None:
    driver = Driver(limited(Strategy("steps", (Step(10, 60), Step(20, 60))), metric_delay=0))
    for _ in range(3):
        driver.step()
    assert driver.status.step == 1
    late = Measurement(0, 10, driver.now + 1, T, T + 60, DOUBT, "late")
    driver.tell(Measured(late))
    assert driver.status.measurements[-1] == late
    assert driver.action == SetWeight(20)
    assert driver.run() == Done(Outcome.PROMOTED)
