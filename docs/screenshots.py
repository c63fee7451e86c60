"""Take the pictures of the HTML report that the documentation shows: `python docs/screenshots.py`.

Needs Chromium on PATH and Playwright, both of which the tests use as well. The report is that of the embedded tenant.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

FOLDER = Path(__file__).parent / "images"
DESKTOP, PHONE = {"width": 1280, "height": 860}, {"width": 390, "height": 844}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        report = Path(folder) / "report.html"
        command = [Path(sys.executable).with_name("tokenguard"), "scan", "--demo", "--quiet", "--output", report]
        subprocess.run(command, check=False, env=os.environ | {"TOKENGUARD_PLUGINS": ""})  # noqa: S603
        sandbox = [] if os.geteuid() else ["--no-sandbox"]  # Chromium's own sandbox refuses to work for root
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=sandbox)
        for scheme in ("light", "dark"):
            take(opened(browser, report, scheme, DESKTOP), f"report-{scheme}")
        page = opened(browser, report, "light", DESKTOP)
        page.locator(".entry > summary").first.click()
        page.locator("#results").evaluate("each => each.scrollIntoView()")
        page.mouse.move(0, 0)
        take(page, "report-findings")
        take(opened(browser, report, "light", PHONE), "report-phone")
        browser.close()


def opened(browser: Browser, report: Path, scheme: str, size: dict[str, int]) -> Page:
    page = browser.new_context(color_scheme=scheme, viewport=size).new_page()
    page.goto(report.as_uri())
    return page


def take(page: Page, name: str) -> None:
    path = FOLDER / f"{name}.png"
    page.screenshot(path=path)
    print(f"{path.name}: {path.stat().st_size // 1024} kB")


if __name__ == "__main__":
    main()
