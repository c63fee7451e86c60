"""The demo tenant's Conditional Access policies. They can be read, not written.

Shapes as in the examples of Microsoft Graph v1.0, "List policies" and "Create conditionalAccessPolicy": the sign-in
frequency of an older policy comes without ``frequencyInterval`` and ``authenticationType``.
"""

from __future__ import annotations

from typing import Any

from tokenguard_sandbox.directory import Row

_ENABLED, _REPORTING = "enabled", "enabledForReportingButNotEnforced"
_ADMINISTRATOR = "62e90394-69f5-4237-9190-012177145e10"
"""The role Global Administrator, which has the same id in every tenant."""
_TIMED = {"frequencyInterval": "timeBased", "authenticationType": "primaryAndSecondaryAuthentication"}


def demo_policies() -> list[Row]:
    """A sign-in frequency in hours, in days, for every time, one that only reports, and none."""
    every_time = {**_TIMED, "isEnabled": True, "value": None, "type": None, "frequencyInterval": "everyTime"}
    risky = _policy(3, "Risky sign-ins, every time", _ENABLED, every_time)
    risky["conditions"] = {**risky["conditions"], "signInRiskLevels": ["high", "medium"]}
    return [
        _policy(
            1,
            "Administrators, every four hours",
            _ENABLED,
            {"isEnabled": True, "value": 4, "type": "hours", **_TIMED},
            {"includeUsers": [], "includeRoles": [_ADMINISTRATOR]},
        ),
        _policy(2, "Everybody, once a month", _ENABLED, {"isEnabled": True, "value": 30, "type": "days"}),
        risky,
        _policy(
            4,
            "Guests, once a day (trial)",
            _REPORTING,
            {"isEnabled": True, "value": 1, "type": "days", **_TIMED},
            {"includeUsers": ["GuestsOrExternalUsers"]},
        ),
        _policy(5, "Require multifactor authentication", _ENABLED, None),
    ]


def _policy(
    number: int, name: str, state: str, frequency: Row | None, users: dict[str, list[str]] | None = None
) -> Row:
    return {
        "id": f"5a5a0f3c-8a3c-4a27-9f0e-6f6c1f9b{number:04}",
        "templateId": None,
        "displayName": name,
        "createdDateTime": "2025-02-03T09:30:00Z",
        "modifiedDateTime": None,
        "state": state,
        "conditions": {
            "signInRiskLevels": [],
            "userRiskLevels": [],
            "clientAppTypes": ["all"],
            "platforms": None,
            "locations": None,
            "applications": {"includeApplications": ["All"], "excludeApplications": [], "includeUserActions": []},
            "users": {**_everybody(), **(users or {})},
        },
        "grantControls": {
            "operator": "OR",
            "builtInControls": ["mfa"],
            "customAuthenticationFactors": [],
            "termsOfUse": [],
        },
        "sessionControls": _controls(frequency) if frequency else None,
    }


def _everybody() -> dict[str, list[str]]:
    names = ("excludeUsers", "includeGroups", "excludeGroups", "includeRoles", "excludeRoles")
    return {"includeUsers": ["All"], **{name: [] for name in names}}


def _controls(frequency: Row) -> dict[str, Any]:
    names = ("applicationEnforcedRestrictions", "cloudAppSecurity", "persistentBrowser", "disableResilienceDefaults")
    return {**dict.fromkeys(names), "signInFrequency": frequency}
