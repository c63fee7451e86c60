"""The rules that travel with the program are complete, and documentation by themselves."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from authors import TYPES
from tokenguard.model import Rule
from tokenguard.packs import read_pack
from tokenguard.rules.messages import mentioned
from tokenguard.rules.parsing import parse_rules
from tokenguard.schemas import data_folder

RULES = parse_rules(read_pack(data_folder("rules")), TYPES)


def test_every_pack_was_read() -> None:
    packs = {Path(rule.source).parent.name for rule in RULES}
    assert packs == {path.name for path in data_folder("rules").iterdir() if path.is_dir()}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_built_in_rule_is_complete(rule: Rule) -> None:
    assert Path(rule.source).name == f"{rule.id}.json"
    assert rule.rationale
    assert rule.message
    assert rule.references
    assert rule.frameworks["mitre-attack"]
    assert rule.remediation is not None
    assert rule.remediation.guidance


def test_a_limit_on_lifetimes_is_mapped_to_the_use_of_stolen_tokens() -> None:
    """MITRE ATT&CK's detection of T1550.001 names token lifetimes itself.

    The others watch over what these policies are: a part of how the tenant authenticates, whoever changes it (T1556).
    """
    limits = [rule for rule in RULES if any(p.keyword == "maxDuration" for p in rule.parameters.values())]
    assert limits
    for rule in limits:
        assert "T1550.001" in rule.frameworks["mitre-attack"], rule.id


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_framework_ids_are_spelt_as_the_framework_spells_them(rule: Rule) -> None:
    assert rule.frameworks.keys() <= {"mitre-attack"}
    for id_ in rule.frameworks["mitre-attack"]:
        assert re.fullmatch(r"T[0-9]{4}(\.[0-9]{3})?", id_)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_message_says_which_resource_it_is_about(rule: Rule) -> None:
    if rule.resource != "organization":  # there is only one
        assert mentioned(rule.message) & {"name", "displayName", "policyName", "id", "appId"}


def test_an_ambiguity_is_not_put_down_to_orders_that_disagree() -> None:
    """One order alone can leave it open: it does not say which of two policies, or whether one that sets nothing."""
    rule = next(rule for rule in RULES if rule.id == "token-lifetime-precedence-ambiguous")
    assert "order" not in rule.message
    assert "what Microsoft documents leaves open which" in rule.message
