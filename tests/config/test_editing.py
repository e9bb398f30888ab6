"""Settings of one entry are changed in the text of a spec; everything else stays as it was written."""

from typing import Any

import pytest
import yaml

from pipeline.config.editing import NotEditable, edited

SPEC = """\
# The tables.
tables:
  - name: ${SERVICE_NAME}-orders   # who ordered what
    partition_key: id
    billing_mode: "PAY_PER_REQUEST"  # until we know
    indexes:
      - name: by-shop
        partition_key: shop

  - name: others
    partition_key: 'id'
    billing_mode: ${BILLING}
"""
SCALED = {"billing_mode": "PROVISIONED", "autoscaling": {"read": {"min": 1, "max": 9}}}


def test_what_is_there_is_replaced_and_what_is_new_is_added() -> None:
    text = edited(SPEC, 3, SCALED)
    changed = [line for line in text.splitlines() if line not in SPEC.splitlines()]
    assert changed == [
        "    autoscaling: {read: {min: 1, max: 9}}",
        "    billing_mode: PROVISIONED  # until we know",
    ]
    assert yaml.safe_load(text)["tables"][0]["autoscaling"] == {"read": {"min": 1, "max": 9}}
    assert yaml.safe_load(text)["tables"][1] == yaml.safe_load(SPEC)["tables"][1]


def test_what_has_to_go_goes_with_all_its_lines() -> None:
    before = """\
tables:
- name: a
  billing_mode: PROVISIONED
  autoscaling:
    read:
      min: 1  # at night
      max: 9
  # what reads it
  read_capacity: 5
  tags: {a: b}
- name: b
"""
    settings = {"billing_mode": "PAY_PER_REQUEST", "read_capacity": None, "write_capacity": None, "autoscaling": None}
    assert edited(before, 2, settings) == (
        "tables:\n- name: a\n  billing_mode: PAY_PER_REQUEST\n  # what reads it\n  tags: {a: b}\n- name: b\n"
    )
    assert edited(before, 2, {"tags": None}) == before.replace("  tags: {a: b}\n", "")
    with pytest.raises(NotEditable, match="first line"):
        edited(before, 2, {"name": None})


def test_the_last_line_may_have_no_end() -> None:
    assert edited("tables:\n- name: a", 2, {"read_capacity": 3}) == "tables:\n- name: a\n  read_capacity: 3\n"


@pytest.mark.parametrize(
    ("text", "line", "settings", "why"),
    [
        (SPEC, 10, {"billing_mode": "PROVISIONED"}, "set it in the environment files"),
        (SPEC, 3, {"indexes": 1}, "settings of its own"),
        (SPEC, 4, {"billing_mode": "X"}, "no entry begins"),
        ("", 1, {"billing_mode": "X"}, "no entry begins"),
        ("tables: [{name: a}]\n", 1, {"billing_mode": "X"}, "braces"),
        ("tables:\n- keys:\n    a: 1\n", 2, {"billing_mode": "X"}, "does not begin with a name"),
    ],
)
def test_what_cannot_be_edited_is_left_alone(text: str, line: int, settings: dict[str, Any], why: str) -> None:
    with pytest.raises(NotEditable, match=why):
        edited(text, line, settings)
