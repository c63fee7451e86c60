"""Microsoft's documented example bodies, read as saved answers: resources or reasons, and nothing that breaks."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from command import PROGRAM
from graph_contract import FOLDER, document, needs_contract
from tokenguard.collect import collect
from tokenguard.entra.answer import Answer
from tokenguard.entra.collector import EntraCollector
from tokenguard.entra.definition import parse_definition
from tokenguard.entra.reading import Unknown
from tokenguard.hookspecs import ReadFailure
from tokenguard.model import Fact, Need, Precedence

pytestmark = needs_contract

NAMES = sorted(path.name for path in Path(FOLDER, "examples").glob("*.json")) if FOLDER else []
POLICIES = "tokenlifetimepolicy-list.json"
POLICY_LIST = "/policies/tokenLifetimePolicies"
POLICY = "4d2f137b-e8a9-46da-a5c3-cc85b2b840a4"


def example(name: str) -> dict[str, Any]:
    return dict(document(f"examples/{name}"))


def answers() -> list[str]:
    """The examples that answer a GET."""
    return [name for name in NAMES if example(name)["method"] == "GET" and example(name)["response"] is not None]


def saved(folder: Path, *names: str) -> None:
    """The bodies as files, with the calls that they answer; an id that the example leaves open is the policy's."""
    for name in names:
        (folder / name).write_text(json.dumps(example(name)["response"]))
    calls = {name: example(name)["url"].replace("{id}", POLICY) for name in names}
    (folder / "calls.json").write_text(json.dumps(calls))


def scan(folder: Path) -> tuple[int, dict[str, Any] | None, str]:
    command = [PROGRAM, "scan", "--snapshot", str(folder), "--rules", "all", "-f", "json"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "Traceback" not in result.stderr
    return result.returncode, json.loads(result.stdout) if result.stdout else None, result.stderr


@pytest.mark.parametrize("name", answers())
def test_an_example_alone_gives_reasons_and_no_verdict_on_the_rest(tmp_path, name):
    saved(tmp_path, name)
    status, report, said = scan(tmp_path)
    assert status in (1, 2, 3)
    if report is None:
        assert status == 2
        assert "Hint: " in said
        return
    assert report["notEvaluated"]
    unread = {each["type"] for each in report["types"] if each["failures"]}
    assert unread
    for rule in report["rules"]:
        assert rule["resource"] not in unread or rule["verdict"] in ("not evaluated", "fail")


def test_the_examples_together_give_what_they_hold(tmp_path):
    saved(tmp_path, "organization-list.json", POLICIES, "serviceprincipal-list.json")
    status, report, _ = scan(tmp_path)
    assert status in (1, 3)
    assert report is not None
    counts = {each["type"]: each["count"] for each in report["types"]}
    assert counts["organization"] == 1
    assert counts["tokenLifetimePolicy"] == len(rows(POLICIES))
    assert counts["servicePrincipal"] == len(rows("serviceprincipal-list.json"))
    assert report["header"]["tenant"]["id"] == rows("organization-list.json")[0]["id"]


def rows(name: str) -> list[dict[str, Any]]:
    return list(example(name)["response"]["value"])


class Documented:
    """A source that answers with the documented bodies, whatever is asked of a collection."""

    name = "the documentation"
    cloud = "global"
    permissions = None
    tenant = ""

    def __init__(self) -> None:
        self._bodies = {
            "/organization": "organization-list.json",
            POLICY_LIST: POLICIES,
            "/servicePrincipals": "serviceprincipal-list.json",
            "/applications": "application-list.json",
        }

    def rows(self, call: str) -> Iterator[Fact | ReadFailure]:
        yield from rows(self._bodies[call.partition("?")[0]])

    def answers(self, calls: Sequence[str]) -> Iterator[tuple[str, Fact | int | ReadFailure]]:
        for call in calls:
            path = call.partition("?")[0]
            if path in self._bodies:
                yield call, {"value": rows(self._bodies[path])}
            elif path.endswith("/appliesTo"):
                yield call, example("tokenlifetimepolicy-list-appliesto.json")["response"]
            elif path.endswith("/$count"):  # the documented one is of another tenant than the lists
                assert int(example("application-count.json")["response"])
                yield call, len(rows(self._bodies[path.removesuffix("/$count")]))
            else:
                yield call, ReadFailure(call, f"GET {call}: not documented")

    def pause(self, seconds: float, why: str) -> None:
        raise AssertionError(why)


def test_the_collector_reads_the_examples_as_a_tenant():
    collector = EntraCollector()
    needs = {type_.name: Need(type_.name, frozenset(type_.schema["properties"])) for type_ in collector.resource_types}
    now = datetime(2026, 1, 1, tzinfo=UTC)
    snapshot = collect([collector], Documented(), needs, precedence=Precedence.ALL, now=now, producer="test")
    found = Counter(resource.type for resource in snapshot.resources)
    assert found["organization"] == 1
    assert found["tokenLifetimePolicy"] == len(rows(POLICIES))
    assert found["tokenLifetimePolicyAssignment"] == len(rows(POLICIES))
    assert found["servicePrincipal"] == len(rows("serviceprincipal-list.json"))
    failures = snapshot.summary()["application"].failures
    assert len(failures) + found["application"] == len(rows("application-list.json"))
    assert len(failures) == sum("id" not in row for row in rows("application-list.json"))


def definitions() -> list[tuple[str, Any]]:
    """Every definition of a token lifetime policy in a request or an answer."""
    found = []
    for name in NAMES:
        if name.startswith("tokenlifetimepolicy"):
            for body in (example(name).get("request"), example(name)["response"]):
                rows = body.get("value", [body]) if isinstance(body, dict) else []
                found += [(name, row["definition"]) for row in rows if "definition" in row]
    return found


def test_every_documented_definition_is_read_or_has_a_reason():
    assert len(definitions()) >= 4
    for name, definition in definitions():
        read = parse_definition(definition)
        placeholder = definition == ["definition-value"]
        assert isinstance(read.lifetime, Unknown if placeholder else timedelta), name
        assert bool(read.problems) is placeholder, name


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("error-")])
def test_a_documented_error_is_explained_in_its_own_words(name):
    error = example(name)["response"]["error"]
    said = Answer(403, {}, example(name)["response"]).explain()
    assert said.startswith(f"403 {error['code']}: {error['message'].split()[0]}")
