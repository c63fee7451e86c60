"""What an answer says of a write. Only a refusal (4xx) says that nothing was carried out."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any

from tokenguard.changes import Operation, Written
from tokenguard.entra.answer import Answer, Broken
from tokenguard.entra.fixing.operations import Write
from tokenguard.entra.reading import GUID, guid

_THROTTLED = 10.0
"""Seconds to wait where Graph says 429 without a time."""


def judge(operation: Operation, outcome: Answer | Broken) -> Written:
    """What is known of `operation` after one attempt."""
    if isinstance(outcome, Broken):
        return Written(None, outcome.reason)
    if outcome.status in (HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.NO_CONTENT):
        return _accepted(operation, outcome)
    reason = outcome.explain()
    if outcome.status == HTTPStatus.TOO_MANY_REQUESTS:
        return Written(False, reason, again_after=outcome.retry_after() or _THROTTLED)
    if outcome.status == HTTPStatus.FORBIDDEN:
        return Written(False, reason, forbidden=True)
    refused = HTTPStatus.BAD_REQUEST <= outcome.status < HTTPStatus.INTERNAL_SERVER_ERROR
    if refused and outcome.status != HTTPStatus.REQUEST_TIMEOUT:
        return Written(False, reason)
    return Written(None, reason, again_after=outcome.retry_after() or None)


def _accepted(operation: Operation, answer: Answer) -> Written:
    if operation.kind != Write.CREATE:
        return Written(True)
    id_ = _new_id(answer.body)
    return Written(True, new_id=id_) if id_ else Written(None, f"{answer.status} without the id of what was created")


def _new_id(row: Any) -> str:
    """The GUID of what was created, in lower case; empty where there is none."""
    id_ = guid(row, "id") if isinstance(row, dict) else None
    return id_ if isinstance(id_, str) and re.fullmatch(GUID, id_) else ""
