"""Tells references to secrets from secrets that somebody wrote down. Pure; never puts a value into a message."""

import math
import re
from collections import Counter
from itertools import pairwise

# `ssm:/path` is a parameter of SSM Parameter Store, `secretsmanager:name#key` one key of a Secrets Manager secret.
# https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-su-create.html#sysman-parameter-name-constraints
# https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html#API_CreateSecret_RequestSyntax
_REFERENCE = re.compile(r"ssm:/[A-Za-z0-9_.\-/]{1,1010}|secretsmanager:[A-Za-z0-9/_+=.@:\-]{1,600}(#[^\s#]{1,200})?")
# `secretsmanager:GetSecretValue` is the name of an action, as policies have it.
_ACTION = re.compile(r"secretsmanager:[A-Z][A-Za-z]+")

REFERENCE_HINT = "store it and write ssm:/path or secretsmanager:name#key, which is looked up when deploying"

# PGPASSWORD and clientSecret have no underscore in front.
_SECRET_KEY = re.compile(
    r"(?:SECRETS?|TOKEN|PASSWORD|PASSWD|PASSPHRASE|API_?KEY|PRIVATE_?KEY|SECRET_?KEY|ACCESS_?KEY|SIGNING_?KEY"
    r"|ENCRYPTION_?KEY|(?:^|_)CREDENTIALS?|_PWD)$"
)

# What the issuers document, most of it gathered in https://docs.github.com/en/code-security/secret-scanning
_SHAPES = {
    "an AWS access key": re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY"),
    "a GitHub token": re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{22})"),
    "a GitLab token": re.compile(r"\bglpat-[A-Za-z0-9_-]{20}"),
    "a Slack token": re.compile(r"\bxox[abeoprs]-[A-Za-z0-9-]{10}"),
    "a Stripe key": re.compile(r"\b[rs]k_(?:live|test)_[A-Za-z0-9]{16}"),
    "a Google API key": re.compile(r"\bAIza[A-Za-z0-9_-]{35}"),
    "an OpenAI or Anthropic key": re.compile(r"\bsk-[A-Za-z0-9_-]{20}"),
    "an npm token": re.compile(r"\bnpm_[A-Za-z0-9]{36}"),
    "a PyPI token": re.compile(r"\bpypi-[A-Za-z0-9_-]{50}"),
    "a SendGrid key": re.compile(r"\bSG\.[A-Za-z0-9_-]{16,64}\.[A-Za-z0-9_-]{16}"),
    "a JSON web token": re.compile(r"\beyJ[A-Za-z0-9_-]{8,2000}\.eyJ[A-Za-z0-9_-]{8}"),
    "a URL with a password": re.compile(r"[a-z][a-z0-9+.-]{0,30}://[^\s/:@]{0,200}:[^\s/@]{1,200}@"),
}
_RUN = re.compile(r"[A-Za-z0-9+/_=-]{24,}")
_HEX = re.compile(r"[0-9a-f]{32,}|[0-9A-F]{32,}")
_HARMLESS = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|\bsha[0-9]{1,3}[:-][A-Za-z0-9+/=]+")
_SHORTEST = 16
_MOST_SCANNED = 20_000


def is_reference(text: str) -> bool:
    """True for `ssm:/path` and `secretsmanager:name[#key]`."""
    return _REFERENCE.fullmatch(text) is not None


def is_action(text: str) -> bool:
    """True when `text` may be meant as an IAM action rather than as a reference."""
    return _ACTION.fullmatch(text) is not None


def is_malformed_reference(text: str) -> bool:
    """True when `text` was meant as a reference and is none."""
    return text.startswith(("ssm:", "secretsmanager:")) and not is_reference(text)


def secret_key(key: str) -> bool:
    """True when a key says that it holds a secret: `STRIPE_API_KEY`, `db_password`; not `TOKEN_TTL`, `MAX_TOKENS`."""
    return _SECRET_KEY.search(key.upper().replace("-", "_")) is not None


def secret_shape(text: str, *, guess: bool = True) -> str | None:
    """What the text looks like (`an AWS access key`), or None; with `guess`, high-entropy tokens count, too."""
    if len(text) < _SHORTEST and "://" not in text:
        return None
    text = text[:_MOST_SCANNED]
    for name, pattern in _SHAPES.items():
        if pattern.search(text):
            return name
    if guess and any(_random(run.group()) for run in _RUN.finditer(_HARMLESS.sub(" ", text))):
        return "a random token"
    return None


def _random(run: str) -> bool:
    """True for what only a generator writes: hexadecimal digits, or text that changes its kind of character often.

    Of tokens made from 24 random bytes (`secrets.token_urlsafe`) about 1 in 70 passes as plain, from 32 bytes 1 in
    200; names, ARNs, paths and class names do not come near.
    """
    run = run.strip("=-_/")
    if run.count("/") > len(run) / 20:
        return any(_random(part) for part in run.split("/"))
    if _HEX.fullmatch(run):
        return len(set(run)) >= 8
    if len(run) < 24 or run.count("-") + run.count("_") > len(run) / 8:
        return False
    kinds = [_kind(character) for character in run]
    if not {"lower", "upper", "digit"} <= set(kinds):
        return False
    changes = sum(1 for one, other in pairwise(kinds) if one != other) / (len(run) - 1)
    return changes >= 0.4 and _entropy(run) >= 3.6


def _kind(character: str) -> str:
    if character.isdigit():
        return "digit"
    if character.isalpha():
        return "upper" if character.isupper() else "lower"
    return "other"


def _entropy(text: str) -> float:
    """Shannon entropy in bits per character."""
    return -sum(n / len(text) * math.log2(n / len(text)) for n in Counter(text).values())
