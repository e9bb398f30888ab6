"""`pipeline bootstrap`: an AWS account made ready for the CI of one environment."""

import json
import sys

import click

from pipeline.commands.founding import (
    Founding,
    account_for,
    apply,
    check_credentials,
    identified,
    printed,
    released,
    survey,
    warnings,
)
from pipeline.commands.options import in_regions
from pipeline.commands.questions import confirm
from pipeline.commands.regions import Way
from pipeline.commands.workspace import Workspace
from pipeline.errors import Refused
from pipeline.granting.trust import Repository
from pipeline.reporting.plan_text import render_plan

EPILOG = """\b
Examples:
  pipeline bootstrap --env dev --repo acme/orders
  pipeline bootstrap --env production --repo acme@4711/orders@815 --yes
  pipeline bootstrap --env production --repo acme/orders --print > policies.json
"""


@click.command(epilog=EPILOG)
@in_regions(Way.ONCE)
@click.option(
    "--repo", required=True, metavar="OWNER/NAME", help="The repository on GitHub; with ids OWNER@ID/NAME@ID."
)
@click.option("--github-environment", metavar="NAME", help="The environment's name on GitHub. [default: the same]")
@click.option("--hosted-zone", metavar="DOMAIN", help="Also make the hosted zone of this domain, where there is none.")
@click.option("--adopt", multiple=True, metavar="ADDRESS", help="Take over an existing resource; may be repeated.")
@click.option(
    "--print", "only_print", is_flag=True, help="Print policies and trust as JSON; call AWS for nothing else."
)
@click.option("--yes", is_flag=True, help="Do not ask.")
def command(
    space: Workspace, repo: str, github_environment: str | None,
    hosted_zone: str | None, adopt: tuple[str, ...], only_print: bool, yes: bool,
) -> int:  # fmt: skip
    """Make an account ready: OIDC provider, a role that plans and one that deploys, their policies, the ledger.

    Shows what it will do and asks first. Running it again does what is missing, such as after a new resource type.
    """
    repository = identified(space, Repository.parse(repo))
    if only_print:
        account = account_for(space, repository, github_environment)
        for warning in warnings(account):
            space.console.warn(warning)
        document = printed(account)
        space.console.result(document, json.dumps(document, indent=2))
        return 0
    with space.stage("plan"):
        check_credentials(space)
        account = account_for(space, repository, github_environment, released(space))
        founding = survey(space, account, hosted_zone, frozenset(adopt))
    style = space.console.err_style
    space.console.say(render_plan(founding.plan, style))
    for other in founding.elsewhere:
        space.console.say(render_plan(other.plan, style))
    if founding.zone is not None:
        space.console.say(f"and the hosted zone of {founding.zone}")
    if not founding.done:
        _ask(founding, yes=yes, form=space.console.format)
        with space.stage("apply"):
            apply(space, founding)
    space.console.result(_document(founding), _told(founding))
    return 0


def _ask(founding: Founding, *, yes: bool, form: str) -> None:
    """Click's Abort when the user says no; Refused where nobody can be asked."""
    if yes:
        return
    if not sys.stdin.isatty() or form == "json":
        raise Refused("preparing the account: nobody agreed to this plan", hint="look at it, and run again with --yes")
    confirm(f"make these changes in account {founding.plan.account}?")


def _document(founding: Founding) -> dict[str, object]:
    return {
        "changed": not founding.done,
        "plan": founding.plan.to_json(),
        "ledger": founding.account.needs.ledger,
        "roles": founding.account.role_arns(),
    }


def _told(founding: Founding) -> str:
    """What is there now, and what remains to be done on GitHub."""
    scope = founding.account.scope
    what = "nothing to do: " if founding.done else ""
    lines = [f"✓ {what}account {scope.account} is ready for {scope.service} in {scope.environment}", ""]
    lines.append("  on GitHub, in the repository's settings, an environment each with the variable AWS_ROLE_ARN:")
    lines += [f"    {name}  {arn}" for name, arn in founding.account.role_arns().items()]
    return "\n".join(lines)
