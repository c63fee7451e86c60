"""What an object is, by its own marks: its context, its type, or properties that no other kind has."""

from __future__ import annotations

from typing import Any

from tokenguard.entra.saved.calls import APPLICATIONS, KINDS, ORGANIZATION, POLICIES, PRINCIPALS
from tokenguard.entra.saved.contexts import told_by
from tokenguard.model import Fact

_ODATA_TYPES = {
    "#microsoft.graph.organization": ORGANIZATION,
    "#microsoft.graph.serviceprincipal": PRINCIPALS,
    "#microsoft.graph.application": APPLICATIONS,
    "#microsoft.graph.tokenlifetimepolicy": POLICIES,
}
_TELLTALE = {
    "servicePrincipalType": PRINCIPALS,
    "servicePrincipalNames": PRINCIPALS,
    "identifierUris": APPLICATIONS,
    "publisherDomain": APPLICATIONS,
    "verifiedDomains": ORGANIZATION,
    "tenantType": ORGANIZATION,
}
"""Properties that only one kind of the objects that we read has; the audience, principals and applications have."""
_NO_ORGANIZATION = frozenset({"appId", "definition", "isOrganizationDefault", "signInAudience"})


def kind_of(row: Fact) -> str | None:
    """The kind of an object that nothing else tells of; None where its marks do not say, or contradict its context.

    A service principal may come with a ``signInAudience`` and nothing that only it has, so that alone does not count.
    """
    if (told := told_by(row)) is not None:
        others = {_TELLTALE[name] for name in _TELLTALE.keys() & row.keys()} - {told}
        return told if told in KINDS and not others else None
    certain = "@odata.type" in row or "isOrganizationDefault" in row or not _TELLTALE.keys().isdisjoint(row)
    return marked(row) if certain else None


def marked(row: Any) -> str | None:
    """The kind of an object without context that is said to be of some kind, where its marks agree."""
    if not isinstance(row, dict):
        return None
    if "@odata.type" in row:
        return _ODATA_TYPES.get(str(row["@odata.type"]).lower())
    if "isOrganizationDefault" in row and "tokenlifetimepolicy" in str(row.get("definition")).lower():
        return POLICIES
    kind = next((kind for name, kind in _TELLTALE.items() if name in row), None)
    return APPLICATIONS if kind is None and "signInAudience" in row else kind


def is_foreign(row: Fact, kind: str) -> bool:
    """Whether an object in a list of `kind` says by its type or its own context that it is of another.

    Of principals and applications there are types that derive from theirs, so only one of ours is another.
    """
    if kind not in KINDS:
        return False
    type_ = row.get("@odata.type")
    derived = kind if kind in (PRINCIPALS, APPLICATIONS) else None
    if isinstance(type_, str) and _ODATA_TYPES.get(type_.lower(), derived) != kind:
        return True
    return "@odata.context" in row and told_by(row) != kind


def may_be_organization(row: Any) -> bool:
    """Whether an object may be a tenant; one that is taken for a second tenant ends the run."""
    if not isinstance(row, dict) or is_foreign(row, ORGANIZATION):
        return False
    return marked(row) in (None, ORGANIZATION) and _NO_ORGANIZATION.isdisjoint(row)
