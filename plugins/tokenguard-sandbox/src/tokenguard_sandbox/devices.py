"""Sign-ins with a code that somebody types elsewhere. Here nobody need: the second question finds it done."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from tokenguard_sandbox.aadsts import refused


class DeviceCodes:
    """The sign-ins under way."""

    def __init__(self) -> None:
        self._waiting: dict[str, str] = {}
        """What is asked for, by device code, until somebody asks whether it is done."""
        self._done: dict[str, str] = {}

    def start(self, address: str, scope: str) -> dict[str, Any]:
        """A new sign-in for `scope`; `address` is where the person would enter the code."""
        code = uuid4().hex
        self._waiting[code] = scope
        shown = code[:8].upper()
        return {
            "device_code": code,
            "user_code": shown,
            "verification_uri": address,
            "expires_in": 900,
            "interval": 1,
            "message": f"To sign in, open {address} and enter the code {shown} (the sandbox does that by itself).",
        }

    def finish(self, code: str) -> str:
        """The scope of the sign-in with this code, once; raises `RefusedError` unless it is done."""
        if code in self._waiting:
            self._done[code] = self._waiting.pop(code)
            raise refused("authorization_pending", 70016, "The person has not entered the code yet.", 400)
        if code not in self._done:
            raise refused("bad_verification_code", 70018, "The device code is not known or was used.", 400)
        return self._done.pop(code)
