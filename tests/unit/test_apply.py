"""Carrying out changes against a tenant in memory that lags, loses answers, refuses, and is edited by others."""

import json
from contextlib import closing
from datetime import UTC, datetime

import pytest

from memory_tenant import (
    HOLDER,
    KEY,
    OTHER,
    A,
    B,
    MemoryTenant,
    Passing,
    assign,
    change,
    content,
    create,
    delete,
    forbidden,
    lost,
    refused,
    throttled,
    unassign,
    update,
    vanished,
)
from tokenguard.apply import Patience, Reader, apply_changes, plan_undo
from tokenguard.changes import Written
from tokenguard.hookspecs import ReadFailure
from tokenguard.journal import Fate, Header, create_journal, read_journal, resume_journal
from tokenguard.model import Precedence, Tenant
from tokenguard.system import user

PATIENCE = Patience(limit=60)
FIVE = change(create("five"), assign("new:five"))
REPLACE = change(unassign(A), assign(B))
REMOVE = change(unassign(A), delete(A, content("a")))
ALL = (
    change(unassign(A), create("five"), assign("new:five"), id_="first"),
    change(assign("new:five", OTHER), id_="second"),
    change(update(B, content("b"), content("b", isOrganizationDefault=True)), id_="third"),
    change(delete(A, content("a")), id_="fourth"),
)


def now():
    return datetime(2026, 11, 23, tzinfo=UTC)


def journal_at(path, *changes, purpose="fix"):
    header = Header(
        purpose, Tenant("t"), "global", Precedence.ALL, "2026-11-23T00:00:00Z", "tokenguard", user(), changes
    )
    return create_journal(path, header, now, KEY)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "journal.jsonl"


@pytest.fixture
def passing():
    return Passing()


def a_tenant(passing, **changed):
    """Two policies; one principal holds the first."""
    given = {"policies": {A: content("a"), B: content("b")}, "held": {HOLDER: A}}
    return MemoryTenant(passing, **{**given, **changed})


@pytest.fixture
def tenant(passing):
    return a_tenant(passing)


@pytest.fixture
def bare(passing):
    """The same without the assignment."""
    return a_tenant(passing, held={})


def go(journal, tenant):
    told = []
    try:
        applied = apply_changes(journal, tenant, patience=PATIENCE, time=tenant.passing.time, tell=told.append)
    finally:
        journal.close()
    return applied


def test_it_is_told_which_change_is_at_work_what_is_waited_for_and_how_long_the_rest_takes(path, tenant):
    told = []
    changes = [change(update(id_, content(name), content(f"{name}2")), id_=id_) for id_, name in ((A, "a"), (B, "b"))]
    with closing(journal_at(path, *changes)) as journal:
        apply_changes(
            journal, tenant, patience=Patience(limit=30, first_pause=2), time=tenant.passing.time, tell=told.append
        )
    assert told == [
        f"change 1 of 2: update {A}",
        f"change 1 of 2: reading back, for up to 30 s: update {A}",
        f"change 1 of 2: reading back, for up to 28 s: update {A}",
        f"change 2 of 2, about 6 s left: update {B}",
        f"change 2 of 2, about 6 s left: reading back, for up to 30 s: update {B}",
        f"change 2 of 2, about 8 s left: reading back, for up to 28 s: update {B}",
    ]


def reading(tenant, patience=PATIENCE):
    return Reader(tenant, patience, tenant.passing.time, lambda _: None)


def run(path, tenant, *changes):
    """Fate and reason of each change."""
    return [(each.ended.fate, each.ended.reason) for each in go(journal_at(path, *changes), tenant)]


LONGER = change(update(A, content("a"), content("a", definition=["longer"])))


def meanwhile(tenant, id_=A, **changed):
    """Somebody else's change of a policy, in the instant between our read and our write."""

    def answer(operation):
        tenant.policies[id_].update(changed)
        return tenant.carry_out(operation)

    return answer


@pytest.mark.parametrize("theirs", [{"isOrganizationDefault": True}, {"displayName": "theirs", "description": "x"}])
def test_what_somebody_else_changes_between_read_and_write_stays_and_is_named(path, tenant, theirs):
    tenant.answers[1] = meanwhile(tenant, **theirs)
    [(fate, reason)] = run(path, tenant, LONGER)
    assert tenant.policies[A] == content("a", definition=["longer"], **theirs)
    assert fate is Fate.APPLIED
    assert all(name in reason for name in theirs)
    assert "definition" not in reason


def test_a_change_beside_ours_that_comes_with_a_lost_answer_is_named_too(path, tenant):
    tenant.answers[1] = lambda operation: (meanwhile(tenant, displayName="theirs")(operation), vanished(operation))[1]
    assert run(path, tenant, LONGER) == [
        (Fate.APPLIED, "somebody else changed displayName in the meantime, which was left as it is")
    ]
    assert tenant.policies[A]["displayName"] == "theirs"


def test_a_write_whose_answer_was_lost_may_still_come_where_another_property_was_changed(path, tenant):
    tenant.answers[1] = lambda operation: (tenant.policies[A].update(displayName="theirs"), vanished(operation))[1]
    [(fate, reason)] = run(path, tenant, LONGER)
    assert fate is Fate.UNCONFIRMED
    assert "displayName changed in the meantime" in reason
    assert tenant.writes == ["updatePolicy"], "it is not written over what somebody changed"
    tenant.carry_out(LONGER.operations[0])
    assert undo(path, tenant) == ([Fate.APPLIED], [])
    assert tenant.policies[A] == content("a", displayName="theirs")


def test_undoing_restores_what_was_changed_and_leaves_a_rename_by_hand(path, tenant):
    run(path, tenant, LONGER)
    tenant.policies[A]["displayName"] = "renamed by hand"
    assert undo(path, tenant) == ([Fate.APPLIED], [])
    assert tenant.policies[A] == content("a", displayName="renamed by hand")


def test_undoing_leaves_alone_what_somebody_changed_of_the_same_property(path, tenant):
    run(path, tenant, LONGER)
    tenant.policies[A]["definition"] = ["theirs"]
    fates, [skipped] = undo(path, tenant)
    assert (fates, skipped.fate) == ([], Fate.STALE)
    assert "definition changed" in skipped.reason
    assert tenant.policies[A]["definition"] == ["theirs"]


def test_what_is_taken_back_leaves_a_rename_by_hand(path, tenant):
    tenant.answers[2] = lambda operation: (tenant.policies[A].update(displayName="renamed"), refused(operation))[1]
    [(fate, reason)] = run(path, tenant, change(*LONGER.operations, assign(B, OTHER)))
    assert fate is Fate.FAILED
    assert "what had been done was taken back" in reason
    assert tenant.policies[A] == content("a", displayName="renamed")


def test_a_policy_that_became_the_default_since_the_plan_is_not_written(path, tenant):
    tenant.policies[A]["isOrganizationDefault"] = True
    [(fate, reason)] = run(path, tenant, LONGER)
    assert fate is Fate.STALE
    assert "isOrganizationDefault changed" in reason
    assert tenant.writes == []


def resume(path, tenant):
    return [each.ended.fate for each in go(resume_journal(path, now, [KEY]), tenant)]


def undo(path, tenant):
    """Undo the journal at `path`: the fates, and what was skipped."""
    undoing = plan_undo(read_journal(path, [KEY]), reading(tenant))
    count = len(list(path.parent.iterdir()))
    fates = [
        each.ended.fate
        for each in go(journal_at(path.parent / f"undo{count}", *undoing.changes, purpose="undo"), tenant)
    ]
    return fates, [ended for _, ended in undoing.skipped]


def outcomes(path):
    """Every line but the header: what it says in short."""
    short = []
    for line in path.read_text().splitlines()[1:]:
        said = json.loads(line)
        what = said["operation"]["kind"] if said["line"] == "intent" else said["outcome"]
        short.append(f"{said['line']} {what}" + (" back" if said.get("step") == "takeBack" else ""))
    return short


# --- as it should go ------------------------------------------------------------------------------------------------


def test_a_change_is_written_confirmed_and_journaled(path, bare):
    assert run(path, bare, FIVE) == [(Fate.APPLIED, "")]
    assert bare.contents()[1] == {HOLDER: content("five")}
    assert outcomes(path) == [
        "intent createPolicy", "outcome applied", "intent assign", "outcome applied", "end applied",
    ]  # fmt: skip
    assert read_journal(path, [KEY]).ids == {"new:five": bare.held[HOLDER]}


def test_what_holds_already_is_not_written(path, tenant):
    assert run(path, tenant, change(assign(A))) == [(Fate.HELD, "")]
    assert tenant.writes == []
    assert outcomes(path) == ["end held"]


def test_a_policy_that_is_there_already_is_not_made_twice(path, bare):
    bare.edit(policies={**bare.policies, OTHER: content("five")})
    assert run(path, bare, FIVE) == [(Fate.APPLIED, "")]
    assert bare.writes == ["assign"]
    assert bare.held == {HOLDER: OTHER}


def test_later_changes_use_what_earlier_ones_created(path, tenant):
    assert [fate for fate, _ in run(path, tenant, *ALL)] == [Fate.APPLIED] * 4
    assert tenant.contents()[1] == {HOLDER: content("five"), OTHER: content("five")}


def test_a_write_that_shows_late_is_waited_for(path, tenant):
    tenant.lag = 20
    assert run(path, tenant, REPLACE) == [(Fate.APPLIED, "")]
    assert 40 < tenant.passing.now < 70
    assert tenant.writes == ["unassign", "assign"]


def test_one_good_read_is_not_taken_for_all_replicas(path, bare):
    reads = []
    truth = bare.state

    def flapping(operation):
        reads.append(operation.kind)
        return truth(operation) if len(reads) % 3 else ReadFailure("/", "a replica that lags")

    bare.state = flapping
    assert run(path, bare, change(assign(B)))[0][0] is Fate.UNCONFIRMED
    assert bare.held == {HOLDER: B}


# --- somebody else --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("edit", "changes"),
    [
        ({"held": {}}, change(unassign(B), assign(A))),
        ({"held": {HOLDER: B}}, change(unassign(A), assign(OTHER))),
        (
            {"policies": {A: content("a", description="edited"), B: content("b")}},
            change(update(A, content("a"), content("c"))),
        ),
        ({"policies": {B: content("b")}, "held": {}}, change(update(A, content("a"), content("c")))),
        ({"policies": {A: content("a", isOrganizationDefault=True)}, "held": {}}, change(delete(A, content("a")))),
        ({"held": {HOLDER: B}}, change(create("five"), assign("new:five"))),
    ],
)
def test_what_somebody_changed_since_the_plan_is_left_alone_from_the_first_write(path, tenant, edit, changes):
    if changes.operations[0].before == {"policy": B}:
        edit = {"held": {HOLDER: OTHER}}
    tenant.edit(**edit)
    left = tenant.contents() if OTHER not in tenant.held.values() else None
    [(fate, reason)] = run(path, tenant, changes)
    assert fate is Fate.STALE
    assert reason.startswith("to ")
    assert tenant.writes == []
    assert left is None or tenant.contents() == left
    assert outcomes(path) == ["end stale"]


def test_what_somebody_took_away_since_the_plan_is_not_replaced(path, tenant):
    tenant.edit(held={})
    assert run(path, tenant, REPLACE) == [(Fate.STALE, f"to unassign {A}: it is gone")]
    assert tenant.writes == []
    assert tenant.held == {}


def test_a_stale_change_does_not_keep_the_others_from_being_carried_out(path, tenant):
    fates = [
        fate for fate, _ in run(path, tenant, change(assign(B), id_="stale"), change(assign(B, OTHER), id_="good"))
    ]
    assert fates == [Fate.STALE, Fate.APPLIED]


def test_an_edit_between_two_writes_is_kept_and_the_first_write_is_taken_back_around_it(path, bare):
    def edited(operation):
        written = bare.carry_out(operation)
        bare.edit(held={HOLDER: B})
        return written

    bare.answers = {1: edited}
    [(fate, reason)] = run(path, bare, FIVE)
    assert fate is Fate.FAILED
    assert "taken back" in reason
    assert bare.contents() == a_tenant(bare.passing, held={HOLDER: B}).contents()


def test_an_edit_between_two_writes_is_not_written_over(path, tenant):
    """Graph would take such a write: that the state is not the planned one is seen by reading just before it."""
    edited = content("b", description="edited")

    def edit(operation):
        written = tenant.carry_out(operation)
        tenant.edit(policies={A: content("a"), B: edited})
        return written

    tenant.answers = {1: edit}
    [(fate, reason)] = run(path, tenant, change(unassign(A), update(B, content("b"), content("c"))))
    assert fate is Fate.FAILED
    assert "description changed in the meantime" in reason
    assert tenant.writes == ["unassign", "assign"]
    assert tenant.policies[B] == edited
    assert tenant.held == {HOLDER: A}


# --- refusals -------------------------------------------------------------------------------------------------------


def test_a_refusal_of_the_first_write_changes_nothing(path, tenant):
    tenant.answers = {1: refused}
    assert run(path, tenant, REPLACE) == [(Fate.FAILED, "400 Request_BadRequest")]
    assert tenant.held == {HOLDER: A}
    assert outcomes(path) == ["intent unassign", "outcome failed", "end failed"]


def test_after_the_first_403_nothing_more_is_tried_and_to_go_on_does_the_rest(path, tenant):
    tenant.answers = {2: forbidden}
    others = change(update(B, content("b"), content("c")), id_="second"), change(assign(B, OTHER), id_="third")
    first, *rest = run(path, tenant, REPLACE, *others)
    assert first == (Fate.FAILED, "403 Authorization_RequestDenied; what had been done was taken back")
    reason = "not tried, as an earlier write was refused: 403 Authorization_RequestDenied"
    assert rest == [(Fate.POSTPONED, reason)] * 2
    assert tenant.writes == ["unassign", "assign", "assign"]
    assert tenant.contents() == a_tenant(tenant.passing).contents()
    assert resume(path, tenant) == [Fate.FAILED, Fate.APPLIED, Fate.APPLIED]


def test_what_was_done_of_a_change_is_taken_back_as_far_as_can_be_though_a_write_was_forbidden(path, tenant):
    tenant.answers = {3: forbidden, 4: forbidden}
    first, second = run(path, tenant, change(create("five"), unassign(A), assign("new:five")), ALL[3])
    assert first[0] is Fate.FAILED
    assert "could not be taken back: 403" in first[1]
    assert second[0] is Fate.POSTPONED
    assert tenant.writes == ["createPolicy", "unassign", "assign", "assign", "deletePolicy"]
    assert tenant.contents() == a_tenant(tenant.passing, held={}).contents()


def test_any_other_refusal_is_of_its_change_alone(path, tenant):
    tenant.answers = {1: refused}
    other = change(update(B, content("b"), content("c")), id_="other")
    assert [fate for fate, _ in run(path, tenant, REPLACE, other)] == [Fate.FAILED, Fate.APPLIED]


def test_what_a_crash_left_half_done_is_not_left_so_though_a_write_is_forbidden(path, tenant):
    """A policy had been taken away: to leave it at that would be worse than one write more."""

    def crash(operation):
        tenant.carry_out(operation)
        raise KeyboardInterrupt

    doubtful, half = change(update(B, content("b"), content("c")), id_="doubtful"), change(unassign(A), assign(B))
    tenant.answers = {1: vanished, 2: vanished, 3: crash, 4: forbidden}
    with pytest.raises(KeyboardInterrupt):
        run(path, tenant, doubtful, half, change(assign(B, OTHER), id_="not begun"))
    assert tenant.held == {}
    assert resume(path, tenant) == [Fate.UNCONFIRMED, Fate.APPLIED, Fate.POSTPONED]
    assert tenant.held == {HOLDER: B}


def test_a_refusal_of_the_second_write_of_a_replacement_puts_the_first_back(path, tenant):
    tenant.answers = {2: refused}
    [(fate, reason)] = run(path, tenant, REPLACE)
    assert fate is Fate.FAILED
    assert reason == "400 Request_BadRequest; what had been done was taken back"
    assert tenant.held == {HOLDER: A}
    assert outcomes(path)[-3:] == ["intent assign back", "outcome applied back", "end failed"]


def test_what_cannot_be_put_back_is_said(path, tenant):
    tenant.answers = {2: refused, 3: refused}
    [(fate, reason)] = run(path, tenant, REPLACE)
    assert fate is Fate.FAILED
    assert "could not be taken back: 400" in reason
    assert tenant.held == {}


def test_what_can_be_put_back_is_also_where_something_else_cannot(path, tenant):
    tenant.answers = {3: refused, 4: refused}
    [(fate, _)] = run(path, tenant, change(create("five"), unassign(A), assign("new:five")))
    assert fate is Fate.FAILED
    assert tenant.contents() == a_tenant(tenant.passing, held={}).contents()


def test_a_deleted_policy_is_made_anew_when_the_rest_of_its_change_fails(path, tenant):
    tenant.answers = {3: refused}
    [(fate, _)] = run(path, tenant, change(unassign(A), delete(A, content("a")), assign(B)))
    assert fate is Fate.FAILED
    assert tenant.contents() == a_tenant(tenant.passing).contents()
    assert tenant.held[HOLDER] != A


def test_what_waits_for_something_that_was_never_created_fails(path, bare):
    bare.answers = {1: refused}
    fates = run(path, bare, change(create("five"), id_="one"), change(assign("new:five"), id_="two"))
    assert [fate for fate, _ in fates] == [Fate.FAILED] * 2
    assert "five was not created" in fates[1][1]
    assert bare.writes == ["createPolicy"]


def test_throttling_is_waited_out_and_read_again_before_each_try(path, bare):
    bare.answers = {1: throttled, 2: throttled}
    assert run(path, bare, change(assign(B))) == [(Fate.APPLIED, "")]
    assert bare.writes == ["assign"] * 3
    assert bare.passing.now >= 14
    assert outcomes(path).count("outcome postponed") == 2


def test_throttling_for_longer_than_we_may_wait_fails(path, bare):
    bare.answers = dict.fromkeys(range(1, 20), throttled)
    assert run(path, bare, change(assign(B))) == [(Fate.FAILED, "429 TooManyRequests")]
    assert len(bare.writes) == 9
    assert bare.held == {}


def test_while_throttled_somebody_else_may_have_done_it(path, bare):
    def meanwhile(operation):
        bare.edit(held={HOLDER: B})
        return throttled(operation)

    bare.answers = {1: meanwhile}
    assert run(path, bare, change(assign(B))) == [(Fate.HELD, "")]
    assert bare.writes == ["assign"]


def test_a_tenant_that_cannot_be_read_is_not_written_to(path, tenant):
    tenant.unreadable = "GET /: 403"
    assert run(path, tenant, REPLACE) == [(Fate.FAILED, "GET /: 403")]
    assert tenant.writes == []


# --- Retry-After ----------------------------------------------------------------------------------------------------


class Restless(Passing):
    """A clock of its own, on which every sleep ends too early, as on a machine that is busy or asleep."""

    def sleep(self, seconds):
        self.now += max(seconds * 0.7, 1e-6)


def asks(seconds, *, carried_out=False):
    return lambda _: Written(None if carried_out is None else carried_out, "it asks to wait", again_after=seconds)


@pytest.mark.parametrize("known", [False, None])
@pytest.mark.parametrize("seconds", [0.25, 7.0, 30.0])
def test_a_write_is_not_repeated_before_the_time_that_the_service_named(path, known, seconds):
    """Also after 503, of which nobody knows whether it carried the write out."""
    passing, times = Restless(), []
    tenant = a_tenant(passing)

    def answer(operation):
        times.append(passing.now)
        return asks(seconds, carried_out=known)(operation) if len(times) == 1 else None

    tenant.answers = {1: answer, 2: answer}
    assert run(path, tenant, change(unassign(A))) == [(Fate.APPLIED, "")]
    first, second = times
    assert second - first >= seconds


@pytest.mark.parametrize(("known", "fate"), [(False, Fate.FAILED), (None, Fate.UNCONFIRMED)])
def test_a_time_beyond_our_patience_means_no_other_attempt(path, tenant, known, fate):
    tenant.answers = {1: asks(61.0, carried_out=known)}
    [(found, reason)] = run(path, tenant, change(unassign(A)))
    assert found is fate
    assert "it asks to wait" in reason
    assert tenant.writes == ["unassign"]


def test_a_write_that_was_carried_out_though_it_asked_to_wait_is_seen_and_not_sent_again(path, tenant):
    def answer(operation):
        tenant.carry_out(operation)
        return asks(61.0, carried_out=None)(operation)

    tenant.answers = {1: answer}
    assert run(path, tenant, change(unassign(A))) == [(Fate.APPLIED, "")]
    assert tenant.writes == ["unassign"]


# --- lost answers ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lag", [0, 20])
@pytest.mark.parametrize("number", [1, 2])
def test_a_write_that_was_carried_out_is_not_sent_again_when_its_answer_is_lost(path, bare, lag, number):
    bare.lag = lag
    bare.answers = {number: lost(bare)}
    assert run(path, bare, FIVE) == [(Fate.APPLIED, "")]
    assert bare.writes == ["createPolicy", "assign"]
    assert bare.contents()[1] == {HOLDER: content("five")}


def test_a_write_that_was_not_carried_out_is_sent_again_once_reading_has_shown_that_for_a_while(path, bare):
    bare.answers = {1: vanished}
    assert run(path, bare, change(assign(B))) == [(Fate.APPLIED, "")]
    assert bare.writes == ["assign"] * 2
    assert bare.passing.now > 50


def test_a_second_lost_answer_is_the_end(path, tenant):
    tenant.answers = {2: vanished, 3: vanished}
    [(fate, reason)] = run(path, tenant, REPLACE)
    assert fate is Fate.FAILED
    assert "nothing was done" in reason
    assert tenant.held == {HOLDER: A}


def test_what_was_lost_twice_and_shows_later_can_be_undone(path, bare):
    def late(operation):
        bare.lag = 10 * PATIENCE.limit
        return lost(bare)(operation)

    bare.answers = {1: late, 2: lambda _: Written(None, "no answer")}
    [(fate, reason)] = run(path, bare, change(assign(B)))
    assert fate is Fate.UNCONFIRMED
    assert reason == "no answer came, twice, and reading does not show it"
    _, [skipped] = undo(path, bare)
    assert skipped.fate is Fate.UNCONFIRMED
    bare.lag = 0
    assert undo(path, bare) == ([Fate.APPLIED], [])
    assert bare.held == {}


def test_a_lost_write_that_shows_after_another_attempt_was_turned_away_can_be_undone(path, bare):
    def late(operation):
        bare.lag = PATIENCE.limit + 2
        return lost(bare)(operation)

    bare.answers = {1: late, 2: lambda _: Written(False, "401 InvalidAuthenticationToken", again_after=0.0)}
    assert run(path, bare, change(assign(B))) == [(Fate.APPLIED, "")]
    assert bare.held == {HOLDER: B}
    bare.lag = 0
    assert undo(path, bare) == ([Fate.APPLIED], [])
    assert bare.held == {}


def test_a_write_that_never_shows_is_unconfirmed_and_left_as_it_is(path, tenant):
    tenant.lag = 500
    [(fate, reason)] = run(path, tenant, REPLACE)
    assert fate is Fate.UNCONFIRMED
    assert "60 s" in reason
    assert tenant.writes == ["unassign"]
    tenant.passing.sleep(1000)
    tenant.lag = 0
    assert resume(path, tenant) == [Fate.APPLIED]
    assert tenant.held == {HOLDER: B}
    assert tenant.writes == ["unassign", "assign"]


def test_a_refusal_after_a_lost_answer_does_not_say_that_nothing_was_done(path, tenant):
    tenant.answers = {2: vanished, 3: refused}
    assert run(path, tenant, REPLACE) == [(Fate.UNCONFIRMED, "400 Request_BadRequest")]
    assert tenant.writes == ["unassign", "assign", "assign"]


def test_what_cannot_be_read_after_a_lost_answer_may_have_been_done(path, tenant):
    def gone_dark(operation):
        tenant.carry_out(operation)
        tenant.unreadable = "503 ServiceUnavailable"
        return Written(None, "no answer")

    tenant.answers = {2: gone_dark}
    assert run(path, tenant, REPLACE) == [(Fate.UNCONFIRMED, "503 ServiceUnavailable")]
    assert tenant.held == {HOLDER: B}
    tenant.unreadable = ""
    assert resume(path, tenant) == [Fate.APPLIED]
    assert tenant.writes == ["unassign", "assign"]


def test_a_second_write_that_never_shows_does_not_take_the_first_back(path, tenant):
    """It may have been carried out: whoever wrote around it would write to what nobody has read."""

    def unseen(operation):
        written = tenant.carry_out(operation)
        tenant.lag = 500
        return written

    tenant.answers = {2: unseen}
    [(fate, _)] = run(path, tenant, REPLACE)
    assert fate is Fate.UNCONFIRMED
    assert outcomes(path)[-2:] == ["outcome unconfirmed", "end unconfirmed"]
    tenant.lag = 0
    assert resume(path, tenant) == [Fate.APPLIED]
    assert tenant.writes == ["unassign", "assign"]
    assert tenant.held == {HOLDER: B}


def test_what_may_have_been_put_back_is_unconfirmed_and_looked_at_again(path, tenant):
    def unseen(operation):
        written = tenant.carry_out(operation)
        tenant.unreadable = "503 ServiceUnavailable"
        return written

    tenant.answers = {2: refused, 3: unseen}
    [(fate, reason)] = run(path, tenant, REPLACE)
    assert fate is Fate.UNCONFIRMED
    assert "could not be taken back" in reason
    tenant.unreadable = ""
    assert resume(path, tenant) == [Fate.FAILED]
    assert tenant.writes == ["unassign", "assign", "assign"]
    assert tenant.held == {HOLDER: A}


# --- crashes --------------------------------------------------------------------------------------------------------


class KilledError(BaseException):
    """The process ended here."""


def deaths(tenant, journal):
    """Let the process end at the n-th moment: before or after a line of the journal, before or after a write."""
    moments = iter(range(10_000))

    def at_each(function):
        def dying(*args, **named):
            if next(moments) == deaths.at:
                raise KilledError
            result = function(*args, **named)
            if next(moments) == deaths.at:
                raise KilledError
            return result

        return dying

    tenant.write = at_each(tenant.write)
    journal._append = at_each(journal._append)


def crashed(path, tenant, at, *changes):
    """Whether the process was killed at moment `at`; False where everything was done before."""
    journal, write = journal_at(path, *changes), tenant.write
    deaths.at = at
    deaths(tenant, journal)
    try:
        go(journal, tenant)
    except KilledError:
        return True
    finally:
        tenant.write = write
    return False


def every_crash(tmp_path, changes, lag):
    """A tenant and a journal for each moment at which the process can be killed."""
    at = 0
    while True:
        passing = Passing()
        tenant, path = a_tenant(passing, lag=lag), tmp_path / f"journal{at}"
        if not crashed(path, tenant, at, *changes):
            assert at > 8
            return
        yield tenant, path
        at += 1


@pytest.mark.parametrize("lag", [0, 10])
@pytest.mark.parametrize("changes", [ALL, (REPLACE,), (REMOVE,)], ids=["all", "replace", "remove"])
def test_killed_at_any_moment_resuming_comes_to_the_same_end(tmp_path, changes, lag):
    finished = a_tenant(Passing())
    run(tmp_path / "whole", finished, *changes)
    for tenant, path in every_crash(tmp_path, changes, lag):
        assert resume(path, tenant) == [Fate.APPLIED] * len(changes)
        assert tenant.contents() == finished.contents()
        assert tenant.writes == finished.writes
        tenant.passing.sleep(100)
        assert undo(path, tenant)[1] == []
        assert tenant.contents() == a_tenant(Passing()).contents()


@pytest.mark.parametrize("changes", [ALL, (REPLACE,), (REMOVE,)], ids=["all", "replace", "remove"])
def test_killed_at_any_moment_undoing_brings_back_the_state_before(tmp_path, changes):
    for tenant, path in every_crash(tmp_path, changes, 0):
        written = len(tenant.writes)
        fates, skipped = undo(path, tenant)
        assert set(fates) <= {Fate.APPLIED}
        assert [ended.fate for ended in skipped] == [Fate.UNCONFIRMED] * unanswered(path, written)
        assert tenant.contents() == a_tenant(Passing()).contents()
        assert undo(path, tenant)[0] == []


def unanswered(path, written):
    """How many writes the journal intended of which no answer is written down, and which never arrived."""
    said = [json.loads(line) for line in path.read_text().splitlines()]
    return sum(line["line"] == "intent" for line in said) - written


@pytest.mark.parametrize("lag", [0, 30])
def test_a_write_under_way_that_shows_while_undo_looks_is_taken_back(tmp_path, lag):
    tenant, path = a_tenant(Passing()), tmp_path / "journal"
    assert crashed(path, tenant, 7, REPLACE), "killed with its second write intended, and not yet sent"
    slept = tenant.passing.sleep

    def landing(seconds):
        slept(seconds)
        if tenant.passing.now > lag and HOLDER not in tenant.held and len(tenant.writes) == 1:
            tenant.write(assign(B))

    tenant.passing.sleep = landing
    fates, skipped = undo(path, tenant)
    assert (fates, skipped) == ([Fate.APPLIED], [])
    assert tenant.writes == ["unassign", "assign", "unassign", "assign"]
    assert tenant.held == {HOLDER: A}


def test_a_write_under_way_that_does_not_show_is_said_and_the_rest_is_taken_back(tmp_path):
    tenant, path = a_tenant(Passing()), tmp_path / "journal"
    assert crashed(path, tenant, 7, REPLACE)
    fates, [ended] = undo(path, tenant)
    assert fates == [Fate.APPLIED]
    assert tenant.held == {HOLDER: A}
    assert ended.fate is Fate.UNCONFIRMED
    assert "may still come" in ended.reason
    assert tenant.passing.now > 30, "it was looked for"


def test_killed_at_any_moment_of_an_undo_undoing_again_finishes_it(tmp_path):
    for at in range(100):
        tenant, path = a_tenant(Passing()), tmp_path / f"journal{at}"
        run(path, tenant, *ALL)
        undoing = plan_undo(read_journal(path, [KEY]), reading(tenant)).changes
        if not crashed(tmp_path / f"crash{at}", tenant, at, *undoing):
            break
        undo(path, tenant)
        assert tenant.contents() == a_tenant(Passing()).contents()
    assert at > 20


def test_killed_while_taking_back_resuming_goes_on_with_that(tmp_path):
    for at in range(100):
        tenant, path = a_tenant(Passing()), tmp_path / f"journal{at}"
        tenant.answers = {3: refused}
        if not crashed(path, tenant, at, change(unassign(A), create("five"), assign("new:five"))):
            break
        tenant.answers = {}
        resume(path, tenant)
        record = read_journal(path, [KEY])
        assert record.progress["change"].ended.fate in (Fate.FAILED, Fate.APPLIED)
        whole = {Fate.FAILED: content("a"), Fate.APPLIED: content("five")}[record.progress["change"].ended.fate]
        assert tenant.contents()[1] == {HOLDER: whole}
    assert at > 15


def test_killed_while_taking_back_undoing_brings_back_the_state_before(tmp_path):
    for at in range(100):
        tenant, path = a_tenant(Passing()), tmp_path / f"journal{at}"
        tenant.answers = {3: refused}
        if not crashed(path, tenant, at, change(unassign(A), create("five"), assign("new:five"))):
            break
        tenant.answers = {}
        assert {ended.fate for ended in undo(path, tenant)[1]} <= {Fate.UNCONFIRMED}
        assert tenant.contents() == a_tenant(Passing()).contents()
    assert at > 15


# --- undo -----------------------------------------------------------------------------------------------------------


def test_undo_brings_back_content_and_assignments_under_a_new_id(path, tenant):
    run(path, tenant, REMOVE)
    assert undo(path, tenant) == ([Fate.APPLIED], [])
    assert tenant.contents() == a_tenant(tenant.passing).contents()
    new_id = tenant.held[HOLDER]
    assert new_id != A
    assert read_journal(path.parent / "undo1", [KEY]).ids == {f"new:{A}": new_id}


def test_undo_leaves_alone_what_somebody_changed_since(path, tenant):
    run(path, tenant, REPLACE, change(assign(B, OTHER), id_="other"))
    tenant.edit(held={HOLDER: B, OTHER: A})
    fates, [ended] = undo(path, tenant)
    assert fates == [Fate.APPLIED]
    assert ended.fate is Fate.STALE
    assert tenant.held == {HOLDER: A, OTHER: A}


def test_undo_does_not_touch_what_was_so_before(path, tenant):
    run(path, tenant, change(assign(A), assign(B, OTHER)))
    assert undo(path, tenant) == ([Fate.APPLIED], [])
    assert tenant.held == {HOLDER: A}


def test_an_undo_can_be_undone(path, tenant):
    run(path, tenant, REPLACE)
    undo(path, tenant)
    assert tenant.held == {HOLDER: A}
    undo(path.parent / "undo1", tenant)
    assert tenant.held == {HOLDER: B}


def test_what_cannot_be_read_is_not_undone(path, tenant):
    run(path, tenant, REPLACE)
    tenant.unreadable = "GET /: 503"
    assert plan_undo(read_journal(path, [KEY]), reading(tenant)).changes == ()
    assert [ended.fate for _, ended in plan_undo(read_journal(path, [KEY]), reading(tenant)).skipped] == [Fate.FAILED]


SHORTER = change(update(B, content("b"), content("shorter")), id_="shorter")
CLEARED = change(update(A, content("a", isOrganizationDefault=True), content("a")), id_="cleared")


@pytest.fixture
def outranking(passing):
    """An organization default, and a policy that it outranks."""
    policies = {A: content("a", isOrganizationDefault=True), B: content("b")}
    return a_tenant(passing, policies=policies, held={HOLDER: B})


@pytest.mark.parametrize("happens", ["refused", "stale"])
def test_a_default_is_not_taken_away_where_what_it_outranks_was_not_mended(path, outranking, happens):
    """The plan was proven with both: without the first, tokens would live as the outranked policy says."""
    if happens == "refused":
        outranking.answers = {1: refused}
    else:
        outranking.edit(policies={**outranking.policies, B: content("theirs")})
    first, second = go(journal_at(path, SHORTER, CLEARED), outranking)
    assert first.ended.fate is (Fate.FAILED if happens == "refused" else Fate.STALE)
    assert second.ended.fate is Fate.POSTPONED
    assert "an earlier change did not come about" in second.ended.reason
    assert outranking.policies[A]["isOrganizationDefault"] is True
    assert resume(path, outranking) == [first.ended.fate, Fate.POSTPONED]
    assert undo(path, outranking) == ([], [])
    assert outranking.policies[A]["isOrganizationDefault"] is True


def test_what_was_postponed_is_carried_out_once_the_earlier_change_shows(path, outranking):
    outranking.lag = 1000
    first, second = go(journal_at(path, SHORTER, CLEARED), outranking)
    assert (first.ended.fate, second.ended.fate) == (Fate.UNCONFIRMED, Fate.POSTPONED)
    outranking.lag = 0
    assert resume(path, outranking) == [Fate.APPLIED, Fate.APPLIED]
    assert outranking.policies[A]["isOrganizationDefault"] is False


def test_an_undo_gives_a_default_back_whatever_else_fails(path, passing):
    tenant = a_tenant(passing, policies={A: content("a"), B: content("shorter")}, held={})
    tenant.answers = {1: refused}
    given = change(update(A, content("a"), content("a", isOrganizationDefault=True)), id_="undo-cleared")
    journal = journal_at(path, change(update(B, content("shorter"), content("b")), id_="undo-s"), given, purpose="undo")
    assert [each.ended.fate for each in go(journal, tenant)] == [Fate.FAILED, Fate.APPLIED]
