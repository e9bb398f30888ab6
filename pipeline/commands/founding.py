"""The stages of a bootstrap: what an account needs for a service's CI, planned and made by the engine of deploys."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from pipeline.applying.observer import observe
from pipeline.clients import GitHubTransport
from pipeline.commands.hub import API
from pipeline.commands.progress import Display
from pipeline.commands.running import Unrecorded, executor_for
from pipeline.commands.workspace import Workspace
from pipeline.config.files import Files
from pipeline.config.identity import read_identity
from pipeline.config.regions import regions_of
from pipeline.config.validation import Checker
from pipeline.errors import BadInput, Diagnostic, GitHubError
from pipeline.github.client import Client
from pipeline.granting.account import PROVIDER, Account
from pipeline.granting.needs import Needs
from pipeline.granting.trust import AUDIENCE, Repository
from pipeline.model.plan import Plan
from pipeline.model.resource import DesiredState, ObservedState, Resource
from pipeline.planning.planner import Consent, Question, make_plan
from pipeline.planning.safety import check_account, check_plan
from pipeline.releasing.store import bucket_name
from pipeline.resources.base import Target


@dataclass(frozen=True)
class Elsewhere:
    """What is to be done in a region besides the home one: its ledger alone."""

    workspace: Workspace
    plan: Plan
    observed: ObservedState


@dataclass(frozen=True)
class Founding:
    """What is to be done. `zone` is a domain whose hosted zone is to be made, `elsewhere` what other regions need."""

    account: Account
    plan: Plan
    observed: ObservedState
    zone: str | None = None
    elsewhere: tuple[Elsewhere, ...] = ()

    @property
    def done(self) -> bool:
        """True when there is nothing to do."""
        return not self.plan.effective and self.zone is None and not any(one.plan.effective for one in self.elsewhere)


def account_for(
    workspace: Workspace, repository: Repository, github: str | None, released: Iterable[Resource] = ()
) -> Account:
    """What the environment of this workspace needs, derived from its specs and what was released; calls nothing."""
    scope = workspace.scope
    settings = workspace.loaded.project.environments.get(scope.environment)
    needs = Needs(
        scope,
        (*_declared_anywhere(workspace).values(), *released),
        bucket_name(scope),
        deletes_data=settings is not None and settings.deletes_data,
        elsewhere={region: bucket_name(replace(scope, region=region)) for region in workspace.environment.elsewhere},
        sources=dict(_sources(workspace)),
    )
    return Account(needs, repository, github or scope.environment)


def _sources(workspace: Workspace) -> Iterator[tuple[str, str]]:
    """(bucket, region) of the ledgers of environments that stand before this one: what they serve may be promoted."""
    names = list(workspace.loaded.project.environments)
    here = workspace.scope.environment
    for name in names[: names.index(here)] if here in names else ():
        with suppress(BadInput):  # one that is not right yet has nothing to promote
            for region in regions_of(Files(workspace.root), name) or (None,):
                scope = read_identity(workspace.root, name, region).with_account(workspace.scope.account).scope
                yield bucket_name(scope), scope.region


def released(workspace: Workspace) -> list[Resource]:
    """What serves in any region: the next deploy reads it, and removes what the specs have no more."""
    found: list[Resource] = []
    for space in (workspace, *workspace.others_of_home(needs_specs=True)):
        current = space.ledger.head().current
        found += current.desired if current is not None else ()
    return found


def _declared_anywhere(workspace: Workspace) -> dict[str, Resource]:
    """What any region declares, by address: names may hold the region."""
    spaces = (*workspace.others_of_home(needs_specs=True), workspace)
    return {resource.address: resource for space in spaces for resource in space.loaded.desired[space.name]}


def identified(workspace: Workspace, repository: Repository) -> Repository:
    """The repository with its ids: as given, else as GitHub tells where there is a token for asking.

    https://docs.github.com/en/rest/repos/repos#get-a-repository
    """
    token = workspace.environ.get("GITHUB_TOKEN") or workspace.environ.get("GH_TOKEN")
    if repository.has_ids or not token:
        return repository
    client = Client(GitHubTransport(token, workspace.environ.get("GITHUB_API_URL") or API), workspace.clock)
    try:
        found = client.get(f"/repos/{repository.owner}/{repository.name}")
    except GitHubError as error:
        workspace.console.warn(Diagnostic(f"looking up the ids of the repository: {error}", severity="warning"))
        return repository
    return replace(repository, owner_id=str(found["owner"]["id"]), id=str(found["id"]))


def check_credentials(workspace: Workspace) -> None:
    """Refused when they are of another account than the environment names."""
    found = str(workspace.aws.call("sts", "GetCallerIdentity")["Account"])
    check_account(workspace.environment.account, found, workspace.scope.environment)


def survey(workspace: Workspace, account: Account, zone: str | None, adopt: frozenset[str]) -> Founding:
    """Reads the account and plans."""
    aws = workspace.aws
    wanted = DesiredState((*declared(workspace, account), _ledger(workspace)))
    observed = observe(aws, workspace.types, wanted, None, thorough=True)
    wanted = _without_others(wanted, observed, workspace)
    question = Question(
        scope=account.scope,
        desired=wanted,
        observed=observed,
        specs=workspace.types.specs,
        consent=Consent(adopt=adopt),
        warnings=tuple(warnings(account)),
    )
    others = tuple(_survey_ledger(other, adopt) for other in workspace.others_of_home(needs_specs=True))
    return Founding(account, make_plan(question), observed, _missing(workspace, zone), others)


def _survey_ledger(workspace: Workspace, adopt: frozenset[str]) -> Elsewhere:
    wanted = DesiredState((_ledger(workspace),))
    observed = observe(workspace.aws, workspace.types, wanted, None, thorough=True)
    consent = Consent(adopt=adopt)
    question = Question(workspace.scope, wanted, observed, workspace.types.specs, consent=consent)
    return Elsewhere(workspace, make_plan(question), observed)


def declared(workspace: Workspace, account: Account) -> Iterator[Resource]:
    """The resources of the account as the engine takes them: checked, with defaults, canonical."""
    problems: list[Diagnostic] = []
    for kind_name, properties, needs in account.resources():
        kind = workspace.types[kind_name]
        complete = Checker(kind.spec.schema, kind.name).with_defaults(properties)
        resource = Resource(kind_name, properties["name"], kind.canonical(complete, account.scope), needs)
        problems += [
            Diagnostic(f"{resource.address}: {problem.message}", hint=problem.hint)
            for problem in kind.check(resource, account.scope)
        ]
        yield resource
    if problems:
        raise BadInput.of(problems)


def apply(workspace: Workspace, founding: Founding) -> None:
    """Carries the plan out; raises when not all of it went through."""
    here = Elsewhere(workspace, founding.plan, founding.observed)
    for one in (here, *founding.elsewhere):
        check_plan(one.plan, max_deletions=0)
    for one in (here, *founding.elsewhere):
        outputs = {address: found.outputs for address, found in one.observed.resources.items()}
        with workspace.console.working(f"preparing the account in {one.plan.region}") as live:
            executor = executor_for(one.workspace, Unrecorded(), Display(live, workspace.console.err_style))
            executor.run(list(one.plan.effective), outputs).raise_for_failures()
    if founding.zone is not None:
        _make_zone(workspace, founding.zone)


def warnings(account: Account) -> Iterator[Diagnostic]:
    """What is weaker than it could be."""
    repository = account.repository
    name = f"{repository.owner}/{repository.name}"
    if not repository.has_ids:
        yield Diagnostic(
            f"the ids of {name} are not known: tokens that carry them, as those of repositories made, renamed or moved "
            "after 2026-07-15 do, are not trusted",
            hint="set GITHUB_TOKEN, with which they are looked up, or --repo OWNER@ID/NAME@ID with what "
            f"`gh api repos/{name} --jq '.owner.id, .id'` prints",
            severity="warning",
        )
    elif repository.any_id:
        yield Diagnostic(
            f"any ids are trusted: whoever takes over the name {name} may assume these roles",
            hint="--repo OWNER@ID/NAME@ID",
            severity="warning",
        )
    if account.needs.deletes_data:
        yield Diagnostic(
            f"the role that deploys {account.scope.environment} may delete its data (deletes_data in pipeline.yaml)",
            severity="warning",
        )
    if None in account.needs.boundaries:
        boundary = f"{account.scope.service}-functions-boundary"
        yield Diagnostic(
            "not every declared role has a permissions boundary, so the role that deploys may make roles that can do "
            "more than itself",
            hint=f"iam: {{permissions_boundary: {boundary}}} in pipeline.yaml, then bootstrap again",
            severity="warning",
        )


def printed(account: Account) -> dict[str, Any]:
    """Everything that somebody else needs to make the roles: policies, trust, and which role has what."""
    return {
        "oidc_provider": {"url": f"https://{PROVIDER.partition('/')[2]}", "audiences": [AUDIENCE]},
        "policies": account.documents(),
        "roles": {
            name: {
                "trust": document,
                "policies": account.policies_of(name),
                "permissions_boundary": next(iter(account.documents())),
            }
            for name, document in account.trusts().items()
        },
        "ledger": account.needs.ledger,
    }


def _ledger(workspace: Workspace) -> Resource:
    kind = workspace.types["s3.bucket"]
    return workspace.ledger.bucket_resource(kind, tls_only=workspace.aws.is_encrypted("s3"))


def _without_others(wanted: DesiredState, observed: ObservedState, workspace: Workspace) -> DesiredState:
    """Without what all services of the account share and another one made: the provider, boundaries of functions."""
    kept = []
    for resource in wanted:
        found = observed.get(resource.address)
        shared = resource.address == PROVIDER or resource.name.endswith("-functions-boundary")
        if found is None or not shared:
            kept.append(resource)
            continue
        if resource.address == PROVIDER and AUDIENCE not in found.properties["audiences"]:
            raise BadInput(
                f"{resource.name} is a provider of this account already, but not for tokens made out to {AUDIENCE}",
                hint="aws iam add-client-id-to-open-id-connect-provider --open-id-connect-provider-arn "
                f"{found.outputs['arn']} --client-id {AUDIENCE}",
            )
        if workspace.scope.owns(found.mark) and resource.address != PROVIDER:
            kept.append(resource)
        elif workspace.scope.owns(found.mark):
            kept.append(
                replace(resource, properties={**resource.properties, "audiences": found.properties["audiences"]})
            )
    return DesiredState(tuple(kept))


def _missing(workspace: Workspace, zone: str | None) -> str | None:
    """The domain, when it was asked for and has no hosted zone yet."""
    if zone is None:
        return None
    kind = workspace.types["route53.hosted_zone"]
    wanted = Resource(kind.name, zone, {"name": zone})
    problems = Checker(kind.spec.schema, kind.name).complaints({"name": zone})
    if problems:
        raise BadInput(f'--hosted-zone is "{zone[:80]}"', hint="a domain in lower case, such as orders.example.com")
    return None if wanted.address in kind.read(workspace.aws, [Target(wanted, {})]) else zone


def _make_zone(workspace: Workspace, zone: str) -> None:
    """The hosted zone. The reference makes a repetition harmless: Route 53 makes one zone for each.

    https://docs.aws.amazon.com/Route53/latest/APIReference/API_CreateHostedZone.html
    """
    scope = workspace.scope
    reference = f"pipeline-{scope.service}-{scope.environment}-{zone}"[:128]
    made: Mapping[str, Any] = workspace.aws.call("route53", "CreateHostedZone", Name=zone, CallerReference=reference)
    servers = ", ".join(made.get("DelegationSet", {}).get("NameServers", ()))
    workspace.console.say(
        f"  + route53.hosted_zone/{zone}: tell the registrar of the domain its name servers: {servers}"
    )
