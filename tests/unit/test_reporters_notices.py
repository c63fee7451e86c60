"""How each format gives notices, and how many of many."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from sample_report import COMPLIANT, HOSTILE, REPORT, rendered
from tokenguard.model import Report
from tokenguard.plugins import load_plugins
from tokenguard.saved_report import open_report
from tokenguard.untrusted import markdown, visible

REPORTERS = load_plugins([]).reporters


def _json(text: str) -> list[str]:
    notices: list[str] = json.loads(text)["notices"]
    return notices


def _sarif(text: str) -> list[str]:
    (run,) = json.loads(text)["runs"]
    told = run["invocations"][0]["toolConfigurationNotifications"]
    return [each["message"]["text"] for each in told if each["level"] == "warning"]


def _csv(text: str) -> list[str]:
    return [row["message"] for row in csv.DictReader(io.StringIO(text, newline="")) if row["status"] == "notice"]


def _ocsf(text: str) -> list[str]:
    events: list[dict[str, Any]] = list(map(json.loads, text.splitlines()))
    assert len({each["finding_info"]["uid"] for each in events}) == len(events)
    return [each["message"] for each in events if each["metadata"]["event_code"] == "tokenguard-notice"]


def _junit(text: str) -> list[str]:
    suites = [each for each in ElementTree.fromstring(text) if each.get("name") == "tokenguard notices"]
    return [skipped.get("message", "") for suite in suites for skipped in suite.iter("skipped")]


def _text(text: str) -> list[str]:
    return re.findall(r"^NOTE  (.*)$", text, re.MULTILINE)


def _markdown(text: str) -> list[str]:
    return re.findall(r"^> (.*)$", text, re.MULTILINE)


def _html(text: str) -> list[str]:
    section = text.partition('<h2 id="notices">')[2].partition("</section>")[0]
    return list(map(unescape, re.findall(r"<li>(.*?)</li>", section, re.DOTALL)))


def _github(text: str) -> list[str]:
    found = re.findall(r"^::notice title=tokenguard%3A [0-9]+ notices?::(.*)$", text, re.MULTILINE)
    return [line for each in found for line in each.split("%0A")]


READ: dict[str, Callable[[str], list[str]]] = {
    "json": _json, "sarif": _sarif, "csv": _csv, "ocsf": _ocsf, "junit": _junit, "text": _text, "markdown": _markdown,
    "html": _html, "github": _github,
}  # fmt: skip
ALL = ("json", "sarif", "csv", "ocsf")


def told(name: str, report: Report) -> list[str]:
    return READ[name](rendered(REPORTERS[name], report).decode())


def test_every_format_is_asked() -> None:
    assert READ.keys() == REPORTERS.keys()


@pytest.mark.parametrize("name", READ)
def test_each_notice_is_told(name: str) -> None:
    assert told(name, replace(COMPLIANT, notices=("first", "second"))) == ["first", "second"]
    assert told(name, replace(COMPLIANT, notices=())) == []


@pytest.mark.parametrize("name", READ)
@pytest.mark.parametrize("text", [HOSTILE, "\ud800 ::error::x", "=1+1;=2", "]]></x> %0A::error::x"])
def test_the_text_of_a_notice_cannot_act(name: str, text: str) -> None:
    (said,) = told(name, replace(COMPLIANT, notices=(text,)))
    if name == "markdown":
        assert said == markdown(text)
    elif name in ("text", "html", "junit"):
        assert said == visible(text)
    elif name == "csv":
        assert not said.startswith("=")
        assert ";=" not in said
    elif name == "github":
        assert said == visible(text).replace("%", "%25")


@pytest.mark.parametrize("name", READ)
@pytest.mark.parametrize(("number", "more"), [(10, 0), (50, 0), (51, 1), (10_000, 9_950)])
def test_of_many_notices_people_get_the_first_and_a_number(name: str, number: int, more: int) -> None:
    notices = tuple(f"notice {each}" for each in range(number))
    found = told(name, replace(COMPLIANT, notices=notices))
    if name in ALL:
        assert tuple(found) == notices
        return
    most = 10 if name == "github" else 50
    rest = number - most
    assert len(found) == min(number, most) + (rest > 0)
    assert found[: min(number, most)] == list(notices[:most])
    if rest > 0:
        word = "notice" if rest == 1 else "notices"
        assert found[-1] == f"{rest} {word} more: the JSON report has them all"
    assert name == "github" or max(rest, 0) == more


@pytest.mark.parametrize("name", READ)
@pytest.mark.parametrize("dated", [True, False])
def test_a_report_that_was_read_back_gives_the_same(name: str, dated: bool, tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    header = replace(REPORT.header, dated=dated)
    report = replace(REPORT, header=header, notices=(*REPORT.notices, "one more", HOSTILE))
    path.write_bytes(rendered(REPORTERS["json"], report))
    assert rendered(REPORTERS[name], open_report(path)) == rendered(REPORTERS[name], report)


@pytest.mark.parametrize("name", sorted(set(READ) - {"csv", "ocsf", "json"}))
def test_the_age_stands_with_the_verdict(name: str) -> None:
    unknown = replace(COMPLIANT, header=replace(COMPLIANT.header, dated=False))
    assert "read 1 d 1 h before this scan" in rendered(REPORTERS[name], COMPLIANT).decode()
    assert "saved answers at least 1 d 1 h old" in rendered(REPORTERS[name], unknown).decode()
