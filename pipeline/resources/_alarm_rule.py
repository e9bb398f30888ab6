"""The rule of a composite alarm: whether CloudWatch can read it. Pure.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html (AlarmRule)
"""

import re

_TOKEN = re.compile(
    r"""\s*(?:(?P<operand>(?:ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*(?:"[^"]+"|[^\s()"]+)\s*\)|(?:TRUE|FALSE)\b)
    |(?P<operator>(?:AND|OR)\b)|(?P<negation>NOT\b)|(?P<opening>\()|(?P<closing>\)))""",
    re.VERBOSE | re.IGNORECASE,
)
# A newer function, which takes numbers and lists: whoever writes it knows what CloudWatch takes.
_BEYOND = "AT_LEAST"
_STATES = 'write ALARM("name"), OK("name") or INSUFFICIENT_DATA("name"), joined by AND, OR and NOT'


def fault(rule: str) -> tuple[str, str] | None:
    """What is wrong with a rule, and what to try; None for one that can be read."""
    if _BEYOND in rule.upper():
        return None
    at, depth, complete = 0, 0, False
    while rule[at:].strip():
        token = _TOKEN.match(rule, at)
        kind = token.lastgroup if token else None
        # After something complete comes an operator or a closing parenthesis, else what one begins with.
        if token is None or complete is not (kind in ("operator", "closing")) or (kind == "closing" and not depth):
            rest = rule[at:].strip()
            return f"the rule cannot be read from here on: {rest[:40]}{'…' if len(rest) > 40 else ''}", _STATES
        depth += {"opening": 1, "closing": -1}.get(str(kind), 0)
        complete = kind in ("operand", "closing")
        at = token.end()
    if depth:
        return f"the rule lacks {depth} closing parenthes{'is' if depth == 1 else 'es'}", "add them"
    return None if complete else ("the rule ends where something has to follow", _STATES)
