"""How each format says by what was judged, other than by default."""

from __future__ import annotations

from dataclasses import replace

import pytest

from golden_file import assert_golden
from sample_report import CONFIGURED, CONFIGURED_REPORT, REPORT, rendered, with_findings
from tokenguard.configured import in_words
from tokenguard.model import Configured
from tokenguard.plugins import load_plugins
from tokenguard.report_document import configured_from_dict, configured_to_dict
from tokenguard.reporters import ocsf, sarif

REPORTERS = load_plugins([]).reporters
SUFFIXES = {
    "text": "txt", "json": "json", "sarif": "sarif", "junit": "junit.xml", "markdown": "md", "github": "github.txt",
    "csv": "csv", "ocsf": "ocsf.jsonl",
}  # fmt: skip


@pytest.mark.parametrize(("name", "suffix"), SUFFIXES.items(), ids=SUFFIXES)
def test_the_whole_report(name: str, suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (ocsf, sarif):
        monkeypatch.setattr(module, "__version__", "0.0.0")  # a release must not change the files
    assert_golden(f"configured.{suffix}", rendered(REPORTERS[name], CONFIGURED_REPORT))


def test_every_format_has_a_golden_report_but_the_page() -> None:
    assert REPORTERS.keys() - SUFFIXES.keys() == {"html"}


def test_what_was_changed_is_told_in_words() -> None:
    allowed = "12 values from allowed.txt (SHA-256 ba9876543210), its own is none"
    assert in_words(CONFIGURED) == [
        "configuration /repo/tokenguard.toml (SHA-256 0123456789ab)",
        "by the configuration: rules token-lifetime, rules/[own](https://evil.example)",
        "by the environment: fail-on low",
        "by the configuration: token-lifetime-not-canonical is ignored",
        "by the configuration: the severity of organization-default-policy is critical, its own is medium",
        "by flags: access-token-lifetime-too-long.maximum is PT1H30M, its own is PT1H",
        f"by the configuration: token-lifetime-policy-on-unlisted-principal.allowed is {allowed}",
        "by the environment: exemptions exemptions.json (SHA-256 00ff00ff00ff)",
    ]
    assert in_words(Configured()) == []


def test_it_reads_back_equal() -> None:
    assert configured_from_dict(configured_to_dict(CONFIGURED)) == CONFIGURED
    assert configured_from_dict(configured_to_dict(Configured())) == Configured()


def test_a_suite_of_tests_has_what_concerns_its_rule_and_what_concerns_none() -> None:
    text = rendered(REPORTERS["junit"], replace(REPORT, configured=CONFIGURED)).decode()
    for suite in text.split("<testsuite ")[2:]:
        own = suite.partition('name="')[2].partition('"')[0]
        assert "token-lifetime-not-canonical is ignored" in suite
        assert "fail-on low" in suite
        assert ("too-long.maximum is" in suite) is (own == "access-token-lifetime-too-long")
        assert ("default-policy is critical" in suite) is (own == "organization-default-policy")


@pytest.mark.parametrize(("number", "more"), [(9, ""), (10, "; 1 more than are annotated")])
def test_the_notice_of_it_is_one_of_those_that_github_shows(number: int, more: str) -> None:
    mild = replace(with_findings(number), fail_on=max(type(REPORT.fail_on)), configured=CONFIGURED)
    lines = rendered(REPORTERS["github"], mild).decode().splitlines()
    notices = [line for line in lines if line.startswith("::notice ")]
    assert len(notices) == 10
    assert notices[0].startswith("::notice title=tokenguard was configured::configuration /repo/tokenguard.toml")
    assert lines[-1].endswith(f"each evaluated in full; read 1 d 1 h before this scan{more}")
