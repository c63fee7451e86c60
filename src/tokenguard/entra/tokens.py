"""How long a run puts up with the token service: azure-core's own retries, within what the run may spend on waiting.

Without that they keep to any Retry-After, however long, and ask a service that says nothing four times over.
"""

from __future__ import annotations

import time
from functools import partial
from typing import Any

from azure.core.pipeline import PipelineResponse
from azure.core.pipeline.policies import RetryPolicy

from tokenguard.entra.retry import Budget

SILENCE = 30.0
"""Seconds in which the token service has to take up a connection, and to say something; azure-identity allows 300."""
_LEAST_SILENCE = 10.0
"""The same where the run has no more to spend: an answer that takes its time is no failure yet."""
_OF_MANAGED_IDENTITIES = 70.0
"""Seconds that azure-identity may wait for a managed identity, where its retries are its own."""


def retrying(budget: Budget) -> dict[str, Any]:
    """Options of azure-identity's credentials that keep their retries within `budget`."""
    return _options(budget, budget.left == 0) | {"retry_policy_class": partial(_WithinBudget, budget)}


def retrying_by_itself(budget: Budget) -> dict[str, Any]:
    """The same for a managed identity, which takes no other retries than azure-identity's own: these, or none."""
    return _options(budget, budget.left < _OF_MANAGED_IDENTITIES)


def _options(budget: Budget, once: bool) -> dict[str, Any]:
    silence = _silence(budget)
    return {"connection_timeout": silence, "read_timeout": silence} | ({"retry_total": 0} if once else {})


def _silence(budget: Budget) -> float:
    return min(SILENCE, max(_LEAST_SILENCE, budget.left))


class _WithinBudget(RetryPolicy[Any, Any]):
    """What failed counts as waited, as does the wait; where the run has no more to spend, what came stands."""

    def __init__(self, budget: Budget, **options: Any) -> None:
        super().__init__(**options)
        self._budget = budget
        self._begun = 0.0

    def send(self, request: Any) -> PipelineResponse[Any, Any]:
        self._begun = time.monotonic()
        return super().send(request)

    def increment(self, settings: dict[str, Any], response: Any = None, error: Exception | None = None) -> bool:
        """Whether there is another try; see azure-core."""
        now = time.monotonic()
        self._budget.left -= now - self._begun
        asked = self.get_retry_after(response) if isinstance(response, PipelineResponse) else None
        if asked:
            why = f"HTTP Error: {response.http_response.status_code}, and a token may be asked for in {asked:.0f} s"
            self._budget.put_off_tokens(now + asked, why)
        if not super().increment(settings, response, error):
            return False
        wait = asked or self.get_backoff_time(settings)
        if self._budget.left <= 0 or wait > self._budget.left:
            return False
        self._budget.left -= wait
        response.context.options["read_timeout"] = _silence(self._budget)
        return True

    def sleep(self, settings: Any, transport: Any, response: Any = None) -> None:
        super().sleep(settings, transport, response)
        self._begun = time.monotonic()
