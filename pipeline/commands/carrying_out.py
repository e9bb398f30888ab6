"""Carries out an intent: one environment after the other, each followed on GitHub where there is a way to it."""

from collections.abc import Callable, Mapping

from pipeline.commands.advising import options_of
from pipeline.commands.checking import check
from pipeline.commands.commanding import command
from pipeline.commands.concluding import conclude
from pipeline.commands.costing import cost_sections
from pipeline.commands.delivering import deploy
from pipeline.commands.drifting import detect_all
from pipeline.commands.following import Following
from pipeline.commands.hub import Hub, hub_of, run_of
from pipeline.commands.notifying import notify, notify_end, notifying_before
from pipeline.commands.permitting import check_tag
from pipeline.commands.plan import plan
from pipeline.commands.regions import each_region
from pipeline.commands.repeating import check_newest
from pipeline.commands.requesting import DeployRequest
from pipeline.commands.resuming import render_resumed, resume
from pipeline.commands.reviewing import Reviewing, remember
from pipeline.commands.rolling_back import rollback_to
from pipeline.commands.steering import abortion, promotion, steer
from pipeline.commands.unlock import document_of, render_unlocked, unlock
from pipeline.commands.workspace import Workspace
from pipeline.config.loaded import Project
from pipeline.config.project import load_project
from pipeline.errors import BadInput, NothingUnderWay, Refused
from pipeline.intake.words import PREVIOUS
from pipeline.model.intent import Intent, Kind
from pipeline.model.report import DeployReport, RollbackReport, RolloutReport
from pipeline.model.rollout import Outcome
from pipeline.planning.planner import Consent
from pipeline.releasing.hold import told
from pipeline.reporting.deploy_text import render_deploy
from pipeline.reporting.markdown import code
from pipeline.reporting.rollback_text import render_rollback
from pipeline.reporting.rollout_text import render_rollout

# The surroundings for one environment, or with None for all.
Surroundings = Callable[[str | None], Workspace]


def explanation(intent: Intent) -> str:
    """An intent for people: one line that says what, and one that says why."""
    what = " ".join([intent.kind.value, *([", ".join(intent.environments)] if intent.environments else [])])
    what += f" to release {intent.target}" if intent.target else ""
    what += f" at {intent.sha[:12]}" if intent.sha and intent.kind is not Kind.IGNORE else ""
    return f"{what}\n  {intent.reason}"


def carry_out(intent: Intent, surroundings: Surroundings, env: str | None) -> int:
    """Does what `intent` says; the exit code. BadInput when it cannot be done as asked."""
    space = surroundings(env)
    hub = hub_of(space)
    try:
        return _carried_out(intent, surroundings, space, hub)
    finally:
        if hub is not None:
            hub.close(space.console, stopped=space.stop.is_set())


def _carried_out(intent: Intent, surroundings: Surroundings, space: Workspace, hub: Hub | None) -> int:
    space.console.say(explanation(intent))
    if intent.command is not None and not (intent.command == "help" and hub is None):
        return command(space, hub, load_project(space.root), intent)
    if intent.mistake:
        with notifying_before(space.console, space.environ):
            raise BadInput(intent.reason)
    if intent.kind is Kind.IGNORE:
        conclude(hub, intent, space.actor)
        return 0
    if intent.kind is Kind.VALIDATE:
        conclude(hub, intent, space.actor)
        return check(space, intent.environments, surroundings)
    if intent.kind is Kind.DETECT_DRIFT:
        return detect_all(intent.environments, surroundings, hub)
    project, act = load_project(space.root), _ACTS[intent.kind]
    spaces = (one for name in intent.environments for one in each_region(surroundings(name)))
    codes = (_followed(act, one, intent, hub, project) for one in spaces)
    return next((exit_code for exit_code in codes if exit_code != 0), 0)


def _followed(act: "Act", space: Workspace, intent: Intent, hub: Hub | None, project: Project) -> int:
    """Acts on one environment, and has GitHub told what becomes of it; the exit code."""
    if intent.actor is not None and (intent.by_tag or intent.comment is not None):
        # Whoever pushed the tag or gave the command is who does it, and not the program that started this run.
        space.environ = {**space.environ, "GITHUB_ACTOR": intent.actor}
    if intent.kind is Kind.DEPLOY:
        # Before anything is told: what serves since then keeps its word.
        check_newest(space, hub, intent)
    following = Following(space, intent, hub, run_of(space), project.github)
    space.follower = following
    following.begins()
    try:
        if _is_of_its_commit(intent, space):
            _check_checkout(intent, space)
        if intent.by_tag:
            check_tag(space, hub, intent.actor, project.environments[following.name].permission)
        exit_code = act(space, intent, following)
    except BaseException as error:
        following.failed(error)
        if intent.kind is not Kind.PREVIEW:
            notify_end(space, following.place, getattr(error, "exit_code", 1), str(error) or type(error).__name__)
        raise
    notify_end(space, following.place, exit_code, f"{intent.kind}: the release before serves again")
    return exit_code


def _preview(space: Workspace, intent: Intent, following: Following) -> int:
    # The code of a pull request that a command asked for may be a fork's: it never runs beside credentials. The pull
    # request's own run has imported it.
    imports = not _is_of_its_commit(intent, space)
    found = plan(space, consent=Consent(), out=None, details=False, imports=imports)
    remember(space, intent, found)
    following.previewed(found, *cost_sections(space, found))
    return 0


def _deploy(space: Workspace, intent: Intent, following: Following) -> int:
    review = None
    if intent.by_push and intent.sha is not None:
        review = Reviewing(space, following.hub, intent.sha, load_project(space.root).review).check
    report = deploy(space, DeployRequest(clear_hold=intent.clear_hold, review=review))
    space.console.result(report.to_json(), render_deploy(report, space.console.style))
    _tell(following, report)
    return report.exit_code


def _tell(following: Following, report: DeployReport) -> None:
    """A release that was taken back, or has a share only, is not live."""
    canary = report.canary
    if canary is None or canary.rollout.status.outcome is Outcome.PROMOTED:
        following.deployed(report)
    else:
        following.shifted(canary, report)


def _rollback(space: Workspace, intent: Intent, following: Following) -> int:
    report = rollback_to(space, intent.target or PREVIOUS, again=intent.again)
    space.console.result(report.to_json(), render_rollback(report, space.console.style))
    following.rolled_back(report)
    if report.deploy.changed:
        hold = f"; {told(report.hold)}: deploying needs --clear-hold" if report.hold else ""
        notify(space, "rolled-back", following.place, f"release {report.plan.target.number} serves again{hold}")
    return 0


def _resume(space: Workspace, intent: Intent, following: Following) -> int:
    done = resume(space, due=intent.by_schedule)
    space.console.result(done.to_json(), render_resumed(done, space.console.style))
    if isinstance(done.report, RollbackReport):
        following.rolled_back(done.report)
    elif isinstance(done.report, DeployReport):
        _tell(following, done.report)
    elif done.report is not None:
        following.shifted(done.report.canary)
    return done.exit_code


def _steered(space: Workspace, following: Following, steering: Callable[[], RolloutReport]) -> RolloutReport | None:
    """What came of steering. Of several regions those have nothing to do in which no release is being rolled out."""
    try:
        return steering()
    except NothingUnderWay as error:
        if space.region is None:
            raise
        space.console.say(str(error))
        following.answered(code(str(error)))
        return None


def _promote(space: Workspace, _intent: Intent, following: Following) -> int:
    report = _steered(space, following, lambda: steer(space, "promote", promotion(space, everything=False)))
    if report is None:
        return 0
    space.console.result(report.to_json(), render_rollout(report, space.console.style))
    following.shifted(report.canary)
    return report.canary.exit_code


def _abort(space: Workspace, intent: Intent, following: Following) -> int:
    report = _steered(space, following, lambda: steer(space, "abort", abortion(space, intent.reason)))
    if report is None:
        return 0
    space.console.result(report.to_json(), render_rollout(report, space.console.style))
    following.shifted(report.canary)
    return 0


def _unlock(space: Workspace, _intent: Intent, following: Following) -> int:
    freed = unlock(space)
    text = render_unlocked(following.name, freed, space.console.style, options_of(space))
    space.console.result(document_of(following.name, freed), text)
    following.answered(code(text.splitlines()[0]))
    return 0


Act = Callable[[Workspace, Intent, Following], int]

# What is done for each environment of an intent.
_ACTS: Mapping[Kind, Act] = {
    Kind.PREVIEW: _preview,
    Kind.DEPLOY: _deploy,
    Kind.ROLLBACK: _rollback,
    Kind.RESUME: _resume,
    Kind.UNLOCK: _unlock,
    Kind.PROMOTE: _promote,
    Kind.ABORT: _abort,
}


def _is_of_its_commit(intent: Intent, space: Workspace) -> bool:
    """True when what is done is of exactly the commit that was named; GitHub itself checks out a trial merge."""
    if intent.kind is Kind.PREVIEW:
        return intent.pull_request is not None and space.environ.get("GITHUB_EVENT_NAME") != "pull_request"
    return intent.kind is Kind.DEPLOY


def _check_checkout(intent: Intent, space: Workspace) -> None:
    """Refused when the files here are not those of the event: it would be told of something else than is done."""
    if intent.sha and space.commit and intent.sha != space.commit:
        raise Refused(
            f"{intent.kind} of {', '.join(intent.environments)}: the event is about commit {intent.sha[:12]}, but "
            f"{space.commit[:12]} is checked out",
            hint=f"git checkout {intent.sha}; for this checkout, by hand: pipeline deploy --env NAME",
        )
