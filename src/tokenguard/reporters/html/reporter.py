"""The reporter of web pages, cheap to know of: Jinja is imported when a page is written."""

from __future__ import annotations

from typing import BinaryIO

from tokenguard.hookspecs import Style
from tokenguard.model import Report


class HtmlReporter:
    """Reporter of the format ``html``."""

    format = "html"
    title = "One HTML file for people: works offline, can be searched, filtered, linked to and printed"

    def write(self, report: Report, out: BinaryIO, style: Style) -> None:  # noqa: ARG002  (the same everywhere)
        from tokenguard.reporters.html.document import pieces  # noqa: PLC0415

        out.writelines(piece.encode() for piece in pieces(report))
