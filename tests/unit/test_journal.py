"""The journal: on the disk before anything follows from it, and taken only as tokenguard wrote it."""

import errno
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from memory_tenant import A, B, assign, change, content, create, unassign
from tokenguard.consent import change_from_dict, change_to_dict, digest
from tokenguard.errors import DocumentError, UsageError
from tokenguard.journal import Ended, Fate, Header, Place, Step, create_journal, read_journal, resume_journal
from tokenguard.judging.engine import document_mistakes
from tokenguard.model import Precedence, Tenant
from tokenguard.schemas import schema

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
CHANGES = (change(unassign(A), assign(B)), change(create("five"), assign("new:five"), id_="second"))


def now():
    return NOW


def header(**changed):
    given = {
        "purpose": "fix",
        "tenant": Tenant("t", "Contoso"),
        "cloud": "global",
        "precedence": Precedence.ALL,
        "started_at": NOW.isoformat(),
        "producer": "tokenguard 1",
        "uid": os.getuid(),
        "changes": CHANGES,
    }
    return Header(**{**given, **changed})


@pytest.fixture
def path(tmp_path):
    return tmp_path / "journal.jsonl"


@pytest.fixture
def journal(path):
    journal = create_journal(path, header(), now)
    yield journal
    journal.close()


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def write_lines(path, documents):
    path.write_text("".join(json.dumps(document) + "\n" for document in documents))


def place(index=0, step=Step.WRITE, of="change"):
    return Place(of, index, step)


def test_a_change_reads_back_as_it_was():
    for each in CHANGES:
        assert change_from_dict(json.loads(json.dumps(change_to_dict(each)))) == each


def test_the_digest_is_of_what_changes_do():
    assert digest(CHANGES) == digest(list(CHANGES))
    assert digest(CHANGES) != digest(CHANGES[:1])


def test_a_journal_is_for_its_owner_alone(journal, path):
    assert path.stat().st_mode & 0o777 == 0o600


def test_nothing_is_written_over(journal, path):
    with pytest.raises(UsageError, match="cannot be written there"):
        create_journal(path, header(), now)


def test_a_folder_that_is_missing_is_said(tmp_path):
    with pytest.raises(UsageError, match="No such file"):
        create_journal(tmp_path / "none" / "journal.jsonl", header(), now)


def test_a_journal_whose_first_line_has_no_room_leaves_no_file_behind(path, monkeypatch):
    def full(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", full)
        with pytest.raises(UsageError, match="No space left on device"):
            create_journal(path, header(), now)
    assert not path.exists()
    create_journal(path, header(), now).close()


def test_every_line_is_on_the_disk_before_anything_follows(path, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append(str(Path(f"/proc/self/fd/{handle}").readlink())))
    journal = create_journal(path, header(), now)
    assert synced == [str(path), str(path.parent)]
    journal.intend(place(), unassign(A))
    journal.settle(place(), Ended(Fate.APPLIED), None)
    journal.end("change", Ended(Fate.APPLIED))
    journal.close()
    assert synced[2:] == [str(path)] * 3


def test_every_line_is_valid_against_its_schema(journal, path):
    journal.record.ids["new:five"] = A
    journal.intend(place(), unassign(A))
    journal.settle(place(), Ended(Fate.POSTPONED, "429"), {"policy": A})
    journal.end("change", Ended(Fate.FAILED, "403"))
    for line in lines(path):
        assert document_mistakes(schema("journal"), line) == []


def test_what_is_read_is_what_was_written(journal, path):
    journal.intend(place(), unassign(A))
    journal.settle(place(), Ended(Fate.APPLIED), None)
    journal.intend(place(1), assign(B))
    journal.record.ids["new:five"] = B
    journal.end("second", Ended(Fate.STALE, "it is gone"))
    record = read_journal(path)
    assert record == journal.record
    first, second = record.progress["change"], record.progress["second"]
    assert [done.operation for done in first.done] == [unassign(A)]
    assert first.next == 1
    assert first.pending.operation == assign(B)
    assert first.ended is None
    assert second.ended == Ended(Fate.STALE, "it is gone")
    assert record.ids == {"new:five": B}


@pytest.mark.parametrize(
    ("outcome", "pending", "done"),
    [
        (Fate.APPLIED, False, True),
        (Fate.HELD, False, False),
        (Fate.POSTPONED, False, False),
        (Fate.FAILED, False, False),
        (Fate.STALE, False, False),
        (Fate.UNCONFIRMED, True, False),
    ],
)
def test_only_what_is_confirmed_is_done_and_only_reading_settles_what_is_not(journal, path, outcome, pending, done):
    journal.intend(place(), unassign(A))
    journal.settle(place(), Ended(outcome), None)
    progress = read_journal(path).progress["change"]
    assert (progress.pending is not None, bool(progress.done)) == (pending, done)


def test_what_was_taken_back_is_not_done(journal, path):
    journal.intend(place(), unassign(A))
    journal.settle(place(), Ended(Fate.APPLIED), None)
    journal.intend(place(step=Step.TAKE_BACK), assign(A))
    assert read_journal(path).progress["change"].taking_back
    assert read_journal(path).progress["change"].done
    journal.settle(place(step=Step.TAKE_BACK), Ended(Fate.APPLIED), {"policy": A})
    assert not read_journal(path).progress["change"].done


def test_a_last_line_that_was_cut_off_says_nothing_wherever_it_was_cut(path):
    journal = create_journal(path, header(), now)
    journal.intend(place(), unassign(A))
    whole = path.read_bytes()
    journal.settle(place(), Ended(Fate.APPLIED), None)
    journal.close()
    longer = path.read_bytes()
    for size in (*range(len(whole), len(longer), 23), len(longer) - 1):
        path.write_bytes(longer[:size])
        assert read_journal(path).progress["change"].pending is not None
        resumed = resume_journal(path, now)
        resumed.end("second", Ended(Fate.HELD))
        resumed.close()
        assert len(lines(path)) == 3
        assert read_journal(path) == resumed.record


def test_a_journal_that_never_began_says_that_nothing_was_written(path):
    path.touch(0o600)
    path.chmod(0o600)
    with pytest.raises(DocumentError, match="nothing was written to the tenant"):
        read_journal(path)


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o666, 0o400, 0o700])
def test_a_file_that_others_can_reach_is_not_taken(journal, path, mode):
    path.chmod(mode)
    for take in (read_journal, lambda path: resume_journal(path, now)):
        with pytest.raises(DocumentError, match=rf"mode 0{mode:o}"):
            take(path)


def test_what_is_no_file_is_not_taken(tmp_path):
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(DocumentError, match="no regular file"):
        read_journal(tmp_path / "pipe")
    with pytest.raises(DocumentError, match="no regular file"):
        read_journal(tmp_path)
    with pytest.raises(DocumentError, match="cannot be opened"):
        read_journal(tmp_path / "none")


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a file to another user")
def test_a_journal_of_another_user_is_not_taken(journal, path):
    os.chown(path, 12345, -1)
    with pytest.raises(DocumentError, match="belongs to the user with the number 12345"):
        read_journal(path)


def test_a_journal_that_another_user_began_is_not_taken(path):
    create_journal(path, header(uid=os.getuid() + 1), now).close()
    with pytest.raises(DocumentError, match="begun by the user"):
        read_journal(path)


def _other_operation(document):
    document[0]["changes"][0]["operations"][0]["target"]["servicePrincipal"] = B


EDITS = {
    "another operation in the header": (_other_operation, "not those that were begun"),
    "a change that was never begun": (lambda d: d[1].update(change="third"), "never begun"),
    "another operation": (lambda d: d[1]["operation"].update(target={"servicePrincipal": B}), "never begun"),
    "other words": (lambda d: d[1]["operation"].update(words="polish the silver"), "never begun"),
    "an operation that there is not": (lambda d: d[1].update(index=2), "never begun"),
    "a key too many": (lambda d: d[1].update(url="https://graph.example"), 'no key "url"'),
    "a key too few": (lambda d: d[1].pop("operation"), "operation"),
    "a second header": (lambda d: d.insert(1, d[0]), "not a line of a journal here"),
    "no header": (lambda d: d.pop(0), "not a line of a journal here"),
    "another version": (lambda d: d[0].update(version=2), "not a line of a journal"),
    "a negative index": (lambda d: d[1].update(index=-1), "not a line of a journal"),
    "no object": (lambda d: d.insert(1, []), "not a line of a journal here"),
}


@pytest.mark.parametrize("edit", EDITS)
def test_a_journal_that_was_edited_is_not_taken(journal, path, edit):
    journal.intend(place(), unassign(A))
    documents = lines(path)
    edit_it, said = EDITS[edit]
    edit_it(documents)
    write_lines(path, documents)
    with pytest.raises(DocumentError, match=said):
        read_journal(path)


def test_a_key_that_stands_twice_and_a_line_that_is_torn_in_the_middle_are_refused(journal, path):
    journal.intend(place(), unassign(A))
    first, second = path.read_text().splitlines()
    for text in (f'{first}\n{second[:-1]},"index":1}}\n', f"{first}\n{second[:40]}\n{second}\n"):
        path.write_text(text)
        with pytest.raises(DocumentError, match="line 2"):
            read_journal(path)


def test_no_method_no_address_and_no_token_is_in_a_journal(journal, path):
    journal.intend(place(), create("five"))
    text = path.read_text()
    assert content("five")["displayName"] in text
    for word in ("http", "POST", "DELETE", "PATCH", "Bearer", "/v1.0"):
        assert word not in text


def test_a_full_disk_stops_the_program_before_the_write():
    code = (
        "import resource, sys, tempfile\n"
        "from pathlib import Path\n"
        "sys.path[:0] = ['tests', 'tests/unit']\n"
        "from test_journal import header, now, place, unassign, A\n"
        "from tokenguard.errors import TokenguardError\n"
        "from tokenguard.journal import create_journal\n"
        "path = Path(tempfile.mkdtemp()) / 'journal'\n"
        "journal = create_journal(path, header(), now)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 10,) * 2)\n"
        "try: journal.intend(place(), unassign(A))\n"
        "except TokenguardError as error: print(error.exit_status, error.message)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.startswith("4 "), done.stderr
    assert "cannot be written on" in done.stdout
