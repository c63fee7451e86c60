"""The requests that there are for writing: a constant table, with GUIDs where a path has ids.

Source: Microsoft Graph v1.0, "tokenLifetimePolicy resource type" and the pages of its methods.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tokenguard.changes import Operation
from tokenguard.entra.asking import PATHS, POLICIES
from tokenguard.entra.facts import Kind
from tokenguard.entra.fixing.operations import POLICY, Write
from tokenguard.entra.reading import GUID

_OBJECT = f"(?:{'|'.join(PATHS.values())})/{GUID}/tokenLifetimePolicies"
_TABLE = (
    ("POST", POLICIES),
    ("PATCH", f"{POLICIES}/{GUID}"),
    ("DELETE", f"{POLICIES}/{GUID}"),
    ("POST", rf"{_OBJECT}/\$ref"),
    ("DELETE", rf"{_OBJECT}/{GUID}/\$ref"),
)


@dataclass(frozen=True, slots=True)
class Request:
    """One write as it is sent."""

    method: str
    path: str
    """Below the version root."""
    body: bytes = b""

    @property
    def known(self) -> bool:
        """Whether it is in the table."""
        return any(self.method == method and re.fullmatch(path, self.path) for method, path in _TABLE)


def request_of(operation: Operation, root: str) -> Request:
    """How `operation`, with ids for every name, is sent to the Graph at `root`."""
    match operation.kind:
        case Write.CREATE:
            return Request("POST", POLICIES, _json(operation.after))
        case Write.UPDATE:
            # NOTE: what it does not change is not sent: that would revert what somebody else changed since it was read.
            changed = {name: value for name, value in (operation.after or {}).items() if name in operation.changed}
            return Request("PATCH", f"{POLICIES}/{operation.target[POLICY]}", _json(changed))
        case Write.DELETE:
            return Request("DELETE", f"{POLICIES}/{operation.target[POLICY]}")
        case Write.ASSIGN:
            link = {"@odata.id": f"{root}{POLICIES}/{_held(operation.after)}"}
            return Request("POST", f"{assigned_to(operation)}/$ref", _json(link))
        case Write.UNASSIGN:
            return Request("DELETE", f"{assigned_to(operation)}/{_held(operation.before)}/$ref")
        case other:
            raise ValueError(f"{other} is no operation of Entra")


def assigned_to(operation: Operation) -> str:
    """The collection of what the object holds that `operation` gives a policy to, or takes it from."""
    [(kind, id_)] = operation.target.items()
    return f"{PATHS[Kind(kind)]}/{id_}/tokenLifetimePolicies"


def _held(state: Mapping[str, Any] | None) -> str:
    return str((state or {})[POLICY])


def _json(content: Mapping[str, Any] | None) -> bytes:
    return json.dumps(content).encode()
