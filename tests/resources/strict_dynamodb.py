"""A DynamoDB that is as strict and as slow as AWS's, behind the wire's port. Time is a clock that only sleeping moves.

Refusals and durations are those measured by aws-controllers-k8s/dynamodb-controller (docs/api-quirks); moto refuses
none of this and is always done at once.
"""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from pipeline.applying.attempts import Refusal
from pipeline.errors import FailedCall
from tests.support.aws import SCOPE, FakeClock
from tests.support.fake_transport import FakeTransport

CREATING, UPDATING, DELETING, INDEXING, BACKUPS, TAG_LOCK, TTL_REST = 6.0, 30.0, 5.0, 510.0, 2.0, 2.0, 1870.0
BACKUP = 3.0

# Members of UpdateTable that must be alone in a request; throughput and billing mode go together.
ALONE = ("DeletionProtectionEnabled", "SSESpecification", "TableClass", "StreamSpecification")
CAPACITY = ("BillingMode", "ProvisionedThroughput")


class StrictDynamoDB(FakeTransport):
    """Answers DynamoDB's control plane for one account and region; `asked` holds all calls with their parameters."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(region=SCOPE.region)
        self.clock = clock
        self.tables: dict[str, dict[str, Any]] = {}
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.backups: dict[str, tuple[str, float]] = {}
        self.backup_status = "AVAILABLE"

    @property
    def changes(self) -> list[dict[str, Any]]:
        """What was asked of UpdateTable, in order, refused requests included."""
        return [params for name, params in self.asked if name == "UpdateTable"]

    def send(self, service: str, operation: str, region: str, params: Mapping[str, Any]) -> dict[str, Any]:
        assert service == "dynamodb"
        rest = {key: value for key, value in params.items() if key not in ("TableName", "ResourceArn")}
        name = params.get("TableName") or params.get("BackupArn") or params["ResourceArn"].rpartition("/")[2]
        with self._lock:
            self.asked.append((operation, deepcopy(rest)))
            self._pass_time()
            answer: dict[str, Any] = deepcopy(getattr(self, f"_{operation}")(name, rest))
            return answer

    def _pass_time(self) -> None:
        now = self.clock.seconds
        for name, table in list(self.tables.items()):
            if table["until"] <= now:
                if table["status"] == "DELETING":
                    del self.tables[name]
                table["status"] = "ACTIVE"
            for index, (state, until) in list(table["states"].items()):
                if until <= now and state == "DELETING":
                    del table["states"][index], table["indexes"][index]
                elif until <= now:
                    table["states"][index] = ("ACTIVE", until)

    def _table(self, name: str, *, code: str = "ResourceNotFoundException", made: bool = False) -> dict[str, Any]:
        table = self.tables.get(name)
        if table is None or (made and table["status"] == "CREATING"):
            raise _refusal(code, f"Requested resource not found: Table: {name} not found")
        return table

    def _CreateTable(self, name: str, wanted: dict[str, Any]) -> dict[str, Any]:
        if name in self.tables:
            raise _refusal("ResourceInUseException", f"Table already exists: {name}")
        indexes = {index["IndexName"]: index for index in wanted.pop("GlobalSecondaryIndexes", [])}
        now = self.clock.seconds
        self.tables[name] = {
            "shown": {"TableName": name, **wanted},
            "indexes": indexes,
            "states": dict.fromkeys(indexes, ("CREATING", now + CREATING)),
            "status": "CREATING",
            "until": now + CREATING,
            "active": now + CREATING,
            "tags": {tag["Key"]: tag["Value"] for tag in wanted.pop("Tags", [])},
            "tagged": -TAG_LOCK,
            "ttl": None,
            "expires": -TTL_REST,
            "backups": False,
        }
        _check_attributes(self.tables[name])
        return {"TableDescription": self._describe(name)}

    def _DescribeTable(self, name: str, params: dict[str, Any]) -> dict[str, Any]:
        self._table(name)
        return {"Table": self._describe(name)}

    def _describe(self, name: str) -> dict[str, Any]:
        table = self.tables[name]
        shown = {
            key: value for key, value in table["shown"].items() if key not in ("Tags", "BillingMode", "TableClass")
        }
        stream = shown.get("StreamSpecification")
        return {
            **shown,
            "TableArn": SCOPE.arn("dynamodb", f"table/{name}"),
            "TableStatus": table["status"],
            "BillingModeSummary": {"BillingMode": table["shown"]["BillingMode"]},
            "TableClassSummary": {"TableClass": table["shown"].get("TableClass", "STANDARD")},
            **({"LatestStreamArn": f"stream-{stream.get('StreamViewType')}"} if stream else {}),
            "GlobalSecondaryIndexes": [
                {**index, "IndexStatus": table["states"][index["IndexName"]][0]} for index in table["indexes"].values()
            ],
        }

    def _UpdateTable(self, name: str, change: dict[str, Any]) -> dict[str, Any]:
        table = self._table(name)
        if table["status"] != "ACTIVE":
            raise _refusal("ResourceInUseException", f"Attempt to change a resource which is still in use: {name}")
        answer = self._describe(name)
        updates = change.pop("GlobalSecondaryIndexUpdates", [])
        definitions = change.pop("AttributeDefinitions", None)
        _check_alone(change, updates)
        _check_capacity(table, change, updates)
        if definitions is not None:
            table["shown"]["AttributeDefinitions"] = definitions
        for update in updates:
            self._update_index(table, update)
        if "StreamSpecification" in change:
            _change_stream(table["shown"], change.pop("StreamSpecification"))
        if "SSESpecification" in change:
            key = change.pop("SSESpecification").get("KMSMasterKeyId")
            table["shown"]["SSEDescription"] = {"Status": "ENABLED", "KMSMasterKeyArn": key} if key else {}
        table["shown"] |= change
        table |= {"status": "UPDATING", "until": self.clock.seconds + UPDATING}
        return {"TableDescription": answer}

    def _update_index(self, table: dict[str, Any], update: dict[str, Any]) -> None:
        ((kind, wanted),) = update.items()
        name, now = wanted["IndexName"], self.clock.seconds
        if kind == "Update":
            table["indexes"][name]["ProvisionedThroughput"] = wanted["ProvisionedThroughput"]
            return
        if any(state != "ACTIVE" for state, _ in table["states"].values()):
            text = "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table"
            raise _refusal("LimitExceededException", text)
        if kind == "Create":
            table["indexes"][name] = wanted
            _check_attributes(table)
            table["states"][name] = ("CREATING", now + INDEXING)
        else:
            table["states"][name] = ("DELETING", now + UPDATING + 5)

    def _DeleteTable(self, name: str, params: dict[str, Any]) -> dict[str, Any]:
        table = self._table(name)
        if table["shown"].get("DeletionProtectionEnabled"):
            raise _refusal("ValidationException", "Resource cannot be deleted as it is currently protected")
        if table["status"] != "ACTIVE" or any(state != "ACTIVE" for state, _ in table["states"].values()):
            raise _refusal("ResourceInUseException", f"Attempt to change a resource which is still in use: {name}")
        table |= {"status": "DELETING", "until": self.clock.seconds + DELETING}
        return {}

    def _DescribeTimeToLive(self, name: str, params: dict[str, Any]) -> dict[str, Any]:
        attribute = self._table(name, made=True)["ttl"]
        shown = {"TimeToLiveStatus": "ENABLED", "AttributeName": attribute} if attribute else {}
        return {"TimeToLiveDescription": shown or {"TimeToLiveStatus": "DISABLED"}}

    def _UpdateTimeToLive(self, name: str, params: dict[str, Any]) -> dict[str, Any]:
        table, wanted = self._table(name, made=True), params["TimeToLiveSpecification"]
        attribute = wanted["AttributeName"] if wanted["Enabled"] else None
        if attribute == table["ttl"]:
            raise _refusal("ValidationException", f"TimeToLive is already {'enabled' if attribute else 'disabled'}")
        if self.clock.seconds < table["expires"] + TTL_REST:
            text = "Time to live has been modified multiple times within a fixed interval"
            raise _refusal("ValidationException", text)
        table |= {"ttl": attribute, "expires": self.clock.seconds}
        return {"TimeToLiveSpecification": wanted}

    def _DescribeContinuousBackups(self, name: str, params: dict[str, Any]) -> dict[str, Any]:
        on = self._table(name, code="TableNotFoundException", made=True)["backups"]
        status = {"PointInTimeRecoveryStatus": "ENABLED" if on else "DISABLED"}
        return {"ContinuousBackupsDescription": {"PointInTimeRecoveryDescription": status}}

    def _UpdateContinuousBackups(self, name: str, params: dict[str, Any]) -> dict[str, Any]:
        table = self._table(name, code="TableNotFoundException", made=True)
        if self.clock.seconds < table["active"] + BACKUPS:
            text = f"Backups are being enabled for the table: {name}. Please retry later"
            raise _refusal("ContinuousBackupsUnavailableException", text)
        table["backups"] = params["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"]
        return {}

    def _CreateBackup(self, name: str, params: dict[str, Any]) -> dict[str, Any]:
        if self._table(name, code="TableNotFoundException")["status"] != "ACTIVE":
            raise _refusal("TableInUseException", f"Table is being changed: {name}")
        arn = f"{SCOPE.arn('dynamodb', f'table/{name}')}/backup/{len(self.backups)}"
        self.backups[arn] = (params["BackupName"], self.clock.seconds + BACKUP)
        return {"BackupDetails": {"BackupArn": arn, "BackupStatus": "CREATING"}}

    def _DescribeBackup(self, arn: str, params: dict[str, Any]) -> dict[str, Any]:
        done = self.backups[arn][1] <= self.clock.seconds
        status = self.backup_status if done else "CREATING"
        return {"BackupDescription": {"BackupDetails": {"BackupArn": arn, "BackupStatus": status}}}

    def _ListTagsOfResource(self, name: str, params: dict[str, Any]) -> dict[str, Any]:
        table = self._table(name, made=True)
        return {"Tags": [{"Key": key, "Value": value} for key, value in table["tags"].items()]}

    def _TagResource(self, name: str, params: dict[str, Any]) -> dict[str, Any]:
        self._taggable(name)["tags"] |= {tag["Key"]: tag["Value"] for tag in params["Tags"]}
        return {}

    def _UntagResource(self, name: str, params: dict[str, Any]) -> dict[str, Any]:
        table = self._taggable(name)
        table["tags"] = {key: value for key, value in table["tags"].items() if key not in params["TagKeys"]}
        return {}

    def _taggable(self, name: str) -> dict[str, Any]:
        table = self._table(name, made=True)
        if self.clock.seconds < table["tagged"] + TAG_LOCK:
            raise _refusal("LimitExceededException", "Table tags are being updated")
        table["tagged"] = self.clock.seconds
        return table


def _check_alone(change: Mapping[str, Any], updates: list[Mapping[str, Any]]) -> None:
    kinds = [name for name in ALONE if name in change]
    kinds += ["capacity"] if any(name in change for name in CAPACITY) or any("Update" in u for u in updates) else []
    kinds += ["index" for update in updates if "Update" not in update]
    if len(kinds) != 1:
        raise _refusal("ValidationException", f"must be the only operation in the request: {kinds}")


def _check_capacity(table: Mapping[str, Any], change: Mapping[str, Any], updates: list[Mapping[str, Any]]) -> None:
    mode = change.get("BillingMode", table["shown"]["BillingMode"])
    new = {u["Update"]["IndexName"]: u["Update"]["ProvisionedThroughput"] for u in updates if "Update" in u}
    if change.get("BillingMode") == "PROVISIONED":
        for name in table["indexes"].keys() - new.keys():
            raise _refusal("ValidationException", f"ProvisionedThroughput must be specified for index: {name}")
        if "ProvisionedThroughput" not in change:
            raise _refusal("ValidationException", "ProvisionedThroughput must be specified")
        return
    old = {name: index.get("ProvisionedThroughput") for name, index in table["indexes"].items()}
    new[""], old[""] = change.get("ProvisionedThroughput"), table["shown"].get("ProvisionedThroughput")
    if mode == "PROVISIONED" and any(wanted is not None and wanted == old[name] for name, wanted in new.items()):
        raise _refusal("ValidationException", "The provisioned throughput for the table or index will not change")


def _check_attributes(table: Mapping[str, Any]) -> None:
    holders = [table["shown"], *table["indexes"].values(), *table["shown"].get("LocalSecondaryIndexes", [])]
    keys = {entry["AttributeName"] for holder in holders for entry in holder["KeySchema"]}
    if keys != {entry["AttributeName"] for entry in table["shown"]["AttributeDefinitions"]}:
        raise _refusal("ValidationException", "Number of attributes in KeySchema does not exactly match")


def _change_stream(shown: dict[str, Any], wanted: dict[str, Any]) -> None:
    if wanted["StreamEnabled"] and shown.get("StreamSpecification", {}).get("StreamEnabled"):
        raise _refusal("ValidationException", "Table already has an enabled stream")
    shown["StreamSpecification"] = wanted


def _refusal(code: str, message: str) -> Refusal:
    return Refusal(FailedCall("dynamodb", "", code, message, status=400))
