"""Writing the operations of a plan to a live tenant, each once, and reading what is there."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from http import HTTPStatus

from kiota_abstractions.method import Method

from tokenguard.changes import NEW, Change, Observed, Operation, Written
from tokenguard.entra.answer import Answer, Broken
from tokenguard.entra.asking import POLICIES, ask_objects
from tokenguard.entra.client import GraphClient
from tokenguard.entra.collector import EntraCollector
from tokenguard.entra.facts import DirectoryObject, Kind
from tokenguard.entra.fixing.description import describe
from tokenguard.entra.fixing.fixer import EntraFixer
from tokenguard.entra.fixing.operations import POLICY, Write, policy_state
from tokenguard.entra.fixing.policies import other_default
from tokenguard.entra.live import LiveSource, open_client
from tokenguard.entra.reading import guid
from tokenguard.entra.routes import get_request
from tokenguard.entra.transport import WriteRefusedError
from tokenguard.entra.writing.judging import judge
from tokenguard.entra.writing.requests import Request, assigned_to, request_of
from tokenguard.entra.writing.reversal import Consent, check, reverse
from tokenguard.entra.writing.transport import Permit, WriteTransport
from tokenguard.hookspecs import LiveTarget, ReadFailure
from tokenguard.model import Fact

_LAGGING = 2.0
"""Seconds to wait for a part of Graph that does not know yet what another part has just done."""


@contextmanager
def open_writer(target: LiveTarget, operations: Sequence[Operation]) -> Iterator[EntraWriter]:
    """See `tokenguard.hookspecs.WriterProvider`."""
    permit = Permit()
    with open_client(target, partial(WriteTransport, permit)) as (client, runner):
        yield EntraWriter(client, runner, LiveSource(client, runner, target.cloud), Consent(operations), permit)


class EntraWriter:
    """Microsoft Graph, as `tokenguard.hookspecs.Writer` describes it."""

    def __init__(
        self, client: GraphClient, runner: asyncio.Runner, source: LiveSource, consent: Consent, permit: Permit
    ) -> None:
        self.tenant = source.tenant
        self.permissions = source.permissions
        self._client = client
        self._runner = runner
        self._source = source
        self._consent = consent
        self._permit = permit
        self._created: set[str] = set()
        self._unproven = False
        """Whether the token was renewed and no write has been taken with it yet."""

    def state(self, operation: Operation) -> Observed | ReadFailure:
        check(operation)
        if POLICY not in operation.target:
            return self._held(assigned_to(operation))
        policy_id = operation.target[POLICY]
        return self._find(operation) if policy_id.startswith(NEW) else self._policy(policy_id)

    def write(self, operation: Operation) -> Written:
        """Send it once. Raises `WriteRefusedError` for anything that is not in the plan."""
        if not self._consent.covers(operation):
            raise WriteRefusedError(f"refused to {operation.words}: it is not in the plan", "nothing was written")
        if obstacle := self._obstacle(operation):
            return obstacle
        request = request_of(operation, self._client.root)
        self._permit.grant(request, once_more=not self._unproven)
        generation = self._client.signed_in.credential.generation
        try:
            outcome = self._runner.run(self._send(request))
        finally:
            left = self._permit.withdraw()
        return self._judged(operation, outcome, generation, may_renew=left)

    def reverse(self, operation: Operation) -> Operation:
        check(operation)
        return reverse(operation)

    def describe(self, changes: Sequence[Change]) -> tuple[Change, ...]:
        for change in changes:
            for operation in change.operations:
                check(operation)
        needs = {need.type: need for need in EntraFixer.needs}
        facts = EntraCollector().collect(self._source, needs)
        targets = {id_: Kind(kind) for kind, id_ in _targets(changes) if kind != POLICY and id_ not in facts.objects}
        found, _ = ask_objects(
            self._source, {id_: {"id": id_, "@odata.type": f"#microsoft.graph.{kind}"} for id_, kind in targets.items()}
        )
        nameless = {id_: DirectoryObject(kind, {"id": id_}) for id_, kind in targets.items()}
        return tuple(describe(replace(facts, objects={**nameless, **found, **facts.objects}), changes))

    def _policy(self, policy_id: str) -> Observed | ReadFailure:
        call = f"{POLICIES}/{policy_id}"
        outcome = self._runner.run(self._client.get(call, call))
        if isinstance(outcome, Answer) and outcome.status == HTTPStatus.NOT_FOUND:
            return Observed(None)
        if isinstance(outcome, Answer) and outcome.ok and isinstance(outcome.body, dict):
            return Observed(policy_state(outcome.body))
        return self._client.failure(call, outcome)

    def _find(self, operation: Operation) -> Observed | ReadFailure:
        """The one policy with precisely the content of one that is known by name alone."""
        content = operation.after or operation.before
        rows = self._rows(POLICIES)
        if isinstance(rows, ReadFailure):
            return rows
        found = [row for row in rows if policy_state(row) == content]
        if len(found) > 1:
            return ReadFailure(POLICIES, f"there are {len(found)} policies exactly like the one to be written")
        return Observed(content, str(guid(found[0], "id"))) if found else Observed(None)

    def _held(self, call: str) -> Observed | ReadFailure:
        rows = self._rows(call)
        if isinstance(rows, ReadFailure):
            return rows
        if len(rows) > 1:
            return ReadFailure(call, f"GET {call}: {len(rows)} policies, where an object can hold one")
        return Observed({POLICY: guid(rows[0], "id")} if rows else None)

    def _rows(self, call: str) -> list[Fact] | ReadFailure:
        rows: list[Fact] = []
        for row in self._source.rows(call):
            if isinstance(row, ReadFailure):
                return row
            rows.append(row)
        return rows

    def _obstacle(self, operation: Operation) -> Written | None:
        """Why something is not written of which it is documented nowhere what else Graph would make of it."""
        if operation.kind == Write.DELETE:
            return self._still_assigned(operation.target[POLICY])
        return self._another_default() if _makes_default(operation) else None

    def _still_assigned(self, policy_id: str) -> Written | None:
        rows = self._rows(f"{POLICIES}/{policy_id}/appliesTo")
        if isinstance(rows, ReadFailure):
            return Written(False, rows.reason)
        holders = ", ".join(str(row.get("displayName") or row.get("id")) for row in rows)
        return Written(False, f"the policy is still assigned to {holders}", again_after=_LAGGING) if rows else None

    def _another_default(self) -> Written | None:
        """A second organization default may take the place of the first; two that were there before may come back."""
        rows = self._rows(POLICIES)
        if isinstance(rows, ReadFailure):
            return Written(False, rows.reason)
        ours = self._consent.policies | self._created
        others = {str(guid(row, "id")): row for row in rows if guid(row, "id") not in ours}
        other = other_default(others)
        return Written(False, f"{other} by now") if other else None

    async def _send(self, request: Request) -> Answer | Broken:
        info = get_request(self._client.sdk, request.path)
        info.http_method = Method[request.method]
        if request.body:
            info.set_stream_content(request.body, "application/json")
        return await self._client.send(info)

    def _judged(self, operation: Operation, outcome: Answer | Broken, generation: int, *, may_renew: bool) -> Written:
        """What is known after one attempt, with what only we know: our token, and what we have just created."""
        written = judge(operation, outcome)
        status = outcome.status if isinstance(outcome, Answer) else 0
        if status == HTTPStatus.UNAUTHORIZED:
            return replace(written, again_after=self._renew(generation) if may_renew else None)
        self._unproven = False
        self._created.add(written.new_id)
        if status == HTTPStatus.NOT_FOUND and operation.after and operation.after.get(POLICY) in self._created:
            return replace(written, again_after=_LAGGING)
        return written

    def _renew(self, generation: int) -> float | None:
        """0, once, where the token could be replaced by a new one."""
        if not self._client.signed_in.credential.renew(generation):
            return None
        self._unproven = True
        return 0.0


def _targets(changes: Sequence[Change]) -> Iterator[tuple[str, str]]:
    return (target for change in changes for operation in change.operations for target in operation.target.items())


def _makes_default(operation: Operation) -> bool:
    before, after = operation.before or {}, operation.after or {}
    return bool(after.get("isOrganizationDefault")) and not before.get("isOrganizationDefault")
