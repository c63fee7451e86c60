"""The examples of a rule: worked cases that prove, whenever it is loaded, that it can fail and can be mended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tokenguard.judging.engine import Judgement, RuleJudge, TypeCheck
from tokenguard.model import Example, Outcome, Resource, ResourceType, Rule
from tokenguard.rules.messages import present
from tokenguard.rules.mistakes import Mistake, did_you_mean, pointer, quote

PATH = "/examples"


def example_mistakes(rule: Rule, check: TypeCheck) -> Iterator[Mistake]:
    """What is wrong with the examples and the remediation of a compiled `rule`, by trying them."""
    type_ = check.type
    yield from _missing_outcomes(rule)
    judge = RuleJudge(rule, check)
    names = type_.schema["properties"]
    for index, example in enumerate(rule.examples):
        path = pointer(PATH, index)
        unknown_names = [name for name in (*example.properties, *example.unknown) if name not in names]
        if unknown_names:
            for name in unknown_names:
                yield Mistake(path, f"{type_.name} has no property {quote(name)}{did_you_mean(name, names)}")
        else:
            yield from _tried(example, check, judge, path)
    if rule.remediation is not None and rule.remediation.set is not None:
        yield from _remediation_mistakes(rule.remediation.set, check, judge)


def laid_over(type_: ResourceType, example: Example, change: Mapping[str, Any] | None = None) -> Resource:
    """The type's neutral resource with an example's properties, and those of a remediation, in place of its own."""
    unknown = dict.fromkeys(example.unknown)
    properties = {**type_.schema["examples"][0], **example.properties, **unknown, **(change or {})}
    return Resource(type_.name, "example", example.title or "example", properties, example.unknown)


def _missing_outcomes(rule: Rule) -> Iterator[Mistake]:
    """A pass and a fail each rule can have, and it can meet an unknown as soon as it reads anything."""
    shown = {example.outcome for example in rule.examples}
    wanted = {Outcome.PASS: "", Outcome.FAIL: ""}
    reads = sorted(rule.select_reads | rule.require_reads)
    if reads:
        wanted[Outcome.NOT_EVALUATED] = f": one where {' or '.join(reads)} is unknown"
    for outcome, where in wanted.items():
        if outcome not in shown:
            yield Mistake(PATH, f'no example whose outcome is "{outcome}"{where}')


def _tried(example: Example, check: TypeCheck, judge: RuleJudge, path: str) -> Iterator[Mistake]:
    resource = laid_over(check.type, example)
    flaw = check.flaw(resource)
    if flaw is not None:
        yield Mistake(path, flaw.reason)
        return
    judgement = judge.judge(resource)
    if judgement.outcome is not example.outcome:
        text = f'the rule says "{judgement.outcome}" of it, not "{example.outcome}"'
        yield Mistake(path, text + _because(judgement))


def _because(judgement: Judgement) -> str:
    reasons = [judgement.reason] if judgement.reason else []
    reasons += [
        f"{violation.path or 'the resource'} is {present(violation.path, violation.observed)}, "
        f"{violation.keyword} is {present(violation.path, violation.expected)}"
        for violation in judgement.violations
    ]
    return f" ({'; '.join(reasons)})" if reasons else ""


def _remediation_mistakes(change: Mapping[str, Any], check: TypeCheck, judge: RuleJudge) -> Iterator[Mistake]:
    path = pointer("/remediation", "set")
    type_ = check.type
    names = type_.schema["properties"]
    writable = [name for name in names if not names[name].get("readOnly")]
    wrong = [name for name in change if name not in writable]
    for name in wrong:
        meant = did_you_mean(name, writable) or f"; nothing of {type_.name} can be"
        yield Mistake(pointer(path, name), f"{quote(name)} is nothing that can be set{meant}")
    if wrong:
        return
    flaw = check.flaw(laid_over(type_, Example(Outcome.PASS), change))
    if flaw is not None:
        yield Mistake(path, flaw.reason)
        return
    for index, example in enumerate(judge.rule.examples):
        if example.outcome is Outcome.FAIL:
            yield from _not_mended(judge.judge(laid_over(type_, example, change)), path, index)


def _not_mended(judgement: Judgement, path: str, index: int) -> Iterator[Mistake]:
    if judgement.outcome not in (Outcome.PASS, Outcome.NOT_SELECTED):
        text = f'with it the rule says "{judgement.outcome}" of example {index}; it must mend every failing one'
        yield Mistake(path, text + _because(judgement))
