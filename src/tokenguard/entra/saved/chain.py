"""Whether the saved pages of a list are all of its pages."""

from __future__ import annotations

from collections.abc import Sequence

from tokenguard.entra.saved.answers import Page
from tokenguard.entra.saved.calls import same_call
from tokenguard.entra.saved.options import is_continued, page_size

_NAME_THEM = "say in calls.json which call each file answers"


def doubt(pages: Sequence[Page]) -> str:
    """Why the list may have rows that are not in `pages`; empty where these are the whole list.

    Pages are chained by their nextLinks as far as ``calls.json`` names the calls that they answer. Where it does not,
    there must be one last page and no nextLink twice: a page that is missing between two others shows only in
    ``@odata.count`` then.
    """
    pages = _distinct(pages)
    return _flaw(pages) or _open_end(pages) or _missing(pages) or _short(pages) or _full(pages)


def without_parts(pages: Sequence[Page]) -> Sequence[Page]:
    """`pages` without those of calls that asked for a part of the list; all where they cannot be told apart.

    Where a part goes on at a page that calls.json does not name, any other page that it does not name may be that one.
    """
    parts = [page for page in pages if page.part]
    rest = [page for page in pages if not page.part]
    for part in parts:  # which grows: a part may go on for several pages
        following = [page for page in rest if page.call and part.next_link and _follows(page, part.next_link)]
        rest = [page for page in rest if page not in following]
        parts += following
    open_ended = any(
        part.next_link is not None and not any(_follows(page, part.next_link) for page in parts if page.call)
        for part in parts
    )
    return pages if not rest or (open_ended and not all(page.call for page in rest)) else rest


def _follows(page: Page, link: str) -> bool:
    return same_call(page.call) == same_call(link)


def _distinct(pages: Sequence[Page]) -> list[Page]:
    """Without pages that were saved twice."""
    result: list[Page] = []
    for page in pages:
        if not any(page.rows == other.rows and page.next_link == other.next_link for other in result):
            result.append(page)
    return result


def _flaw(pages: Sequence[Page]) -> str:
    return next((page.part or page.flaw for page in pages if page.part or page.flaw), "")


def _open_end(pages: Sequence[Page]) -> str:
    last = [page.file for page in pages if page.next_link is None]
    if not last:
        return f"{pages[-1].file} is not the last page: it goes on at an @odata.nextLink"
    if len(last) > 1:
        return f"{last[0]} and {last[1]} both look like the last page; {_NAME_THEM}"
    return ""


def _missing(pages: Sequence[Page]) -> str:
    links = [same_call(page.next_link) for page in pages if page.next_link is not None]
    if len(set(links)) < len(links):
        return f"two different pages go on at the same @odata.nextLink; {_NAME_THEM}"
    orphans = [page for page in pages if page.call and same_call(page.call) not in links]
    if lost := [page.file for page in orphans if is_continued(page.call)]:
        return f"the page before {lost[0]} is missing"
    return f"{orphans[0].file} and {orphans[1].file} are not of one list; {_NAME_THEM}" if len(orphans) > 1 else ""


def _short(pages: Sequence[Page]) -> str:
    held, total = sum(len(page.rows) for page in pages), max(page.total for page in pages)
    return f"{held} rows were saved where Graph counted {total}" if held < total else ""


def _full(pages: Sequence[Page]) -> str:
    """Of a first page with as many rows as were asked for, and no next one, nobody knows whether it is the whole list.

    Another page beside it does not help: none leads to a first page.
    """
    for page in pages:
        size, held = page_size(page.call), len(page.rows)
        ends = page.next_link is None and not is_continued(page.call) and not page.total == held > 0
        if ends and size is not None and held >= size:
            return f"{page.file} holds the {size} rows that its call asked for with $top: there may be more"
    return ""
