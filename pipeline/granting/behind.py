"""What AWS asks IAM for behind a call: keys, roles, layers and web ACLs that specs name, by the caller's rights. Pure.

One source for the policies that `bootstrap` writes and for what `doctor` has simulated: the former for all resources,
by the service's prefix, the latter for a single resource by its very names.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.granting.collecting import Collected, Statement, statement, title_of
from pipeline.granting.knowledge import CHANGE, READ
from pipeline.model.resource import Resource
from pipeline.model.values import Expression

if TYPE_CHECKING:
    from pipeline.granting.needs import Needs

# The statement that allows reading secrets -> the service, and its name for a secret in what it tells KMS.
_CONTEXTS = {"Parameters": ("ssm", "PARAMETER_ARN"), "Secrets": ("secretsmanager", "SecretARN")}


@dataclass(frozen=True)
class Behind:
    """What is asked for all resources of a service; for `one` of them alone where it is given."""

    needs: "Needs"
    one: Resource | None = None

    def statements(self) -> list[Statement]:
        """All of it that reading and changing takes, but for keys that nobody names."""
        known = self.needs.known
        found = Collected(known)
        for title, actions, arns in self.named():
            found.add(title, actions, arns)
        return [*found.statements(), *self.keys(READ), *self.keys(CHANGE), *self.passing()]

    def named(self) -> Iterator[tuple[str, set[str], list[str]]]:
        """(title, actions, ARNs) of what others made and the specs name by ARN."""
        acls = {str(acl) for each in self._of("cloudfront.distribution") if (acl := each.properties.get("web_acl"))}
        yield "WebAcls", {"wafv2:GetWebACL"}, sorted(acls)
        yield "LayersOfOthers", {"lambda:GetLayerVersion"}, self._layers_of_others()

    def keys(self, phase: str) -> Iterator[Statement]:
        """Keys of KMS that the specs name: services use them with the rights of who calls, and they only for these."""
        for kind, rule in self.needs.known.rules["keys"].items():
            keys = sorted({str(key) for each in self._of(kind) if (key := self._key(each, rule))})
            if keys and phase in rule:
                via = (
                    {"StringEquals": {"kms:ViaService": self.needs.via(rule["service"])}} if "service" in rule else None
                )
                yield statement(f"KeysOf{title_of(kind)}", set(rule[phase]), keys, via)

    def secret_keys(self) -> Iterator[Statement]:
        """Secrets may be encrypted with keys that nobody names here: those, for these secrets and nothing else.

        https://docs.aws.amazon.com/kms/latest/developerguide/services-parameter-store.html and
        https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html
        """
        needs = self.needs
        found = Collected(needs.known)
        for scope in needs.scopes:
            for reference in needs.secrets():
                found.take_secret(reference, scope)
        keys = [scope.arn("kms", "key/*") for scope in needs.scopes]
        for one in found.statements():
            service, name = _CONTEXTS[one["Sid"]]
            condition = {
                "StringEquals": {"kms:ViaService": needs.via(service)},
                "StringLike": {f"kms:EncryptionContext:{name}": one["Resource"]},
            }
            yield statement(f"KeysOf{one['Sid']}", {"kms:Decrypt"}, keys, condition)

    def passing(self) -> Iterator[Statement]:
        """Roles that are given to services, or made by them: those of the specs alone, each for its service alone."""
        for action, rule in self.needs.known.rules["passing"].items():
            for service in sorted(set(rule["services"].values())):
                kinds = [kind for kind, user in rule["services"].items() if user == service]
                if arns := sorted({arn for kind in kinds for arn in self._passed(rule, kind)}):
                    words = [part.capitalize() for part in service.split(".")[:-2] if part.isalpha()]
                    title = rule["title"] + "".join(words)
                    condition = {"StringLike" if "*" in service else "StringEquals": {rule["condition"]: service}}
                    yield statement(title, {action}, arns, condition)

    def _of(self, kind: str) -> tuple[Resource, ...]:
        if self.one is None:
            return self.needs.of(kind)
        return (self.one,) if self.one.type == kind else ()

    def _key(self, resource: Resource, rule: Mapping[str, Any]) -> Any:
        """The resource's own key, or that of the bucket that it is kept in."""
        if "in" not in rule:
            return resource.properties.get("kms_key")
        name = text_of(resource.properties.get(rule["in"]))
        return next((each.properties.get("kms_key") for each in self.needs.of("s3.bucket") if each.name == name), None)

    def _layers_of_others(self) -> list[str]:
        """Layers that functions name by their ARNs, such as those of AWS; for the whole service in every version.

        https://docs.aws.amazon.com/lambda/latest/dg/adding-layers.html
        """
        named = [layer for each in self._of("lambda.function") for layer in each.properties.get("layers") or ()]
        arns = {layer for layer in named if isinstance(layer, str)}
        return sorted(arns if self.one else {f"{arn.rpartition(':')[0]}:*" for arn in arns})

    def _passed(self, rule: Mapping[str, Any], kind: str) -> Iterator[str]:
        """The roles that resources of a type are given; one that is given none passes none."""
        path = rule.get("named_by", {}).get(kind)
        if path is None:
            for each in self._of(kind):
                yield from self.needs.arns_for(each, rule["resources"])
            return
        for each in self._of(kind):
            role: Any = each.properties
            for key in path.split("."):
                role = role.get(key) if role else None
            if role is None:
                continue
            if self.one and str(role).startswith("arn:") and ":role/" in str(role):
                yield str(role)
                continue
            name = text_of(role) if self.one else self.needs.prefixed(text_of(role))
            for pattern in rule["resources"]:
                yield self.needs.filled(pattern, {"role": name}, self.needs.scope)


def text_of(value: Any) -> str:
    """A property as the part of an ARN: the name in a reference to another resource, or in an ARN."""
    if isinstance(value, Expression) and len(value.references) == 1:
        return value.references[0].address.partition("/")[2]
    text = str(value)
    return text.rsplit("/", 1)[-1] if text.startswith("arn:") else text
