"""A plan as a file: read back as it was, strictly, and held to what would be done now."""

import hashlib
import json
from dataclasses import replace
from datetime import timedelta

import pytest

from tenants import CDS, NOW, TENANT, built_in, definition, demo, facts, plan, policy, principal
from tokenguard.documents import write_document
from tokenguard.errors import DocumentError, UsageError
from tokenguard.judging.engine import document_mistakes
from tokenguard.model import Precedence, Safety, Tenant
from tokenguard.planning.comparison import check_consent, same_changes
from tokenguard.planning.document import parse_plan, plan_to_dict
from tokenguard.schemas import schema

RULES = built_in()
LIMIT = RULES["access-token-lifetime-too-long"]
RETIRED = RULES["retired-token-lifetime-setting"]
FOUND = facts(
    policy("p", definition("08:00:00")),
    policy("q", definition(MaxInactiveTime="1.00:00:00")),
    held={"p": ["s", "cds"]},
    principals=[principal("s"), CDS],
)
AGREED = plan([LIMIT, RETIRED], FOUND)


def written(made):
    return write_document(plan_to_dict(made))


def edited(**changes):
    """The plan's file, with other values and a digest that fits them."""
    document = {**plan_to_dict(AGREED), **changes}
    del document["digest"]
    digest = hashlib.sha256(json.dumps(document, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
    return write_document({**document, "digest": digest})


@pytest.mark.parametrize("unsafe", [True, False])
def test_a_plan_is_read_as_it_was_written(unsafe):
    rules = list(RULES.values())
    made = plan(rules, demo(rules), unsafe=unsafe, only=() if unsafe else ("Partner portal", "Migration weekend"))
    assert made.changes
    assert parse_plan(written(made), "plan.json") == made
    assert document_mistakes(schema("plan"), json.loads(written(made))) == []


def test_it_holds_no_method_address_or_host():
    text = written(AGREED).decode()
    assert not [word for word in ("http", "graph.microsoft", "PATCH", "POST", "DELETE", "$ref") if word in text]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"[]", "not a plan that tokenguard wrote"),
        (b'{"kind": "tokenguard-plan", "kind": "tokenguard-plan"}', "'kind' stands twice"),
        (written(AGREED).replace(b'"unsafe": true', b'"unsafe": true, "method": "PATCH"'), 'no key "method" here'),
        (written(AGREED).replace(b"01:30:00", b"23:30:00"), "its digest does not fit"),
        (written(AGREED)[:-20], "not JSON"),
        (edited(formatVersion=2), "/formatVersion"),
        (edited(expiresAt=(NOW + timedelta(hours=24, seconds=1)).isoformat()), "would expire 1 day, 0:00:01 after"),
        (edited(madeAt="2026-11-23T02:00:00"), "madeAt names no time zone"),
        (edited(madeAt="yesterday"), "yesterday"),
    ],
)
def test_a_file_that_is_no_plan_or_was_edited_is_refused(data, said):
    with pytest.raises(DocumentError) as caught:
        parse_plan(data, "plan.json")
    assert said in caught.value.message
    assert "plan.json" in caught.value.message


def test_a_manual_change_is_in_no_plan():
    changes = plan_to_dict(AGREED)["changes"]
    with pytest.raises(DocumentError, match="safety"):
        parse_plan(edited(changes=[{**changes[0], "safety": str(Safety.MANUAL)}]), "plan.json")


# --- consent ------------------------------------------------------------------------------------------------------


def test_a_plan_agrees_with_itself_made_anew_until_it_expires():
    later = NOW + timedelta(hours=23, minutes=59)
    check_consent(AGREED, plan([LIMIT, RETIRED], FOUND, now=later), now=later, source="plan.json")


@pytest.mark.parametrize(("hours", "said"), [(24, "expired at"), (-1, "is yet to come")])
def test_consent_lasts_a_day(hours, said):
    with pytest.raises(UsageError, match=said):
        check_consent(AGREED, AGREED, now=NOW + timedelta(hours=hours), source="plan.json")


def other(**holders):
    return replace(FOUND, holders={**FOUND.holders, **holders})


@pytest.mark.parametrize(
    ("rebuilt", "said"),
    [
        (replace(AGREED, tenant=Tenant("another")), f"the tenant was {TENANT}, and is another"),
        (replace(AGREED, cloud="china"), "the cloud was global, and is china"),
        (replace(AGREED, precedence=Precedence.CLASSIC), "precedence was all, and is classic"),
        (plan([LIMIT], FOUND), "rule retired-token-lifetime-setting: was judged by, and is not now"),
        (plan([RETIRED], FOUND), "planned, and would not be done now: policy “P”: set the lifetime to 1 h 30 min"),
        (replace(AGREED, rules={**AGREED.rules, LIMIT.id: "0"}), "it, or a value of it, has changed"),
        (replace(AGREED, rules={**AGREED.rules, "novel": "0"}), "rule novel: was not judged by, and is now"),
        (plan([LIMIT, RETIRED], FOUND, unsafe=False), "(not safe: planned only with --unsafe)"),
        (plan([LIMIT, RETIRED], other(p=("s",))), "set the lifetime to 1 h 30 min: would mend or reach other"),
        (plan([LIMIT, RETIRED], FOUND, only=["q"]), "planned, and would not be done now: policy “P”"),
        (replace(AGREED, changes=AGREED.changes[::-1]), "the changes would be made in another order"),
    ],
)  # fmt: skip
def test_what_would_be_done_otherwise_is_said_change_for_change(rebuilt, said):
    with pytest.raises(UsageError) as caught:
        check_consent(AGREED, rebuilt, now=NOW, source="plan.json")
    assert said in caught.value.message
    assert "nothing was written" in caught.value.message


def test_a_change_more_than_was_agreed_to_is_a_difference_too():
    agreed = plan([LIMIT, RETIRED], FOUND, only=["q"])
    [difference] = same_changes(agreed, AGREED)
    assert difference == "not planned, and would be done now: policy “P”: set the lifetime to 1 h 30 min"


def test_a_plan_that_says_two_things_of_one_change_is_refused():
    [first, *rest] = AGREED.changes
    harmless = replace(first, blast_radius="nobody")
    told = replace(AGREED, changes=(harmless, first, *rest))
    assert list(same_changes(told, AGREED)) == ["a change stands in it twice"]
