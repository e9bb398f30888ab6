"""Operations of Lambda that moto lacks or keeps half of: provisioned concurrency, URLs, asynchronous invocations.

AWS keeps each of them by function and qualifier. State hangs on moto's functions, so that moto's reset clears it.
"""

import json
from typing import Any
from urllib.parse import unquote

from moto.awslambda import urls as lambda_urls
from moto.awslambda.responses import LambdaResponse
from moto.core.exceptions import JsonRESTError

from pipeline.local.plane.functions.names import Function
from pipeline.local.plane.functions.policies import Policies
from pipeline.local.plane.refusal import Refusal

PROVISIONED = r"{0}/(?P<api_version>[^/]+)/functions/(?P<function_name>[\w_:%-]+)/provisioned-concurrency/?$"


def register(dispatch: Any) -> None:
    """The address that moto does not know."""
    lambda_urls.url_paths[PROVISIONED] = dispatch


class LambdaAttachments(LambdaResponse):
    """What hangs on a function's qualifiers."""

    def get_function(self) -> str:
        """AWS tells what is reserved, by its right name, and where events go that were given up."""
        found = json.loads(super().get_function())
        function = self.backend.get_function(self._name(), self._qualifier())
        found["Configuration"]["DeadLetterConfig"] = function.__dict__.get("dead_letter")
        reserved = self.backend.get_function(self._name()).reserved_concurrency
        if reserved is not None:
            found["Concurrency"] = {"ReservedConcurrentExecutions": reserved}
        return json.dumps(found)

    def create_function(self) -> Any:
        """AWS keeps where events go that were given up."""
        answer = super().create_function()
        made = json.loads(answer[2])
        for qualifier in {None, made["Version"]} - {"$LATEST"}:
            function = self.backend.get_function(made["FunctionName"], qualifier)
            function.__dict__["dead_letter"] = self.json_body.get("DeadLetterConfig")
        return answer

    def add_permission(self) -> Any:
        """AWS keeps the policies of a function and of each alias apart, and refuses a second statement of an id."""
        policies, function = self._policies()
        try:
            return 201, {"status": 201}, json.dumps({"Statement": json.dumps(policies.add(function, self.json_body))})
        except Refusal as refusal:
            raise _no(refusal.code, refusal.message, refusal.status) from refusal

    def get_policy(self) -> Any:
        policies, function = self._policies()
        try:
            policy, revision = policies.document(function)
        except Refusal as refusal:
            raise _no(refusal.code, refusal.message, refusal.status) from refusal
        return json.dumps({"Policy": policy, "RevisionId": revision})

    def remove_permission(self) -> Any:
        policies, function = self._policies()
        try:
            policies.remove(function, unquote(self.path.split("/")[-1]), None)
        except Refusal as refusal:
            raise _no(refusal.code, refusal.message, refusal.status) from refusal
        return 204, {"status": 204}, "{}"

    def _policies(self) -> tuple[Policies, Function]:
        """The policies of the function, and which of them is meant; refused where there is no such alias."""
        self.backend.get_function(self._name(), self._qualifier())
        kept: Policies = self.backend.get_function(self._name()).__dict__.setdefault("policies", Policies())
        return kept, Function(self.current_account, self.region, self._name(), self._qualifier())

    def put_provisioned_concurrency_config(self) -> Any:
        """AWS answers that it has begun, and refuses an alias that shares its traffic by weights."""
        self._refuse_weights()
        wanted = self.json_body["ProvisionedConcurrentExecutions"]
        self._kept("provisioned")[self._qualifier()] = wanted
        answer = {"RequestedProvisionedConcurrentExecutions": wanted, "Status": "IN_PROGRESS"}
        return 202, {"status": 202}, json.dumps(answer)

    def get_provisioned_concurrency_config(self) -> Any:
        """Ready at the first look."""
        wanted = self._kept("provisioned").get(self._qualifier())
        if wanted is None:
            raise _no("ProvisionedConcurrencyConfigNotFoundException", "No Provisioned Concurrency Config found")
        sizes = dict.fromkeys(("Requested", "Available", "Allocated"), wanted)
        answer = {f"{kind}ProvisionedConcurrentExecutions": size for kind, size in sizes.items()}
        return json.dumps({**answer, "Status": "READY"})

    def delete_provisioned_concurrency_config(self) -> Any:
        """Deleting what is not there is no error."""
        self._refuse_weights()
        self._kept("provisioned").pop(self._qualifier(), None)
        return 204, {"status": 204}, ""

    def create_function_url_config(self) -> Any:
        """AWS refuses a second URL of one alias; moto has one for each function, and replaces it."""
        urls = self._kept("urls")
        if self._qualifier() in urls:
            raise JsonRESTError("ResourceConflictException", "FunctionUrlConfig exists for this Lambda function")
        urls[self._qualifier()] = {**self.json_body, "FunctionUrl": "https://abc123.lambda-url.us-east-1.on.aws/"}
        return 201, {"status": 201}, self._url()

    def get_function_url_config(self) -> Any:
        return 200, {}, self._url()

    def update_function_url_config(self) -> Any:
        """AWS replaces what is given, an empty Cors by none."""
        self._url()
        self._kept("urls")[self._qualifier()].update(self.json_body)
        return self._url()

    def delete_function_url_config(self) -> Any:
        self._url()
        del self._kept("urls")[self._qualifier()]
        return 204, {"status": 204}, "{}"

    def _url(self) -> str:
        found = self._kept("urls").get(self._qualifier())
        if found is None:
            raise _no("ResourceNotFoundException", "The resource you requested does not exist.")
        return json.dumps({"InvokeMode": "BUFFERED", **found})

    def put_function_event_invoke_config(self) -> Any:
        """AWS replaces the configuration; moto keeps the first for ever."""
        self._kept("events")[self._qualifier()] = self.json_body
        return self.get_function_event_invoke_config()

    def get_function_event_invoke_config(self) -> Any:
        found = self._kept("events").get(self._qualifier())
        if found is None:
            raise _no("ResourceNotFoundException", "The function doesn't have an EventInvokeConfig")
        return json.dumps(found)

    def delete_function_event_invoke_config(self) -> Any:
        self.get_function_event_invoke_config()
        del self._kept("events")[self._qualifier()]
        return 204, {"status": 204}, ""

    def _name(self) -> str:
        return unquote(self.path).split("/functions/")[1].split("/")[0]

    def _qualifier(self) -> str | None:
        given: str | None = self._get_param("Qualifier")
        return given

    def _kept(self, what: str) -> dict[str | None, Any]:
        kept: dict[str | None, Any] = self.backend.get_function(self._name()).__dict__.setdefault(what, {})
        return kept

    def _refuse_weights(self) -> None:
        for alias in self.backend.list_aliases(self._name()):
            routing: Any = alias.routing_config or {}
            if alias.name == self._qualifier() and routing.get("AdditionalVersionWeights"):
                message = "Alias with weights can not be used with Provisioned Concurrency"
                raise JsonRESTError("InvalidParameterValueException", message)


def _no(code: str, message: str, status: int = 404) -> JsonRESTError:
    refusal = JsonRESTError(code, message)
    refusal.code = status
    return refusal
