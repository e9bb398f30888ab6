"""The traffic of a release: how each of its pointers shifts, and the shares themselves, all pointers as one.

Code shifts by the weights of aliases. A changed definition of a REST API shifts by a canary on its stage, whose
requests reach the functions of that API through an alias of their own (`planning.ways` decides): so one request meets
one release, in the API as in its functions, and the two shares never multiply.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from pipeline.errors import AwsError
from pipeline.model.resource import Resource
from pipeline.model.shift import Shift, Way
from pipeline.model.strategy import Engine
from pipeline.planning.ways import FUNCTIONS_ALONE, IS_PROVISIONED, OTHER_QUEUE, OTHER_ROLE, Chosen, Moving, choose
from pipeline.releasing.publisher import FUNCTION, Move
from pipeline.releasing.traffic import AliasRouter, Kind, Pointer, routers, sharing_routers
from pipeline.resources._rest_definition import CANARY_ALIAS
from pipeline.resources.base import Aws

_FOR_APIS = "apigateway.amazonaws.com"


def shifts_of(
    aws: Aws, desired: Iterable[Resource], moves: Sequence[Move], engine: Engine = "pipeline"
) -> tuple[Shift, ...]:
    """How everything that `moves` names shifts. Reads what AWS knows of the two versions of each function."""
    by_address = {move.resource.address: move for move in moves}
    moving = aws.gather([partial(_moving, aws, move, engine) for move in moves if move.needed])
    chosen = choose(desired, moving)
    return tuple(_shift(each, by_address[each.address]) for each in chosen if each.address in by_address)


def _shift(chosen: Chosen, move: Move) -> Shift:
    pointer, before = move.pointer, move.before or move.after
    return Shift(
        chosen.address,
        str(pointer.kind),
        pointer.owner,
        pointer.name,
        before,
        move.after,
        chosen.way,
        chosen.reason,
        chosen.sources,
        chosen.moves,
    )


def _moving(aws: Aws, move: Move, engine: Engine) -> Moving:
    address = move.resource.address
    if move.before is None:
        return Moving(address, new=True)
    if move.resource.type == FUNCTION:
        return Moving(address, _obstacle(aws, move))
    return Moving(address, FUNCTIONS_ALONE if engine == "codedeploy" else None)


def _obstacle(aws: Aws, move: Move) -> str | None:
    """Why Lambda would not let the alias share its invocations between these versions.

    https://docs.aws.amazon.com/lambda/latest/dg/configuring-alias-routing.html
    """
    name, alias, before = move.resource.name, move.pointer.name, str(move.before)
    if before == "$LATEST":
        return "its alias serves $LATEST, which AWS shares with nothing"
    asked: list[Callable[[], Any]] = [
        partial(_configuration, aws, name, before),
        partial(_configuration, aws, name, move.after),
        partial(_is_provisioned, aws, name, alias),
    ]
    old, new, provisioned = aws.gather(asked)
    if provisioned:
        return IS_PROVISIONED
    if old.get("Role") != new.get("Role"):
        return OTHER_ROLE
    if _dead_letters(old) != _dead_letters(new):
        return OTHER_QUEUE
    return None


def _configuration(aws: Aws, name: str, version: str) -> Mapping[str, Any]:
    return aws.call("lambda", "GetFunctionConfiguration", FunctionName=name, Qualifier=version)


def _is_provisioned(aws: Aws, name: str, alias: str) -> bool:
    """https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html"""
    found = aws.found("lambda", "GetProvisionedConcurrencyConfig", FunctionName=name, Qualifier=alias)
    return found is not None


def _dead_letters(configuration: Mapping[str, Any]) -> str | None:
    return (configuration.get("DeadLetterConfig") or {}).get("TargetArn")


class Traffic:
    """The traffic of one release. Each verb may be repeated, and ends once AWS shows what was asked for."""

    def __init__(self, aws: Aws, shifts: Iterable[Shift]) -> None:
        self._aws, self._shifts = aws, tuple(shifts)
        self._routers, self._sharing = routers(aws), sharing_routers(aws)

    def share(self, percent: float) -> None:
        """Gives the canary its share: functions first, then the APIs that call them."""
        self._aws.gather([partial(self._reach, shift) for shift in self._reached()])
        for kind, way in ((Kind.ALIAS, Way.WEIGHTS), (Kind.STAGE, Way.STAGE)):
            sharing = [shift for shift in self._shifts if shift.way is way and Kind(shift.kind) is kind]
            self._aws.gather([partial(self._share, shift, percent) for shift in sharing])

    def promote(self) -> None:
        """Makes the canary the stable release: every function, then every API."""
        for functions in (True, False):
            moving = [s for s in self._shifts if s.moves and (Kind(s.kind) is Kind.ALIAS) is functions]
            self._aws.gather([partial(self._serve, shift, shift.canary) for shift in moving])
        self._forget()

    def revert(self) -> None:
        """Gives everything back to the stable release, all pointers at once."""
        self._aws.gather([partial(self._serve, shift, shift.stable) for shift in self._shifts if shift.moves])
        self._forget()

    def _reached(self) -> list[Shift]:
        """The functions that the canary of an API reaches through an alias of their own."""
        return [shift for shift in self._shifts if Kind(shift.kind) is Kind.ALIAS and shift.way is Way.STAGE]

    def _share(self, shift: Shift, percent: float) -> None:
        self._sharing[Kind(shift.kind)].share(pointer_of(shift), shift.stable, shift.canary, percent)

    def _serve(self, shift: Shift, target: str) -> None:
        self._routers[Kind(shift.kind)].serve(pointer_of(shift), target)

    def _reach(self, shift: Shift) -> None:
        """The canary's alias of one function, which APIs may invoke by it as they may by the other alias.

        https://docs.aws.amazon.com/lambda/latest/dg/configuration-aliases.html: each alias has a policy of its own.
        """
        self._routers[Kind.ALIAS].serve(Pointer(Kind.ALIAS, shift.owner, CANARY_ALIAS), shift.canary)
        wanted, there = self._grants(shift.owner, shift.name), self._grants(shift.owner, CANARY_ALIAS)
        for sid, statement in wanted.items():
            if sid not in there:
                self._grant(shift.owner, sid, statement)

    def _grants(self, function: str, alias: str) -> dict[str, Mapping[str, Any]]:
        """What lets API Gateway invoke the function by this alias, by statement id."""
        found = self._aws.found("lambda", "GetPolicy", FunctionName=function, Qualifier=alias)
        statements = json.loads(found["Policy"])["Statement"] if found else []
        return {s["Sid"]: s for s in statements if (s.get("Principal") or {}).get("Service") == _FOR_APIS}

    def _grant(self, function: str, sid: str, statement: Mapping[str, Any]) -> None:
        condition = statement.get("Condition") or {}
        like = {key.lower(): value for kind in condition.values() for key, value in kind.items()}
        narrowed = {"SourceArn": like.get("aws:sourcearn"), "SourceAccount": like.get("aws:sourceaccount")}
        try:
            self._aws.call(
                "lambda",
                "AddPermission",
                FunctionName=function,
                Qualifier=CANARY_ALIAS,
                StatementId=sid,
                Action="lambda:InvokeFunction",
                Principal=_FOR_APIS,
                **{name: value for name, value in narrowed.items() if value},
            )
        except AwsError as error:
            if error.code != "ResourceConflictException":
                raise

    def _forget(self) -> None:
        """Removes the aliases of the canary: no version may be kept back by them."""
        router = AliasRouter(self._aws)
        self._aws.gather(
            [partial(router.remove, Pointer(Kind.ALIAS, shift.owner, CANARY_ALIAS)) for shift in self._reached()]
        )


def pointer_of(shift: Shift) -> Pointer:
    """What the shift moves."""
    return Pointer(Kind(shift.kind), shift.owner, shift.name)
