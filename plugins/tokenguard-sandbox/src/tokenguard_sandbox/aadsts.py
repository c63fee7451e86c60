"""How the token service says no."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

from tokenguard_sandbox.answers import Answer, RefusedError


def refused(error: str, number: int, text: str, status: int) -> RefusedError:
    """An error of the token service; `number` is Microsoft's, as in AADSTS7000215."""
    no = RefusedError(status)
    trace, correlation = str(uuid4()), str(uuid4())
    moment = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    ids = f"Trace ID: {trace} Correlation ID: {correlation}"
    no.answer = Answer(
        status,
        {
            "error": error,
            "error_description": f"AADSTS{number}: {text} {ids} Timestamp: {moment}",
            "error_codes": [number],
            "timestamp": moment,
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": f"https://login.microsoftonline.com/error?code={number}",
        },
    )
    return no
