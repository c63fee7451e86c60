"""Journals that somebody forged: refused, or planned anew, and nothing is written that was not shown."""

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from fixing import FIVE_HOURS
from forked import killed_at
from live import quiet_sdk
from tokenguard.consent import change_from_dict, digest
from tokenguard.journal import Key

pytestmark = quiet_sdk

THEIRS = Key(bytes(32))
LIE = "becomes 1 h 30 min, and nothing else"
TWO_HOURS = '{"TokenLifetimePolicy":{"Version":1,"AccessTokenLifetime":"02:00:00"}}'


@pytest.fixture
def begun(bench):
    """A journal that has just been begun: a policy is to be created and assigned. And the tenant before."""
    before = bench.tenant()
    assert bench.fix("--yes", before=killed_at(1)).status < 0
    bench.sandbox.forget()
    return before


@pytest.fixture
def shortened(bench):
    """A journal of one update, begun and not carried out, of a policy that nothing has; its id."""
    policy = bench.create(f"eight hours {bench.principal['id']}", "08:00:00")
    arguments = ("--select", "unassigned-policy-lifetime-too-long", "--only", policy, "--journal", "journal.jsonl")
    assert bench.run("fix", *arguments, "--yes", before=killed_at(1)).status < 0
    bench.sandbox.forget()
    yield policy
    bench.delete(policy)


def resume(bench, *arguments, name="forged.jsonl"):
    return bench.run("fix", "--resume", name, "--rules", str(bench.rule()), "--wait", "0", *arguments)


def operation(header: Any, index: int = 0) -> Any:
    return header["changes"][0]["operations"][index]


def to_a_day_for_everybody(header: Any) -> None:
    """Of a plan that shortens a policy: an organization default of 24 hours, which calls itself what was agreed to."""
    operation(header)["after"]["definition"] = [TWO_HOURS.replace("02:00:00", "23:59:59")]
    operation(header)["after"]["isOrganizationDefault"] = True
    operation(header)["words"] = LIE
    header["changes"][0] |= {"safety": "safe", "blastRadius": LIE, "irreversible": ""}
    header["changes"][0]["before"] = {"accessTokenLifetimeSeconds": 28800}
    header["changes"][0]["after"] = {"accessTokenLifetimeSeconds": 5400}
    header["changes"][0]["resource"]["name"] = LIE
    header["changes"][0]["serves"][0] = {"rule": LIE, "resource": {"type": LIE, "id": LIE, "name": LIE}}
    header["tenant"]["name"] = LIE


@pytest.mark.parametrize("key", [THEIRS, None], ids=["of another key", "of none"])
def test_a_journal_that_is_not_this_machines_is_refused_by_resume_and_undo(bench, shortened, key):
    bench.rewrite(to_a_day_for_everybody, to="forged.jsonl", key=THEIRS)
    if key is None:
        path = bench.folder / "forged.jsonl"
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        for line in lines:
            del line["mac"]
        del lines[0]["key"]
        path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    for done in (resume(bench, "--unsafe", "--yes"), bench.run("undo", "forged.jsonl", "--unsafe", "--yes")):
        assert done.status == 2, done
        assert "whoever wrote the file decides what is asked for" in done.stderr
        assert "--foreign-journal" in done.stderr
        assert LIE not in done.stdout + done.stderr
    assert bench.writes() == []


def test_no_option_makes_an_edited_journal_of_this_machine_acceptable(bench, shortened):
    path = bench.folder / "journal.jsonl"
    header, *rest = path.read_text().splitlines()
    document = json.loads(header)
    to_a_day_for_everybody(document)
    document["digest"] = digest(map(change_from_dict, document["changes"]))
    (bench.folder / "forged.jsonl").write_text("\n".join([json.dumps(document), *rest]) + "\n")
    (bench.folder / "forged.jsonl").chmod(0o600)
    options = ("--foreign-journal", "--unsafe", "--yes")
    for done in (resume(bench, *options), bench.run("undo", "forged.jsonl", *options)):
        assert done.status == 2, done
        assert "line 1: not as tokenguard wrote it" in done.stderr
    assert bench.writes() == []


def test_what_a_forged_journal_asks_for_is_shown_as_it_is_and_takes_unsafe(bench, shortened):
    bench.rewrite(to_a_day_for_everybody, to="forged.jsonl", key=THEIRS)
    shown = resume(bench, "--foreign-journal", "--yes")
    assert shown.status == 2, shown
    assert "1 change of 1 not safe; nothing was written" in shown.stderr
    assert "(unsafe)" in shown.stdout
    assert "23:59:59" in shown.stdout
    assert "make it the organization default" in shown.stdout
    assert "tokens for every application of the tenant" in shown.stdout
    assert LIE not in shown.stdout + shown.stderr
    assert bench.writes() == []
    asked = bench.run("fix", "--resume", "forged.jsonl", "--foreign-journal", "--unsafe", typed="n\n")
    assert LIE not in asked.stdout + asked.stderr
    assert bench.writes() == []


def test_the_option_without_a_journal_is_refused(bench):
    done = bench.run("fix", "--foreign-journal", "--yes")
    assert done.status == 2
    assert "add --resume JOURNAL" in done.stderr
    assert bench.writes() == []


def test_undoing_a_forged_journal_shows_what_it_would_do(bench, shortened):
    """It claims that a policy was made that is another administrator's; to undo it would be to delete theirs."""

    def theirs(header: Any) -> None:
        after = operation(header)["after"]
        after["displayName"], after["definition"] = (
            f"eight hours {bench.principal['id']}",
            operation(header)["before"]["definition"],
        )
        header["changes"][0]["operations"] = [
            {"kind": "createPolicy", "target": {"policy": "new:x"}, "before": None, "after": after, "words": LIE}
        ]

    bench.rewrite(theirs, to="forged.jsonl", key=THEIRS)
    path = bench.folder / "forged.jsonl"
    header = json.loads(path.read_text().splitlines()[0])
    place = {"change": header["changes"][0]["id"], "index": 0, "step": "write", "at": "2026-12-01T00:00:00Z", "ids": {}}
    intent = {"line": "intent", **place, "operation": header["changes"][0]["operations"][0]}
    outcome = {"line": "outcome", **place, "outcome": "applied", "reason": "", "observed": None}
    path.write_text("".join(f"{json.dumps(line)}\n" for line in (header, intent, outcome)))
    shown = bench.run("undo", "forged.jsonl", "--foreign-journal", "--dry-run")
    assert f"delete policy “eight hours {bench.principal['id']}”" in shown.stdout, shown
    assert "08:00:00" in shown.stdout
    assert LIE not in shown.stdout + shown.stderr
    assert bench.writes() == []


def rewritten(bench, edit):
    """A journal without a key whose header was edited, digest and all."""
    header = json.loads((bench.folder / "journal.jsonl").read_text().splitlines()[0])
    edit(header)
    header["digest"] = digest(map(change_from_dict, header["changes"]))
    del header["key"], header["mac"]
    return header


def saved(bench, *lines):
    path = bench.folder / "forged.jsonl"
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    path.chmod(0o600)


def test_a_name_that_stands_for_another_policy_hides_nothing(bench, begun):
    """It asks to delete what it calls by a name of its own; found by its content, that is everybody's default."""
    default = bench.create(f"everybody {bench.principal['id']}", "02:00:00", default=True)
    before = {"displayName": f"everybody {bench.principal['id']}", "description": None, "isOrganizationDefault": True}
    removal = {"kind": "deletePolicy", "target": {"policy": "new:Harmless"}, "after": None, "words": LIE}
    removal["before"] = {**before, "definition": [TWO_HOURS]}
    saved(bench, rewritten(bench, lambda header: header["changes"][0].update(operations=[removal])))
    bench.sandbox.forget()
    shown = resume(bench, "--foreign-journal", "--dry-run")
    assert default in shown.stdout, shown
    assert "tokens for every application of the tenant" in shown.stdout
    assert "Harmless" not in shown.stdout
    refused = resume(bench, "--foreign-journal", "--yes")
    assert (refused.status, bench.writes()) == (2, [])
    bench.delete(default)
    assert bench.tenant() == begun


@pytest.mark.parametrize("dry", [(), ("--dry-run",)])
def test_a_foreign_journal_does_not_choose_that_nothing_is_evaluated(bench, begun, dry):
    saved(bench, rewritten(bench, lambda header: header.update(purpose="undo", changes=[])))
    policy = bench.create(f"a finding {bench.principal['id']}", "08:00:00")
    done = bench.run("fix", "--resume", "forged.jsonl", "--foreign-journal", "--yes", *dry)
    assert done.status == 1, done
    assert "Nothing is left to be written" in done.stderr
    bench.delete(policy)
    assert bench.tenant() == begun


def _place(header):
    return {"change": header["changes"][0]["id"], "index": 0, "step": "write", "at": "2026-12-01T00:00:00Z", "ids": {}}


MALFORMED = {
    "an id that is a list": (1, {"after": {"policy": ["x"]}}),
    "a kind that there is not": (0, {"kind": "abolish"}),
    "a policy of one property": (0, {"after": {"displayName": 1}}),
    "a target that there is not": (0, {"target": {"user": "new:x"}}),
}


@pytest.mark.parametrize("malformed", MALFORMED)
def test_what_is_no_operation_is_refused_before_anything_is_asked_or_written(bench, begun, malformed):
    index, edit = MALFORMED[malformed]
    header = rewritten(bench, lambda header: operation(header, index).update(edit))
    place = {**_place(header), "index": index}
    intent = {"line": "intent", **place, "operation": operation(header, index)}
    outcome = {"line": "outcome", **place, "outcome": "applied", "reason": "", "observed": None}
    saved(bench, header, intent, outcome)
    options = ("--foreign-journal", "--unsafe", "--yes", "--wait", "0")
    for done in (resume(bench, *options), bench.run("undo", "forged.jsonl", *options)):
        assert done.status == 2, done
        assert "is nothing that a fix does" in done.stderr
    assert bench.writes() == []


def test_the_command_to_look_again_says_that_the_journal_is_foreign(bench, begun):
    header = rewritten(bench, lambda _: None)
    saved(bench, header, {"line": "intent", **_place(header), "operation": operation(header)})
    done = bench.run("undo", "forged.jsonl", "--foreign-journal", "--wait", "0")
    assert done.status == 4, done
    assert "To look again: tokenguard undo forged.jsonl --foreign-journal" in done.stderr
    assert "There is nothing else to take back." in done.stderr


def test_a_journal_of_another_machine_is_carried_on_as_it_is_shown(bench, begun):
    bench.rewrite(lambda _: None, to="forged.jsonl", key=THEIRS)
    done = resume(bench, "--foreign-journal", "--unsafe", "--yes", "--journal", "ours.jsonl")
    assert done.status == 0, done
    assert bench.held() == FIVE_HOURS
    assert f"assign policy “{FIVE_HOURS}” to {bench.principal['displayName']}" in done.stdout
    assert json.loads((bench.folder / "ours.jsonl").read_text().splitlines()[0])["key"] == bench.key().name
    assert bench.run("undo", "ours.jsonl", "--unsafe", "--yes", "--wait", "0").status == 0
    assert bench.tenant() == begun


def test_a_key_in_the_environment_makes_another_machine_this_one(bench, begun):
    bench.rewrite(lambda _: None, to="forged.jsonl", key=THEIRS)
    bench.sandbox.environment["TOKENGUARD_JOURNAL_KEY"] = THEIRS.secret.hex()
    try:
        done = resume(bench, "--unsafe", "--yes")
        assert done.status == 0, done
        undone = bench.run("undo", "forged.jsonl", "--unsafe", "--yes", "--wait", "0")
    finally:
        del bench.sandbox.environment["TOKENGUARD_JOURNAL_KEY"]
    assert undone.status == 0, undone
    assert bench.tenant() == begun
    assert THEIRS.secret.hex() not in done.stdout + done.stderr + undone.stdout + undone.stderr


@pytest.mark.parametrize(("key", "status"), [(None, 0), (THEIRS, 1)], ids=["ours", "theirs"])
def test_the_rules_that_a_forged_journal_names_do_not_decide_the_verdict(bench, begun, key, status):
    """It names a rule that passes. This machine's own is evaluated by it, another by all that are asked for."""

    def harmless(header: Any) -> None:
        header["changes"][0]["serves"][0]["rule"] = "several-organization-default-policies"

    bench.rewrite(harmless, to="forged.jsonl", key=key)
    policy = bench.create(f"a finding {bench.principal['id']}", "08:00:00")
    shown = bench.run("fix", "--resume", "forged.jsonl", "--foreign-journal", "--dry-run", "--wait", "0")
    assert shown.status == status, shown
    bench.delete(policy)
    assert bench.tenant() == begun


# --- every field ----------------------------------------------------------------------------------------------------


def fields(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The place of every value that holds no others."""
    if isinstance(value, dict | list):
        for name, part in value.items() if isinstance(value, dict) else enumerate(value):
            yield from fields(part, (*at, name))
    else:
        yield at


def others(value: Any, known: list[str]) -> list[Any]:
    """What may stand in place of a value: something of its type, and whatever else a forger may try."""
    match value:
        case bool():
            return [not value]
        case int():
            return [value + 1]
        case None:
            return [LIE, {"policy": known[0]}]
        case _ if value in known or value.startswith("new:"):
            return [each for each in known if each != value][:2]
        case str() if "AccessTokenLifetime" in value:
            return [TWO_HOURS, TWO_HOURS.replace("02:00:00", "23:59:59"), "{}"]
        case _:
            return [LIE, "safe", "assign", "deletePolicy"]


def put(document: Any, at: tuple[Any, ...], value: Any) -> None:
    for step in at[:-1]:
        document = document[step]
    document[at[-1]] = value


def forgeries(header: Any, known: list[str]) -> Iterator[tuple[tuple[Any, ...], Any]]:
    for at in fields(header):
        if at[0] not in ("digest", "key", "mac"):
            value = header
            for step in at:
                value = value[step]
            yield from ((at, other) for other in others(value, known) if other != value)


def test_whatever_field_is_forged_nothing_is_written_that_was_not_shown(bench, begun, principals):
    theirs = bench.create(f"theirs {bench.principal['id']}", "08:00:00")
    before, held = bench.tenant()
    header = json.loads((bench.folder / "journal.jsonl").read_text().splitlines()[0])
    known = [bench.principal["id"], principals[0]["id"], theirs]
    wrote = tried = 0
    for at, value in forgeries(header, known):
        try:
            bench.rewrite(partial(put, at=at, value=value), to="forged.jsonl", key=THEIRS)
        except (KeyError, TypeError, ValueError, AttributeError):
            continue  # it is no change any more, so that no digest can be made of it
        (bench.folder / "ours.jsonl").unlink(missing_ok=True)
        bench.sandbox.forget()
        done = resume(bench, "--foreign-journal", "--unsafe", "--yes", "--journal", "ours.jsonl")
        assert done.status in (0, 1, 2, 4), (at, value, done)
        tried += 1
        policies, holders = bench.tenant()
        for name, _, definition, default in set(map(tuple, policies)) ^ set(map(tuple, before)):
            assert name in done.stdout, (at, value)
            assert definition[0] in done.stdout, (at, value)
            assert not default or "as organization default" in done.stdout, (at, value)
        for holder, name, _ in set(holders) ^ set(held):
            assert holder in done.stdout, (at, value)
            assert name in done.stdout, (at, value)
        if bench.writes():
            wrote += 1
            assert done.status != 2, (at, value)
            undone = bench.run("undo", "ours.jsonl", "--unsafe", "--yes", "--wait", "0")
            assert undone.status == 0, (at, value, undone)
        else:
            assert done.status != 0 or "left alone" not in done.stdout
        assert bench.tenant() == (before, held), (at, value)
    assert tried > 40
    assert wrote > 10
    bench.delete(theirs)
