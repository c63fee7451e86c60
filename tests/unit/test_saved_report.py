"""A saved report reads back as what the scan concluded, or not at all."""

from __future__ import annotations

import json
import tracemalloc
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sample_report import COMPLIANT, NOT_KNOWN, REPORT, rendered, with_display_name, with_findings
from tokenguard.errors import DocumentError
from tokenguard.hookspecs import Style
from tokenguard.reporters.json import JsonReporter
from tokenguard.reporters.plugin import tokenguard_reporters
from tokenguard.saved_report import open_report

HEADER = json.loads(rendered(JsonReporter(), REPORT))["header"]
REPORTERS = {reporter.format: reporter for reporter in tokenguard_reporters()}
HOSTILE = with_display_name('\x00\x1b[2J \u202e</script>\ud800\U000e0041"\\')


@pytest.fixture
def save(tmp_path):
    def write(report=REPORT, change=None):
        path = tmp_path / "report.json"
        data = rendered(JsonReporter(), report)
        path.write_bytes(json.dumps(change(json.loads(data))).encode() if change else data)
        return path

    return write


@pytest.mark.parametrize("name", sorted(REPORTERS))
@pytest.mark.parametrize(
    "report", [REPORT, COMPLIANT, NOT_KNOWN, with_findings(3)], ids=["all", "compliant", "not known", "three"]
)
@pytest.mark.parametrize("verbose", [False, True])
def test_every_format_says_of_it_what_it_said_of_the_report(save, name, report, verbose):
    style = Style(verbose=verbose)

    assert rendered(REPORTERS[name], open_report(save(report)), style) == rendered(REPORTERS[name], report, style)


@pytest.mark.parametrize("name", sorted(REPORTERS))
def test_names_of_the_tenant_come_through_as_far_as_json_can_hold_them(save, name):
    """An unpaired surrogate reads back as the text of its escape: as it is shown everywhere."""
    again = open_report(save(HOSTILE))
    shown = with_display_name('\x00\x1b[2J \u202e</script>\\ud800\U000e0041"\\')

    assert rendered(REPORTERS[name], again) == rendered(REPORTERS[name], shown)


def test_what_an_exemption_cannot_set_is_not_proposed_of_a_saved_report_either(save):
    rules = [replace(each, rule=replace(each.rule, selecting=frozenset(each.rule.parameters))) for each in REPORT.rules]
    report = replace(REPORT, rules=rules)
    shown = rendered(JsonReporter(), report)

    assert rendered(JsonReporter(), open_report(save(report))) == shown
    assert b'"parameters":{"maximum":"PT' in rendered(JsonReporter(), REPORT).replace(b" ", b"")
    assert b'"parameters":{"maximum":"PT' not in shown.replace(b" ", b"")


def test_layout_and_keys_that_a_newer_version_adds_do_not_matter(save):
    def add(document):
        document["header"]["tenant"]["new"] = document["rules"][0]["new"] = 1
        document["findings"][0] |= {"new": 1}
        document["findings"][0]["resource"]["new"] = document["findings"][0]["violations"][0]["new"] = [1]
        document["findings"][3]["exemption"]["new"] = document["notEvaluated"][0]["resource"]["new"] = {}
        return {"new": {"a": 1}, **document, "newer": [1]}

    path = save(change=add)
    path.write_text(json.dumps(json.loads(path.read_text()), indent=4))

    assert rendered(JsonReporter(), open_report(path)) == rendered(JsonReporter(), REPORT)


def drop(*keys):
    return lambda document: {name: value for name, value in document.items() if name not in keys}


def put(**values):
    return lambda document: {**document, **values}


def finding(index, **values):
    def change(document):
        document["findings"][index] |= values
        return document

    return change


def rule(index, **values):
    def change(document):
        document["rules"][index] |= values
        return document

    return change


def without_finding(document):
    del document["findings"][1]
    return document


def without_unknown(document):
    del document["notEvaluated"][-1]
    return document


def sorted_keys(document):
    return dict(sorted(document.items()))


def no_lengths(document):
    document["lifetimes"][0]["shown"] = []
    return document


def hidden_failure(document):
    """As somebody would write it who wants to be compliant."""
    for each in document["rules"]:
        each |= {"failed": 0, "selected": each["selected"] - each["failed"], "verdict": "pass"}
    return document


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (put(kind="something-else"), "not a report that tokenguard wrote"),
        (drop("kind"), "not a report that tokenguard wrote"),
        (put(formatVersion=2), "written in report format 2; this tokenguard reads format 1"),
        (put(formatVersion="1"), "written in report format '1'"),
        (drop("findings"), "not a report that tokenguard wrote"),
        (drop("notEvaluated"), "not a report that tokenguard wrote"),
        (drop("rules"), "rules"),
        (drop("configured"), "not as a report should be:\n.*configured"),
        (put(scannedAt="yesterday"), "has no meaning"),
        (put(scannedAt="9999-12-31T23:59:59-14:00"), "no time that something can have been done at"),
        (put(scannedAt="2026-11-21T09:30:00"), "has no meaning|not as a report should be"),
        (put(header={**HEADER, "collectedAt": "0001-01-01T00:00:00+14:00"}), "has no meaning"),
        (finding(0, message="\ud800"), "line 1: not JSON"),
        (put(failOn="worst"), "failOn"),
        (put(exitStatus=0), "its exit status is not what its rules give"),
        (finding(0, severity="low"), "finding 1: not of the rule, tenant and resource that it names"),
        (finding(0, fingerprint="0" * 32), "finding 1: not of the rule, tenant and resource"),
        (finding(0, status="mended"), "finding 1"),
        (finding(0, rule="unheard-of"), "finding 1: of a rule that the report does not have"),
        (finding(2, resource={"type": "a"}), "finding 3"),
        (finding(0, violations=None), "finding 1"),
        (finding(1, status="exempt"), "does not hold as many findings as it says"),
        (without_finding, "does not hold as many findings as it says"),
        (without_unknown, "does not hold as many findings as it says"),
        (rule(0, verdict="pass"), "its numbers give 'fail', it says 'pass'"),
        (rule(0, passed=9), "its numbers give"),
        (rule(4, incomplete=[]), "its numbers give"),
        (rule(1, parameters={"maximum": {"title": "", "keyword": "maxDuration", "value": "soon"}}), "has no meaning"),
        (rule(1, parameters={"maximum": {"title": "", "keyword": "format", "value": 1}}), "has no meaning"),
        (rule(1, parameters={"maximum": {"title": "", "keyword": "maxDuration", "value": 5}}), "has no meaning"),
        (finding(1, parameters={"maximum": 5}), "finding 2: not as a report should be"),
        (finding(1, parameters={"unheard": "PT1H"}), "there is no parameter"),
        (no_lengths, r"lifetimeSeconds: 0 lengths of \d+|LifetimeSeconds: 0 lengths of \d+"),
        (hidden_failure, "its numbers give 'not evaluated', it says 'pass'"),
        (sorted_keys, "not a report that tokenguard wrote"),
        (lambda document: document["findings"], "'{' expected"),
    ],
)
def test_what_was_edited_is_refused(save, change, said):
    with pytest.raises(DocumentError, match=said) as refused:
        open_report(save(change=change))

    assert "report.json" in refused.value.message


def test_what_stands_after_the_findings_is_not_passed_over(save):
    def late(document):
        return {**{name: value for name, value in document.items() if name != "notices"}, "notices": []}

    with pytest.raises(DocumentError, match="notices"):
        open_report(save(change=late))
    with pytest.raises(DocumentError, match="'lifetimes' stands after the findings"):
        open_report(save(change=lambda document: {**drop("lifetimes")(document), "lifetimes": []}))


@pytest.mark.parametrize("share", [0, 0.2, 0.5, 0.9, 0.999])
def test_what_was_cut_off_is_refused(save, share):
    path = save()
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])

    with pytest.raises(DocumentError, match=r"report\.json: line \d+: "):
        open_report(path)


def test_rules_out_of_order_are_refused(save):
    def swap(document):
        document["rules"].reverse()
        return document

    with pytest.raises(DocumentError, match="not in their order"):
        open_report(save(change=swap))


def test_a_folder_and_a_file_that_is_not_there_are_told_apart(tmp_path):
    with pytest.raises(DocumentError, match="is a folder"):
        open_report(tmp_path)
    with pytest.raises(DocumentError, match="no such file"):
        open_report(tmp_path / "report.json")


def test_memory_does_not_grow_with_the_findings(save):
    def peak(number):
        path = save(with_findings(number))
        tracemalloc.start()
        try:
            assert len(open_report(path).findings) == number
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    few, many = peak(2000), peak(8000)

    assert many < few + 1_000_000


def test_a_status_that_the_report_was_told_to_fail_by_is_kept(save):
    milder = replace(with_findings(2), fail_on=REPORT.rules[0].rule.severity, exit_status=0)

    assert open_report(save(milder)).exit_status == 0


def places(value, path=()):
    """Every place in a JSON document."""
    yield path
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(item, (*path, key))


WHOLE = json.loads(rendered(JsonReporter(), REPORT))
JUNK = [None, 5, -1, 1e300, 10**30, "", "x", "PT1H", True, [], [1], {}, {"a": 1}]


@settings(max_examples=200)
@given(st.sampled_from([path for path in places(WHOLE) if path]), st.sampled_from(JUNK))
def test_whatever_is_edited_it_is_refused_or_can_be_written(tmp_path_factory, place, junk):
    document = json.loads(json.dumps(WHOLE))
    part = document
    for key in place[:-1]:
        part = part[key]
    part[place[-1]] = junk
    path = tmp_path_factory.mktemp("edited") / "report.json"
    path.write_text(json.dumps(document))

    try:
        report = open_report(path)
    except DocumentError:
        return
    for reporter in REPORTERS.values():
        assert rendered(reporter, report, Style(verbose=True))


def test_the_beginning_of_a_long_pattern_is_taken_for_what_it_is(save):
    """Where an exemption has a pattern of its own: half of one is no regular expression."""

    def change(document):
        own = {"title": "Names", "keyword": "pattern", "value": "^a"}
        found = document["findings"][0]
        found["parameters"] = {"names": f"({'x' * 59}… (101 characters)"}
        (judged,) = (each for each in document["rules"] if each["id"] == found["rule"])
        judged["parameters"]["names"] = own
        return document

    (first, *_) = open_report(save(change=change)).findings
    assert first.parameters["names"].endswith("… (101 characters)")
