"""Which path is which: templates spelt as in Microsoft's OpenAPI description, matched against calls."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from tokenguard_sandbox.answers import Answer, RefusedError

Handler = Callable[..., Answer]


class Routes:
    """Handlers by method and template, e.g. ``("GET", "/applications(appId='{appId}')")``."""

    def __init__(self, operations: Iterable[tuple[tuple[str, str], Handler]]) -> None:
        self._handlers: dict[str, dict[str, Handler]] = {}
        for (method, template), handler in operations:
            self._handlers.setdefault(template, {})[method] = handler
        # Fixed paths first: "$count" is no id.
        templates = sorted(self._handlers, key=lambda each: each.count("{"))
        self._patterns = [(_pattern(template), template) for template in templates]

    def find(self, method: str, path: str) -> tuple[str, Handler, tuple[str, ...]]:
        """The template that `path` follows, its handler, and what stands in the template's places."""
        for pattern, template in self._patterns:
            if found := pattern.fullmatch(path):
                if handler := self._handlers[template].get(method):
                    return template, handler, found.groups()
                raise RefusedError(405)
        first, *others = path.strip("/").split("/")
        known = any(template.startswith(f"/{first.partition('(')[0]}") for template in self._handlers)
        segment = others[-1] if known and others else first
        raise RefusedError(400, f"Resource not found for the segment '{segment}'.", code="BadRequest")


def _pattern(template: str) -> re.Pattern[str]:
    parts = re.split(r"\{[^}]+\}", template)
    return re.compile("([^/()']+)".join(re.escape(part) for part in parts))
