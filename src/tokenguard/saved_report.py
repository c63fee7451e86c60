"""Reading a JSON report back: what was cut off, or is at odds with itself, must not pass for a result."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tokenguard.encoding import finding_from_dict, lifetimes_from_dict, moment_from_text, not_evaluated_from_dict
from tokenguard.errors import DocumentError, TokenguardError
from tokenguard.excerpts import is_beginning, is_excerpt
from tokenguard.files import open_file
from tokenguard.json_stream import JsonStream
from tokenguard.judging.engine import document_check
from tokenguard.judging.evaluate import exit_status, in_report_order
from tokenguard.kinds import REPORT
from tokenguard.misplaced import naming
from tokenguard.model import (
    Finding,
    FindingStatus,
    Lifetimes,
    NotEvaluated,
    Report,
    Rule,
    RuleResult,
    Severity,
    fingerprint,
)
from tokenguard.report_document import (
    FORMAT_VERSION,
    KIND,
    configured_from_dict,
    header_from_dict,
    rule_from_dict,
    type_from_dict,
)
from tokenguard.rules.mistakes import Mistake
from tokenguard.rules.parameters import value_mistakes
from tokenguard.schemas import schema
from tokenguard.spool import Spool

MAXIMUM_MISTAKES = 10
"""That are told of one place."""
_AGAIN = "write it again with `tokenguard scan --format json`; a report is not to be edited"


def open_report(path: Path) -> Report:
    """The report in the file `path`, its findings kept as a scan keeps them: mostly not in memory.

    Raises `DocumentError` for what is no report, of another version, cut off, or at odds with itself.
    """
    with naming(path, REPORT), open_file(path, "a JSON report") as file:
        return _read(JsonStream(file, str(path)), str(path))


def _read(stream: JsonStream, source: str) -> Report:
    parts: dict[str, Any] = {}
    report: Report | None = None
    left = {"findings", "notEvaluated"}
    """Lists that may be long. They come last, as tokenguard writes them: all that they are checked by is then known."""
    for name in stream.members():
        if name in left:
            report = report or _head(parts, source)
            left.remove(name)
            if name == "findings":
                report = replace(report, findings=_findings(stream.items(), report, source))
            else:
                report = replace(report, not_evaluated=_not_evaluated(stream.items(), report, source))
        elif report is not None and name in schema("report")["properties"]:
            raise DocumentError(
                f"{source}: {name!r} stands after the findings, where tokenguard does not put it", _AGAIN
            )
        else:
            parts[name] = stream.value()
            _check_kind(name, parts[name], source)
    if report is None or left:
        raise _no_report(source)
    _check_counts(report, source)
    return report


def _check_kind(name: str, value: Any, source: str) -> None:
    """As soon as it is known: what another program wrote should not be searched for mistakes."""
    if name == "kind" and value != KIND:
        raise _no_report(source)
    if name == "formatVersion" and value != FORMAT_VERSION:
        raise DocumentError(
            f"{source}: written in report format {value!r}; this tokenguard reads format {FORMAT_VERSION}",
            "read it with the version that wrote it or a newer one, or scan again",
        )


def _no_report(source: str) -> DocumentError:
    return DocumentError(
        f"{source}: JSON, but not a report that tokenguard wrote",
        "name a file that `tokenguard scan --format json` wrote",
    )


def _head(parts: Mapping[str, Any], source: str) -> Report:
    """The report without its lists."""
    if "kind" not in parts:
        raise _no_report(source)
    whole = schema("report")
    required = [name for name in whole["required"] if name not in ("findings", "notEvaluated")]
    _refuse(document_check({**whole, "required": required})(parts), source)
    try:
        return Report(
            header=header_from_dict(parts["header"]),
            scanned_at=moment_from_text(parts["scannedAt"]),
            rules=tuple(_rule(each) for each in parts["rules"]),
            findings=(),
            not_evaluated=(),
            types={each["type"]: type_from_dict(each) for each in parts["types"]},
            notices=tuple(parts["notices"]),
            fail_on=Severity[parts["failOn"].upper()],
            exit_status=parts["exitStatus"],
            source=parts["source"],
            lifetimes=tuple(map(_lifetimes, parts.get("lifetimes", ()))),
            configured=configured_from_dict(parts["configured"]),
        )
    except (KeyError, TypeError, ValueError, TokenguardError) as error:
        raise DocumentError(f"{source}: a rule or a date in it has no meaning ({error})", _AGAIN) from error


def _rule(document: Mapping[str, Any]) -> RuleResult:
    result = rule_from_dict(document)
    if (result.passed, result.verdict) != (document["passed"], document["verdict"]):
        raise ValueError(f"rule {result.rule.id}: its numbers give {result.verdict!r}, it says {document['verdict']!r}")
    return result


def _lifetimes(document: Mapping[str, Any]) -> Lifetimes:
    item = lifetimes_from_dict(document)
    drawn = sum(each.seconds is not None for each in item.shown)
    for shown, number in ((drawn, item.known), (len(item.shown) - drawn, item.unknown)):
        if shown > number or (number and not shown):
            raise ValueError(f"{item.type}.{item.property}: {shown} lengths of {number}")
    return item


def _findings(documents: Iterable[Any], report: Report, source: str) -> Spool[Finding]:
    rules = {result.rule.id: result.rule for result in report.rules}
    kept = Spool.of_findings(rules.values())
    for place, document in _checked(documents, "finding", rules, source):
        try:
            finding = finding_from_dict(document)
        except ValueError as error:
            raise DocumentError(f"{source}: {place}: {error}", _AGAIN) from error
        resource = finding.resource
        mark = fingerprint(finding.rule, report.header.tenant.id, resource.type, resource.id)
        whole = {name: each for name, each in finding.parameters.items() if not is_beginning(each)}
        values = {name: each["first"] if is_excerpt(each) else each for name, each in whole.items()}
        _refuse(list(value_mistakes(rules[finding.rule], values)), f"{source}: {place}")
        if (finding.fingerprint, finding.severity) != (mark, rules[finding.rule].severity):
            raise DocumentError(f"{source}: {place}: not of the rule, tenant and resource that it names", _AGAIN)
        kept.append(finding)
    return kept


def _not_evaluated(documents: Iterable[Any], report: Report, source: str) -> Spool[NotEvaluated]:
    rules = {result.rule.id: result.rule for result in report.rules}
    kept = Spool.of_not_evaluated(rules.values())
    for _, document in _checked(documents, "notEvaluated", rules, source):
        kept.append(not_evaluated_from_dict(document))
    return kept


def _checked(
    documents: Iterable[Any], kind: str, rules: Mapping[str, Rule], source: str
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each item that is as the schema's definition `kind` says, and of a known rule, with its place."""
    check = document_check({"title": kind, "$ref": f"#/$defs/{kind}", "$defs": schema("report")["$defs"]})
    for number, document in enumerate(documents, 1):
        place = f"{kind} {number}"
        _refuse(check(document), f"{source}: {place}")
        if document["rule"] not in rules:
            raise DocumentError(f"{source}: {place}: of a rule that the report does not have", _AGAIN)
        yield place, document


def _refuse(mistakes: list[Mistake], source: str) -> None:
    if mistakes:
        lines = "\n  ".join(map(str, mistakes[:MAXIMUM_MISTAKES]))
        raise DocumentError(f"{source}: not as a report should be:\n  {lines}", _AGAIN)


def _check_counts(report: Report, source: str) -> None:
    """A finding that was taken out, or in, shows in the numbers of its rule."""
    found = Counter((item.rule, item.status) for item in report.findings)
    unknown = Counter((item.rule, item.resource is None) for item in report.not_evaluated)
    for result in report.rules:
        rule = result.rule.id
        says = (result.failed, result.exempt, result.known, result.not_evaluated, bool(result.incomplete))
        holds = (*(found[rule, status] for status in FindingStatus), unknown[rule, False], bool(unknown[rule, True]))
        if says != holds:
            raise DocumentError(f"{source}: rule {rule}: does not hold as many findings as it says", _AGAIN)
    if exit_status(report.rules, report.fail_on) != report.exit_status:
        raise DocumentError(f"{source}: its exit status is not what its rules give", _AGAIN)
    if [result.rule for result in report.rules] != in_report_order(result.rule for result in report.rules):
        raise DocumentError(f"{source}: its rules are not in their order", _AGAIN)
