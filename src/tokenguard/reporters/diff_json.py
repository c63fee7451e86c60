"""What changed, for programs, after ``schemas/diff.schema.json``."""

from __future__ import annotations

from typing import Any, BinaryIO

from tokenguard.differences import Difference, FindingChange, ResourceChange, Side
from tokenguard.encoding import finding_to_dict, ref_to_dict
from tokenguard.hookspecs import Style
from tokenguard.report_document import configured_to_dict
from tokenguard.reporters.diff_words import conclusion
from tokenguard.reporters.streaming import write_json

KIND = "tokenguard-diff"
FORMAT_VERSION = 1
"""Grows when a reader of an older version could misunderstand; new keys alone do not change it."""


def write_difference(difference: Difference, out: BinaryIO, style: Style) -> None:  # noqa: ARG001  (the same everywhere)
    """As JSON, one change a line."""
    write_json(
        {
            "kind": KIND,
            "formatVersion": FORMAT_VERSION,
            "tenant": {"id": difference.tenant.id, "name": difference.tenant.name},
            "old": _side(difference.old),
            "new": _side(difference.new),
            "exitStatus": int(difference.exit_status),
            "configured": configured_to_dict(difference.configured),
            "unchangedResources": difference.unchanged_resources,
            "unchangedFindings": difference.unchanged_findings,
            "resources": map(_resource, difference.resources),
            "findings": map(_finding, difference.findings),
            "notCompared": ({"what": each.what, "reason": each.reason} for each in difference.not_compared),
            "conclusion": conclusion(difference),
        },
        out,
    )


def _side(side: Side) -> dict[str, Any]:
    return {"source": side.source, "collectedAt": side.collected_at.isoformat()}


def _resource(item: ResourceChange) -> dict[str, Any]:
    return {
        "change": str(item.change),
        "resource": ref_to_dict(item.resource),
        "words": item.words,
        "properties": [{"name": each.name, "before": each.before, "after": each.after} for each in item.properties],
    }


def _finding(item: FindingChange) -> dict[str, Any]:
    before = None if item.before is None else finding_to_dict(item.before)
    return {"turn": str(item.turn), "finding": finding_to_dict(item.finding), "before": before}
