"""The page in a real browser, headless Chromium: it works, asks for nothing, and a tenant's texts do nothing."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from sample_report import (
    COMPLIANT,
    FINDINGS,
    LIFETIMES,
    NOT_KNOWN,
    REPORT,
    TOO_LONG,
    rendered,
    with_display_name,
    with_findings,
)
from tokenguard.model import Report
from tokenguard.reporters.html.reporter import HtmlReporter

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
NPM = shutil.which("npm")
NODES = "document.querySelectorAll('*').length"

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on PATH")


@dataclass
class Visit:
    """A page that was opened, with everything that a quiet page does not do."""

    page: Page
    problems: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def count(self) -> str:
        return self.page.locator("#count").inner_text()

    def names(self) -> list[str]:
        return self.page.locator("#entries .what strong").all_inner_texts()

    def filter(self, name: str, value: str) -> None:
        self.page.locator(f"#toolbar [name={name}]").select_option(value)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # NOTE: not of the whole session, since asyncio refuses a second loop in the thread as long as Playwright runs one.
    sandbox = [] if os.geteuid() else ["--no-sandbox"]  # Chromium's own sandbox refuses to work for root
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=sandbox)
        yield chromium
        chromium.close()


Visiting = Callable[..., Visit]


@pytest.fixture
def visit(browser: Browser, tmp_path: Path) -> Iterator[Visiting]:
    """Opens a report, or a file, and afterwards holds the page to having been quiet."""
    visits: list[Visit] = []

    def go(report: Report | Path = REPORT, fragment: str = "", **context: object) -> Visit:
        path = report if isinstance(report, Path) else tmp_path / "report.html"
        if isinstance(report, Report):
            path.write_bytes(rendered(HtmlReporter(), report))
        visit = Visit(browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **context}).new_page())
        visit.page.on("console", lambda message: visit.problems.append(message.text))
        visit.page.on("pageerror", lambda error: visit.problems.append(str(error)))
        visit.page.on("dialog", lambda dialog: (visit.problems.append(dialog.message), dialog.dismiss()))
        visit.page.on("request", lambda request: visit.requests.append(request.url))
        visit.page.goto(path.as_uri() + fragment)
        visits.append(visit)
        return visit

    yield go
    for visit in visits:
        assert visit.problems == []
        assert [url for url in visit.requests if not url.endswith("report.html")] == []
        visit.page.context.close()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of the embedded tenant, as the built command writes it."""
    path = tmp_path_factory.mktemp("demo") / "report.html"
    command = [Path(sys.executable).with_name("tokenguard"), "scan", "--demo", "--quiet", "--output", str(path)]
    assert subprocess.run(command, check=False, env=os.environ | {"TOKENGUARD_PLUGINS": ""}).returncode == 1
    return path


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The source of axe-core, the accessibility checker, from npm."""
    if NPM is None:
        pytest.skip("npm is not there to install axe-core")
    folder = tmp_path_factory.mktemp("axe")
    subprocess.run([NPM, "install", "--silent", "--no-audit", "--no-fund", "axe-core@4"], cwd=folder, check=True)
    return (folder / "node_modules/axe-core/axe.min.js").read_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 375])
def test_axe_finds_nothing_serious(visit: Visiting, demo: Path, axe: str, scheme: str, width: int) -> None:
    page = visit(demo, color_scheme=scheme, viewport={"width": width, "height": 800}, bypass_csp=True).page
    page.locator(".entry > summary").first.click()
    page.locator(".settling summary").first.click()
    page.locator(".rule summary").first.click()

    page.evaluate(axe)
    found = page.evaluate("axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'best-practice']})")

    assert found["passes"]
    assert [(each["id"], each["nodes"][0]["html"]) for each in found["violations"]] == []


def test_everything_that_was_found_is_listed_gravest_first(visit: Visiting) -> None:
    seen = visit()

    assert seen.count() == "7 entries"
    assert seen.page.locator("#entries .pill").all_text_contents() == ["critical", *["high"] * 5, "medium"]


@pytest.mark.parametrize(
    ("report", "said"),
    [(COMPLIANT, "Nothing was found."), (NOT_KNOWN, "Nothing was found among what could be evaluated.")],
)
def test_an_empty_list_does_not_say_more_than_is_known(visit: Visiting, report: Report, said: str) -> None:
    assert visit(report).count() == said


@pytest.mark.parametrize(
    ("control", "value", "names"),
    [
        ("severity", "medium", ["東京 API"]),
        ("status", "exempt", ["Long on Dataverse"]),
        ("status", "not evaluated", ["Broken on Intranet"]),
        ("rule", "0", ["Tenant default"]),
        ("type", "tokenLifetimePolicy", ["Tenant default"]),
    ],
)
def test_filters_leave_what_was_asked_for(visit: Visiting, control: str, value: str, names: list[str]) -> None:
    seen = visit()

    seen.filter(control, value)
    assert seen.names() == names

    seen.page.locator("#reset").click()
    assert seen.count() == "7 entries"


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("payroll", ["Long on Payroll"]),
        ("DATAVERSE exempt", ["Long on Dataverse"]),
        ("exactly false required", ["Tenant default"]),
        (FINDINGS[4].fingerprint, ["Long on Legacy"]),
        ("no such thing", []),
    ],
)
def test_search_finds_all_its_words_anywhere_in_an_entry(visit: Visiting, words: str, names: list[str]) -> None:
    seen = visit()

    seen.page.get_by_role("searchbox").fill(words)

    assert seen.names() == names


def test_entries_can_be_put_in_order(visit: Visiting) -> None:
    seen = visit()

    seen.filter("order", "name")

    assert seen.names() == seen.page.evaluate("names => names.sort((a, b) => a.localeCompare(b))", seen.names())
    assert seen.names()[0] == "Broken on Intranet"


def test_an_entry_opens_from_the_keyboard_with_its_evidence_and_what_to_do(visit: Visiting) -> None:
    page = visit().page
    page.locator(".entry > summary").nth(1).focus()

    page.keyboard.press("Enter")

    entry = page.locator(".entry").nth(1)
    expect(entry.locator(".evidence tbody tr")).to_have_text("accessTokenLifetimeSeconds8 hat most 1 h 30 min allowed")
    expect(entry).to_contain_text(TOO_LONG.rationale)
    expect(entry).to_contain_text("Clients that do not renew their token")
    entry.get_by_text("Would pass with this exemption").click()
    expect(entry.locator("pre")).to_contain_text('"parameters":{"maximum":"PT8H"}')


def test_the_first_key_leads_past_the_bar_to_the_findings(visit: Visiting) -> None:
    page = visit().page

    page.keyboard.press("Tab")
    page.keyboard.press("Enter")

    expect(page).to_have_url(re.compile("#results$"))


@pytest.mark.parametrize("number", [0, 49, 50, 9_999])
def test_a_link_opens_its_finding_however_far_down(visit: Visiting, number: int) -> None:
    report = with_findings(10_000)
    wanted = list(report.findings)[number]

    page = visit(report, fragment=f"#f-{wanted.fingerprint}").page

    expect(page.locator(".entry[open]")).to_have_count(1)
    expect(page.locator(".entry[open] strong")).to_have_text(wanted.resource.name)
    expect(page.locator(".entry[open]")).to_be_in_viewport()


def test_a_link_is_followed_through_filters_and_from_the_picture(visit: Visiting) -> None:
    seen = visit()
    seen.filter("severity", "medium")

    seen.page.locator(".picture a", has_text="Long on Payroll").click()

    expect(seen.page.locator(".entry[open] strong")).to_have_text("Long on Payroll")
    expect(seen.page.locator(".entry[open] .permalink")).to_have_attribute("href", f"#f-{FINDINGS[1].fingerprint}")


def test_a_link_can_be_followed_again(visit: Visiting) -> None:
    """The address does not change then, so that the browser says nothing of it."""
    seen = visit()
    link = seen.page.locator(".picture a", has_text="Long on Payroll")
    link.click()
    expect(seen.page.locator(".entry[open] strong")).to_have_text("Long on Payroll")
    seen.filter("severity", "medium")
    expect(seen.page.locator(".entry[open]")).to_have_count(0)

    link.click()

    expect(seen.page.locator(".entry[open] strong")).to_have_text("Long on Payroll")
    expect(seen.page.locator(".entry[open]")).to_be_in_viewport()


@pytest.mark.parametrize("fragment", ["#%", "#rule-%E0%A4%A", "#rule-no-such-rule", "#rule-"])
def test_an_address_that_means_nothing_keeps_nothing_from_working(visit: Visiting, fragment: str) -> None:
    seen = visit(fragment=fragment)

    seen.filter("severity", "medium")

    assert seen.names() == ["東京 API"]


def test_a_link_to_what_is_not_there_says_so(visit: Visiting) -> None:
    assert visit(fragment="#f-0").count() == "The entry that the address names is not on this page."


def test_numbers_of_the_first_screen_lead_to_what_they_count(visit: Visiting) -> None:
    seen = visit()

    seen.page.get_by_role("button", name="Show 2 of severity high").click()

    assert seen.count() == "2 entries of 7"
    expect(seen.page.locator("#results")).to_be_focused()


def test_ten_thousand_findings_answer_each_key_and_lay_out_no_more_than_fifty(visit: Visiting) -> None:
    """What is laid out is what makes a page slow, and can be counted; a clock would judge the machine as well."""
    laid_out = visit(with_findings(50)).page.evaluate(NODES)
    report = with_findings(10_000)
    seen = visit(report)
    assert seen.count() == "10,000 entries"
    assert seen.page.evaluate(NODES) == laid_out

    for key in "application 777":
        seen.page.get_by_role("searchbox").press(key)
        assert re.fullmatch("[0-9,]+ entries( of 10,000)?", seen.count())
        assert seen.page.evaluate(NODES) <= laid_out

    wanted = [
        each for each in report.findings if "777" in f"{each.resource.name} {each.resource.id} {each.fingerprint}"
    ]
    assert seen.count() == f"{len(wanted)} entries of 10,000"
    assert seen.names() == [each.resource.name for each in wanted][:50]


def test_pages_can_be_turned(visit: Visiting) -> None:
    seen = visit(with_findings(120))
    assert len(seen.names()) == 50

    for place in ("51 to 100 of 120", "101 to 120 of 120"):
        seen.page.get_by_role("button", name="Next").click()
        expect(seen.page.locator("#place")).to_have_text(place)

    expect(seen.page.get_by_role("button", name="Next")).to_be_disabled()
    assert seen.names()[-1] == "Application 119"


ATTACKS = [
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "]]><svg onload=alert(1)>",
    "\"'><style>*{display:none}</style><iframe src=https://evil.example>",
    "{{ 7 * 7 }}{% raw %}${alert(1)}",
    "javascript:alert(1)",
]


@pytest.mark.parametrize("name", ATTACKS)
def test_a_display_name_full_of_markup_does_nothing_and_is_shown(visit: Visiting, name: str) -> None:
    shape = "() => [...document.querySelectorAll('*')].map(each => each.tagName).join()"
    rule = replace(REPORT.rules[1].rule, title=name, rationale=name, references=(name,))
    report = with_display_name(name)
    report = replace(report, rules=(report.rules[0], replace(report.rules[1], rule=rule), *report.rules[2:]))
    plain = with_display_name("x")
    harmless = replace(rule, title="x", rationale="x", references=("x",))
    plain = replace(plain, rules=(plain.rules[0], replace(plain.rules[1], rule=harmless), *plain.rules[2:]))
    pages = [visit(each).page for each in (report, plain)]
    for page in pages:
        page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")
        expect(page.locator(".entry .why .explanation")).to_have_count(7)

    assert pages[0].evaluate(shape) == pages[1].evaluate(shape)
    expect(pages[0].locator(".entry[open] strong").nth(1)).to_have_text(f"Long on {name}")


def test_the_policy_stops_a_script_that_is_none_of_ours(browser: Browser, tmp_path: Path) -> None:
    """What the pages above rely on besides escaping: this one has markup put into it, and the browser refuses it."""
    path = tmp_path / "report.html"
    injected = b"<h1><img src=x onerror=alert(1)><script>alert(2)</script></h1><h1"
    path.write_bytes(rendered(HtmlReporter(), REPORT).replace(b"<h1", injected, 1))
    page = browser.new_context().new_page()
    dialogs: list[str] = []
    refused: list[str] = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    page.on("console", lambda message: refused.append(message.text))
    page.goto(path.as_uri())
    expect(page.locator("#count")).to_have_text("7 entries")

    while len([text for text in refused if "Content Security Policy" in text]) < 2:
        page.wait_for_event("console")  # the browser says it when it comes to it; never said fails here
    assert dialogs == []


def test_paper_has_every_entry_unfolded_and_no_controls(visit: Visiting) -> None:
    seen = visit(with_findings(120))
    seen.page.emulate_media(media="print")
    seen.page.evaluate("dispatchEvent(new Event('beforeprint'))")

    assert len(seen.names()) == 120
    expect(seen.page.locator(".entry[open]")).to_have_count(120)
    expect(seen.page.locator(".evidence tbody tr")).to_have_count(120)
    expect(seen.page.locator("#toolbar")).to_be_hidden()

    seen.page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert len(seen.names()) == 50
    assert seen.page.locator("details[open]").count() == 0
    assert seen.page.pdf().startswith(b"%PDF")


def test_after_printing_the_list_is_as_it_was(visit: Visiting) -> None:
    seen = visit(with_findings(120))
    seen.page.get_by_role("button", name="Next").click()
    names = seen.names()
    seen.page.locator(".entry summary").nth(2).click()
    seen.page.locator(".entry summary").nth(4).click()
    opened = seen.page.locator(".entry[open] > summary").all_text_contents()
    assert len(opened) == 2

    for event in ("beforeprint", "afterprint"):
        seen.page.evaluate(f"dispatchEvent(new Event('{event}'))")

    expect(seen.page.locator("#place")).to_have_text("51 to 100 of 120")
    assert seen.names() == names
    assert seen.page.locator(".entry[open] > summary").all_text_contents() == opened
    expect(seen.page.locator(".entry[open] .evidence tbody tr")).to_have_count(2)


@pytest.mark.parametrize("width", [320, 375, 768])
def test_a_narrow_screen_need_not_be_scrolled_sideways(visit: Visiting, demo: Path, width: int) -> None:
    page = visit(demo, viewport={"width": width, "height": 700}).page
    page.locator(".entry > summary").first.click()
    expect(page.locator(".entry .explanation").first).to_be_visible()  # it is put in after the click

    assert page.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.parametrize("width", [320, 375, 1280])
def test_no_length_in_the_picture_is_cut_off(visit: Visiting, width: int) -> None:
    """The longest text that a length can be, on a page where the picture may be scrolled, but need not be."""
    longest = replace(LIFETIMES, shown=(replace(LIFETIMES.shown[1], seconds=365 * 86400 - 1), *LIFETIMES.shown[2:]))
    page = visit(replace(REPORT, lifetimes=(longest,)), viewport={"width": width, "height": 800}).page

    expect(page.locator(".picture")).to_contain_text("364 d 23 h 59 min 59 s")
    cells = page.locator(".picture tbody .number").all()
    assert [cell.inner_text() for cell in cells if cell.evaluate("each => each.scrollWidth > each.clientWidth")] == []


@pytest.mark.parametrize("javascript", [True, False])
def test_all_but_the_list_is_there_without_a_script(visit: Visiting, demo: Path, javascript: bool) -> None:
    page = visit(demo, java_script_enabled=javascript).page

    expect(page.locator(".word")).to_have_text("Not compliant")
    expect(page.get_by_role("heading", name="Lifetimes and their limits")).to_be_visible()
    expect(page.locator("noscript")).to_be_visible(visible=not javascript)
