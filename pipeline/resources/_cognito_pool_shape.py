"""A user pool as the specs say it, as creating and updating want it, and as DescribeUserPool shows it. Pure.

UpdateUserPool sets what it is not told to its default, so it gets all that the pool has, with what is declared above.
https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_UpdateUserPool.html
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pipeline.model.values import Properties

Wire = Mapping[str, Any]

STANDARD = (
    "sub", "name", "given_name", "family_name", "middle_name", "nickname", "preferred_username", "profile", "picture",
    "website", "email", "email_verified", "gender", "birthdate", "zoneinfo", "locale", "phone_number",
    "phone_number_verified", "address", "updated_at",
)  # fmt: skip
# The others are texts.
# https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-settings-attributes.html
STANDARD_TYPES = {"email_verified": "Boolean", "phone_number_verified": "Boolean", "updated_at": "Number"}
CUSTOM = "custom:"
TRIGGERS = {
    "pre_sign_up": "PreSignUp",
    "post_confirmation": "PostConfirmation",
    "pre_authentication": "PreAuthentication",
    "post_authentication": "PostAuthentication",
    "pre_token_generation": "PreTokenGeneration",
    "custom_message": "CustomMessage",
    "user_migration": "UserMigration",
    "define_auth_challenge": "DefineAuthChallenge",
    "create_auth_challenge": "CreateAuthChallenge",
    "verify_auth_challenge": "VerifyAuthChallengeResponse",
}
_PASSWORD = {
    "minimum_length": "MinimumLength",
    "require_uppercase": "RequireUppercase",
    "require_lowercase": "RequireLowercase",
    "require_numbers": "RequireNumbers",
    "require_symbols": "RequireSymbols",
    "history": "PasswordHistorySize",
    "temporary_days": "TemporaryPasswordValidityDays",
}
_EMAIL = {
    "source_arn": "SourceArn",
    "from": "From",
    "reply_to": "ReplyToEmailAddress",
    "configuration_set": "ConfigurationSet",
}
_SMS = {"role": "SnsCallerArn", "external_id": "ExternalId", "region": "SnsRegion"}
# (subject, message) of each kind of mail.
_MAILS = {"CODE": ("EmailSubject", "EmailMessage"), "LINK": ("EmailSubjectByLink", "EmailMessageByLink")}
# What Cognito's own console writes for those who say nothing.
_USUAL_TEXTS = ("Your verification code", "Your verification code is {####}")
LIMITED = {"String": ("StringAttributeConstraints", "Length"), "Number": ("NumberAttributeConstraints", "Value")}
# What AWS says of an attribute that has no limits.
_NO_LIMITS = {("String", "Min"): 0, ("String", "Max"): 2048}

# What UpdateUserPool takes; the older members for messages are parts of the template, too.
UPDATABLE = (
    "Policies", "DeletionProtection", "LambdaConfig", "AutoVerifiedAttributes", "VerificationMessageTemplate",
    "SmsAuthenticationMessage", "UserAttributeUpdateSettings", "DeviceConfiguration", "EmailConfiguration",
    "SmsConfiguration", "UserPoolTags", "AdminCreateUserConfig", "UserPoolAddOns", "AccountRecoverySetting",
    "UserPoolTier",
)  # fmt: skip


def settings(wanted: Properties) -> dict[str, Any]:
    """The members that creating and updating share; None takes one away. MFA is no part of them: see `mfa`."""
    return {
        "Policies": {"PasswordPolicy": _password(wanted["password_policy"])},
        "DeletionProtection": "ACTIVE" if wanted["deletion_protection"] else "INACTIVE",
        "LambdaConfig": {TRIGGERS[name]: arn for name, arn in sorted((wanted.get("triggers") or {}).items())},
        "AutoVerifiedAttributes": sorted(wanted["auto_verified_attributes"]),
        "AdminCreateUserConfig": {"AllowAdminCreateUserOnly": not wanted["self_sign_up"]},
        "AccountRecoverySetting": {
            "RecoveryMechanisms": [
                {"Priority": number, "Name": name} for number, name in enumerate(wanted["account_recovery"], 1)
            ]
        },
        "UserPoolAddOns": {"AdvancedSecurityMode": wanted["threat_protection"]},
        "EmailConfiguration": _email(wanted.get("email")),
        "VerificationMessageTemplate": _verification(wanted.get("verification")),
        "SmsConfiguration": _given(wanted["sms"], _SMS) if wanted.get("sms") else None,
        **({"UserPoolTier": wanted["tier"]} if wanted.get("tier") else {}),
    }


def created(wanted: Properties) -> dict[str, Any]:
    """What CreateUserPool gets: the settings, and what no update can change."""
    named = {"UsernameAttributes": "username_attributes", "AliasAttributes": "alias_attributes"}
    found: dict[str, Any] = {member: sorted(wanted[name]) for member, name in named.items() if wanted[name]}
    found["UsernameConfiguration"] = {"CaseSensitive": wanted["case_sensitive"]}
    if wanted["attributes"]:
        found["Schema"] = [attribute(one) for one in wanted["attributes"]]
    found |= {name: value for name, value in settings(wanted).items() if value is not None}
    if wanted["threat_protection"] == "OFF":
        del found["UserPoolAddOns"]  # which not every tier knows
    return found


def overlaid(pool: Wire, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """What UpdateUserPool gets: all that the pool has, `wanted` (as `settings` gives it) above it."""
    kept = {name: pool[name] for name in UPDATABLE if pool.get(name)}
    merged = {**kept, **wanted}
    for name in ("Policies", "AdminCreateUserConfig"):
        merged[name] = {**(kept.get(name) or {}), **(wanted.get(name) or {})}
    # "Please use TemporaryPasswordValidityDays in PasswordPolicy instead of UnusedAccountValidityDays"
    merged["AdminCreateUserConfig"].pop("UnusedAccountValidityDays", None)
    if not kept.get("UserPoolAddOns") and merged.get("UserPoolAddOns") == {"AdvancedSecurityMode": "OFF"}:
        del merged["UserPoolAddOns"]
    return {name: value for name, value in merged.items() if value is not None}


def mfa(wanted: Properties, have: Wire) -> dict[str, Any]:
    """What SetUserPoolMfaConfig gets: it replaces all, so that what is not ours (passkeys) comes from `have`.

    https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_SetUserPoolMfaConfig.html
    """
    found: dict[str, Any] = {"MfaConfiguration": wanted["mfa"]}
    if have.get("WebAuthnConfiguration"):
        found["WebAuthnConfiguration"] = have["WebAuthnConfiguration"]
    if "TOTP" in wanted["mfa_methods"]:
        found["SoftwareTokenMfaConfiguration"] = {"Enabled": True}
    if "SMS" in wanted["mfa_methods"]:
        message = have.get("SmsMfaConfiguration") or {}
        found["SmsMfaConfiguration"] = {**message, "SmsConfiguration": _given(wanted["sms"], _SMS)}
    if "EMAIL" in wanted["mfa_methods"]:
        found["EmailMfaConfiguration"] = have.get("EmailMfaConfiguration") or {}
    return found


def shown(pool: Wire, factors: Wire, declared: Properties) -> dict[str, Any]:
    """The pool as canonical properties.

    Of attributes only those that are declared are shown: all others can be neither changed nor removed. The tier
    likewise, since a pool always has one.
    """
    named = {str(one.get("name")) for one in declared.get("attributes") or () if isinstance(one, Mapping)}
    seen = [attribute_of(one) for one in pool.get("SchemaAttributes") or ()]
    policy = (pool.get("Policies") or {}).get("PasswordPolicy") or {}
    return {
        "name": pool["Name"],
        "username_attributes": sorted(pool.get("UsernameAttributes") or ()),
        "alias_attributes": sorted(pool.get("AliasAttributes") or ()),
        # A pool that was made without a word about it tells them apart.
        "case_sensitive": (pool.get("UsernameConfiguration") or {}).get("CaseSensitive", True),
        "auto_verified_attributes": sorted(pool.get("AutoVerifiedAttributes") or ()),
        "attributes": [one for one in seen if one["name"] in named],
        "password_policy": {name: policy.get(member, 0) for name, member in _PASSWORD.items()},
        "mfa": factors.get("MfaConfiguration") or "OFF",
        "mfa_methods": _methods(factors),
        "account_recovery": _recovery(pool),
        "self_sign_up": not (pool.get("AdminCreateUserConfig") or {}).get("AllowAdminCreateUserOnly", False),
        "deletion_protection": pool.get("DeletionProtection") == "ACTIVE",
        "email": _taken(pool.get("EmailConfiguration"), _EMAIL, "SourceArn"),
        "sms": _taken(pool.get("SmsConfiguration"), _SMS, "SnsCallerArn"),
        "verification": _verification_of(pool.get("VerificationMessageTemplate") or {}, declared),
        "triggers": _taken(pool.get("LambdaConfig"), TRIGGERS) or {},
        "tier": pool.get("UserPoolTier") if declared.get("tier") else None,
        "threat_protection": (pool.get("UserPoolAddOns") or {}).get("AdvancedSecurityMode") or "OFF",
    }


def attribute(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """An attribute as Cognito wants it; custom: is put before its name by Cognito."""
    name, kind = wanted["name"], wanted["type"]
    found = {"Name": name, "AttributeDataType": kind, "Mutable": wanted["mutable"], "Required": wanted["required"]}
    if kind in LIMITED:
        member, what = LIMITED[kind]
        limits = {f"Min{what}": wanted.get("min"), f"Max{what}": wanted.get("max")}
        given = {key: str(value) for key, value in limits.items() if value is not None}
        if given:
            found[member] = given
    return found


def attribute_of(found: Wire) -> dict[str, Any]:
    """An attribute as the specs say it."""
    kind = found["AttributeDataType"]
    shape: dict[str, Any] = {
        "name": str(found["Name"]).removeprefix(CUSTOM),
        "type": kind,
        "mutable": found.get("Mutable", True),
        "required": found.get("Required", False),
        "min": None,
        "max": None,
    }
    if kind in LIMITED:
        member, what = LIMITED[kind]
        limits = found.get(member) or {}
        for name in ("Min", "Max"):
            text = limits.get(f"{name}{what}")
            value = int(text) if text not in (None, "") else None
            shape[name.lower()] = limit(kind, name, value)
    return shape


def limit(kind: str, name: str, value: int | None) -> int | None:
    """None for a limit that every attribute of the kind has."""
    return None if value == _NO_LIMITS.get((kind, name)) else value


def _password(policy: Mapping[str, Any]) -> dict[str, Any]:
    """The history is left out where there is none: the LITE tier knows none."""
    found = {member: policy[name] for name, member in _PASSWORD.items()}
    if not policy["history"]:
        del found["PasswordHistorySize"]
    return found


def _email(wanted: Mapping[str, Any] | None) -> dict[str, Any]:
    if not wanted:
        return {"EmailSendingAccount": "COGNITO_DEFAULT"}
    return {"EmailSendingAccount": "DEVELOPER", **_given(wanted, _EMAIL)}


def _verification(wanted: Mapping[str, Any] | None) -> dict[str, Any]:
    by = (wanted or {}).get("by", "CODE")
    texts = {member: (wanted or {}).get(name) for name, member in _named_texts(by)}
    given = {member: text for member, text in texts.items() if text}
    return {"DefaultEmailOption": f"CONFIRM_WITH_{by}", **given}


def _verification_of(template: Wire, declared: Properties) -> dict[str, Any] | None:
    """None for Cognito's own mail with a code. Its usual texts are shown where they are declared."""
    by = str(template.get("DefaultEmailOption") or "CONFIRM_WITH_CODE").removeprefix("CONFIRM_WITH_")
    wanted = declared.get("verification") or {}
    there = {name: str(template.get(member) or "") for name, member in _named_texts(by)}
    texts = {
        name: text
        for name, text in there.items()
        if text and (wanted.get(name) or text.rstrip(". ") not in _USUAL_TEXTS)
    }
    return {"by": by, **texts} if texts or by != "CODE" else None


def _named_texts(by: str) -> Iterable[tuple[str, str]]:
    return zip(("subject", "message"), _MAILS[by], strict=True)


def _methods(factors: Wire) -> list[str]:
    if (factors.get("MfaConfiguration") or "OFF") == "OFF":
        return []
    there = {
        "TOTP": (factors.get("SoftwareTokenMfaConfiguration") or {}).get("Enabled"),
        "SMS": (factors.get("SmsMfaConfiguration") or {}).get("SmsConfiguration"),
        "EMAIL": factors.get("EmailMfaConfiguration") is not None,
    }
    return sorted(name for name, present in there.items() if present)


def _recovery(pool: Wire) -> list[str]:
    """Without the setting Cognito prefers text messages to mails, as it once always did."""
    mechanisms: Sequence[Wire] = (pool.get("AccountRecoverySetting") or {}).get("RecoveryMechanisms") or ()
    if not mechanisms:
        return ["verified_phone_number", "verified_email"]
    return [str(one["Name"]) for one in sorted(mechanisms, key=lambda one: int(one["Priority"]))]


def _given(wanted: Mapping[str, Any], members: Mapping[str, str]) -> dict[str, Any]:
    return {member: wanted[name] for name, member in members.items() if wanted.get(name)}


def _taken(found: Wire | None, members: Mapping[str, str], needed: str | None = None) -> dict[str, Any] | None:
    if not found or (needed and not found.get(needed)):
        return None
    return {name: found[member] for name, member in members.items() if found.get(member)}
