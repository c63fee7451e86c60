"""The collector of Microsoft Entra: reads what the needs ask for, then derives the resources."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tokenguard.entra.asking import (
    LISTS,
    POLICIES,
    ask_gone,
    ask_holders,
    ask_named,
    ask_objects,
    ask_organization,
    ask_policies,
    count_principals,
    list_all,
    unheard_of,
)
from tokenguard.entra.assignments import Assignments
from tokenguard.entra.counting import POLICY, notices
from tokenguard.entra.facts import UNASKED, EntraFacts, Kind
from tokenguard.entra.holders import read_assignments
from tokenguard.entra.organization import NAMELESS, identity_failure, read_organization, read_tenant
from tokenguard.entra.policy import read_policies
from tokenguard.entra.principals import CREDENTIALS, read_objects
from tokenguard.hookspecs import DemoTarget, FolderTarget, LiveTarget, Source, Target, Writer
from tokenguard.model import (
    CollectionFailure,
    CollectionNotice,
    Need,
    Precedence,
    Resource,
    ResourceType,
    Scope,
    Tenant,
)
from tokenguard.schemas import schema

if TYPE_CHECKING:
    from tokenguard.changes import Operation
    from tokenguard.examination import Examination
    from tokenguard.explanation import Explanation, Search, Subject
    from tokenguard.issuance import Issued

DEMO = Path(__file__).parent / "demo"
TYPES = ("organization", "tokenLifetimePolicy", "tokenLifetimePolicyAssignment", "application", "servicePrincipal")
"""Small types first."""
ORGANIZATION_DEFAULTS = frozenset({"organizationDefaultPolicyCount", "organizationDefaultPolicies"})
GOVERNED = frozenset(
    {
        "assignedTokenLifetimePolicy",
        "longestLifetimeSeconds",
        "shortestLifetimeSeconds",
        "lifetimeBasis",
        "precedenceAmbiguous",
    }
)
"""Properties of applications and service principals that hang on the tenant's policies."""


_DERIVED = {
    "/organization": TYPES,
    POLICIES.lower(): TYPES,
    "/serviceprincipals": ("organization", "tokenLifetimePolicyAssignment", "servicePrincipal"),
    "/applications": ("tokenLifetimePolicyAssignment", "application"),
}
"""The types that derive from what a call answers, by how the call begins."""


def _resource_type(name: str) -> ResourceType:
    document = schema(f"resources/{name}")
    return ResourceType(name, document, tuple(document["x-tokenguard-permissions"]))


class EntraCollector:
    """Token lifetime policies, who holds them, and what is in force for applications and service principals."""

    def __init__(self) -> None:
        self.resource_types: Sequence[ResourceType] = tuple(map(_resource_type, TYPES))

    def open(self, target: Target) -> AbstractContextManager[Source]:
        """The source that answers for `target`; see `tokenguard.hookspecs.SourceProvider`."""
        match target:
            case DemoTarget():
                return _open_folder(DEMO, embedded=True)
            case FolderTarget(path=path):
                return _open_folder(path)
            case LiveTarget():
                return _open_live(target)

    def examine(self, target: LiveTarget, needs: Mapping[str, Need]) -> Examination:
        """What signing in to `target` allows; see `tokenguard.hookspecs.Examiner`."""
        from tokenguard.entra.examining import examine  # noqa: PLC0415  (only a live tenant is examined)
        from tokenguard.entra.live import open_live  # noqa: PLC0415

        with open_live(target) as source:
            return examine(source, needs)

    def open_writer(self, target: LiveTarget, operations: Sequence[Operation]) -> AbstractContextManager[Writer]:
        """What writes to `target`; see `tokenguard.hookspecs.WriterProvider`."""
        from tokenguard.entra.live import check_extra  # noqa: PLC0415  (a scan writes nothing)

        check_extra()
        from tokenguard.entra.writer import open_writer  # noqa: PLC0415

        return open_writer(target, operations)

    explained_by = (Need("tokenLifetimePolicyAssignment", frozenset({"inForce"})),)
    subject_types = tuple(kind.value for kind in Kind)

    def find(self, source: Source, text: str) -> Search:
        """The applications that `text` may mean; see `tokenguard.hookspecs.Explainer`."""
        from tokenguard.entra.subjects import find_subjects  # noqa: PLC0415  (a scan explains nothing)

        return find_subjects(source, text)

    def explain(self, facts: EntraFacts, subject: Subject, precedence: Precedence) -> Explanation:
        """Which lifetime is in force for `subject`, and why."""
        from tokenguard.entra.explaining import explain  # noqa: PLC0415

        return explain(facts, subject, precedence)

    def probe(self, target: LiveTarget, resource: str) -> Callable[[], Issued]:
        """What asks the token service for a token for `resource`."""
        from tokenguard.entra.live import check_extra  # noqa: PLC0415  (only a live tenant issues tokens)

        check_extra()

        from tokenguard.entra.issuing import prepare  # noqa: PLC0415

        return prepare(target, resource)

    def tenant(self, facts: EntraFacts) -> Tenant:
        """Which tenant the facts are of; without an id where that could not be read."""
        return read_tenant(facts)

    def collect(self, source: Source, needs: Mapping[str, Need]) -> EntraFacts:
        """Ask `source` for no more than `needs` takes: about 1 + P/20 + A/20 requests for P policies with A holders.

        The tenant's identity is always asked for. Full lists are left to `read`.
        """
        number = _reads(needs, "organization", {"servicePrincipalCount"})
        details = "tokenLifetimePolicyAssignment" in needs or any(_reads(needs, kind, GOVERNED) for kind in Kind)
        holders = details or _reads(needs, "tokenLifetimePolicy", {"assignmentCount"})
        policies = holders or POLICY in needs or _reads(needs, "organization", ORGANIZATION_DEFAULTS)
        listed = [name for name in LISTS if (policies if name == POLICY else _is_listed(needs, name))]
        organization, counts = ask_organization(source, {*listed, *([Kind.SERVICE_PRINCIPAL] if number else [])})
        facts = EntraFacts(
            tenant=source.tenant,
            organization=organization,
            service_principal_count=count_principals(source, counts[Kind.SERVICE_PRINCIPAL]) if number else UNASKED,
            counts={name: counts[name] for name in listed},
        )
        if policies:
            read, failure = ask_policies(source, counts[POLICY])
            facts = replace(facts, policies=read, policies_failure=failure)
        if holders:
            facts = _with_holders(facts, source, details=details)
        for kind in Kind:
            if kind in needs:
                facts = _with_objects(facts, source, kind, needs[kind])
        return replace(facts, notices=tuple(_notices(source, facts)))

    def read(
        self, facts: EntraFacts, needs: Mapping[str, Need], precedence: Precedence
    ) -> Iterator[Resource | CollectionFailure | CollectionNotice | Scope]:
        """Derive the resources of every needed type, small types first."""
        assignments = Assignments(facts, precedence)
        if failure := identity_failure(facts):
            reason = f"{NAMELESS}: {failure.reason}"
            yield from (CollectionFailure(name, reason, failure.permission) for name in TYPES if name in needs)
        yield from (notice for notice in facts.notices if notice.type in needs)
        failed = {POLICY} if facts.policies_failure else set()
        for name in TYPES:
            if name in needs:
                for item in _read(assignments, needs[name]):
                    if isinstance(item, CollectionFailure):
                        failed.add(item.type)
                    yield item
        yield from notices(facts.counts, [name for name in TYPES if name in needs], failed)


def _notices(source: Source, facts: EntraFacts) -> Iterator[CollectionNotice]:
    """What `source` says of its answers, for each type that derives from them.

    Of policies nothing where they were not asked for.
    """
    for notice in getattr(source, "notices", ()):  # a plugin's source may be older than this
        if not notice.call.startswith(POLICIES.lower()) or facts.policies_failure is not UNASKED:
            types = next((types for begin, types in _DERIVED.items() if notice.call.startswith(begin)), ())
            yield from (CollectionNotice(type_, notice.text, notice.strict) for type_ in types)


def _reads(needs: Mapping[str, Need], type_: str, properties: Set[str]) -> bool:
    return type_ in needs and not properties.isdisjoint(needs[type_].properties)


def _is_listed(needs: Mapping[str, Need], type_: str) -> bool:
    """Whether all objects are asked for, and not some by their appIds."""
    return type_ in needs and needs[type_].app_ids is None


def _with_holders(facts: EntraFacts, source: Source, *, details: bool) -> EntraFacts:
    holders, said = ask_holders(source, facts.policies)
    facts = replace(facts, holders=holders)
    if not details:
        return facts
    objects, unknown = ask_objects(source, said)
    gone = ask_gone(source, holders, unknown)
    objects |= {id_: unheard_of(id_, said[id_]) for id_ in unknown - gone}
    return replace(facts, objects=objects, gone=gone)


def _with_objects(facts: EntraFacts, source: Source, kind: Kind, need: Need) -> EntraFacts:
    further = [name for name in CREDENTIALS if name in need.properties]
    if need.app_ids is None:
        return replace(facts, lists={**facts.lists, kind: list_all(source, kind, further, facts.counts[kind])})
    return replace(facts, named={**facts.named, kind: ask_named(source, kind, need.app_ids, further)})


def _read(assignments: Assignments, need: Need) -> Iterator[Resource | CollectionFailure | CollectionNotice | Scope]:
    match need.type:
        case "organization":
            return read_organization(assignments.facts, assignments.policies)
        case "tokenLifetimePolicy":
            return read_policies(assignments.facts, assignments.policies)
        case "tokenLifetimePolicyAssignment":
            return read_assignments(assignments)
        case kind:
            return read_objects(assignments, Kind(kind), need)


def _open_folder(path: Path, *, embedded: bool = False) -> AbstractContextManager[Source]:
    from tokenguard.entra.folder import FolderSource  # noqa: PLC0415  (a scan of a snapshot reads no folder)

    return FolderSource(path, embedded=embedded)


def _open_live(target: LiveTarget) -> AbstractContextManager[Source]:
    from tokenguard.entra.live import open_live  # noqa: PLC0415  (an offline scan needs none of it)

    return open_live(target)
