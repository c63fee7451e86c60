from __future__ import annotations

import json
from typing import Any

import pytest

from authors import TYPES
from tokenguard.errors import RuleError
from tokenguard.model import ResourceType
from tokenguard.rules.drafts import draft_rule
from tokenguard.rules.parsing import parse_rules


def lamp(properties: dict[str, Any], neutral: dict[str, Any]) -> ResourceType:
    return ResourceType("lamp", {"type": "object", "properties": properties, "examples": [neutral]}, ())


@pytest.mark.parametrize(
    ("type_", "demanded"),
    [
        (TYPES["tokenLifetimePolicyAssignment"], "accessTokenLifetimeSeconds"),
        (TYPES["organization"], "servicePrincipalCount"),
        (lamp({"name": {"type": "string"}, "on": {"type": "boolean"}}, {"name": "a", "on": True}), "on"),
        (lamp({"color": {"enum": ["red", "green"]}}, {"color": "red"}), "color"),
        (lamp({"idleSeconds": {"type": "integer"}, "on": {"type": "boolean"}}, {"idleSeconds": 0, "on": True}), "on"),
    ],
)
def test_a_draft_is_a_rule_over_what_rules_most_often_demand(type_: ResourceType, demanded: str) -> None:
    document = draft_rule("something-is-wrong", type_)
    (rule,) = parse_rules([("something-is-wrong.json", json.dumps(document).encode())], {type_.name: type_})
    assert rule.require_reads == {demanded}


@pytest.mark.parametrize(
    ("type_", "said"),
    [
        (ResourceType("lamp", {"properties": {}}, ()), "no properties and no examples"),
        (lamp({"kind": {"const": "lamp"}}, {"kind": "lamp"}), "no property that could have another value"),
    ],
)
def test_a_type_that_offers_nothing_to_demand_is_refused(type_: ResourceType, said: str) -> None:
    with pytest.raises(RuleError, match=said):
        draft_rule("something-is-wrong", type_)
