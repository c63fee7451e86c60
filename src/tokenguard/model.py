"""The values that flow through tokenguard: standard library only, frozen, and free of effects.

Things of the tenant keep Microsoft Graph's names, spelt as there. Lifetimes inside resource properties are whole
seconds and say so in their names (``accessTokenLifetimeSeconds``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import IntEnum, StrEnum
from typing import Any

# --- a tenant ---------------------------------------------------------------------------------------------------

Fact = Mapping[str, Any]
"""One JSON object exactly as Microsoft Graph sends it."""

Schema = Mapping[str, Any]
"""A JSON Schema document, or a part of one."""


@dataclass(frozen=True, slots=True)
class Tenant:
    """The Microsoft Entra tenant that was read."""

    id: str
    """GUID in lower case; empty where it could not be read."""
    name: str = ""


@dataclass(frozen=True, slots=True)
class ResourceType:
    """A kind of resource that a collector derives, and the contract of its properties."""

    name: str
    schema: Schema
    """JSON Schema of ``properties``. Its first ``examples`` entry is the neutral resource that the examples of rules
    are laid over; a property that a fix may write is the one *not* marked ``readOnly``."""
    permissions: tuple[str, ...]
    """Least-privileged Graph permissions that reading it takes, all of them."""


class Resource:
    """One thing to judge. `properties` is complete: what Graph does not send is null."""

    # NOTE: not a frozen dataclass, whose __init__ costs four times as much; a scan makes one per line of a snapshot.
    __slots__ = ("id", "name", "possible", "properties", "type", "unknown")

    def __init__(
        self,
        type: str,  # noqa: A002  (Graph's and the snapshot's word)
        id: str,  # noqa: A002
        name: str,
        properties: dict[str, Any],
        unknown: Mapping[str, str] | None = None,
        *,
        possible: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        """`unknown` maps a top-level property that could not be determined to the reason; it is null there.

        `possible`: values that some of these may have, for all that is known, and not all that they may have. A rule
        that the resource fails with any of them, it fails; with none of them it passes one.
        """
        self.type = type
        self.id = id
        self.name = name
        self.properties = properties
        self.unknown: Mapping[str, str] = unknown or {}
        self.possible = possible

    def with_values(self, values: Mapping[str, Any]) -> Resource:
        """It with `values` for as many of its unknown properties."""
        unknown = {name: reason for name, reason in self.unknown.items() if name not in values}
        return Resource(self.type, self.id, self.name, {**self.properties, **values}, unknown)

    def _key(self) -> tuple[object, ...]:
        return (self.type, self.id, self.name, self.properties, dict(self.unknown), list(self.possible))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Resource) and self._key() == other._key()

    __hash__ = None  # type: ignore[assignment]  # properties are a dict

    def __repr__(self) -> str:
        return f"Resource(type={self.type!r}, id={self.id!r}, name={self.name!r})"


@dataclass(frozen=True, slots=True)
class CollectionFailure:
    """A resource type that could not be read in full; rules over it are not evaluated."""

    type: str
    reason: str
    """What was being read and what came back, in one line, without tokens or request bodies."""
    permission: str = ""
    """The permission that would mend it, where that is known."""


@dataclass(frozen=True, slots=True)
class CollectionNotice:
    """What the reader of a verdict should know of how a resource type was read; by itself it changes no verdict."""

    type: str
    text: str
    """One line, as `CollectionFailure.reason`."""
    strict: bool = False
    """Whether with ``--strict``, which takes nothing on trust, rules over the type are not evaluated for it."""


@dataclass(frozen=True, slots=True)
class Scope:
    """A type of which only named objects were asked for: no statement about any other can be made."""

    type: str
    app_ids: frozenset[str]
    """Lower case."""


@dataclass(frozen=True, slots=True)
class Need:
    """What the selected rules want to know of one resource type."""

    type: str
    properties: frozenset[str]
    """Top-level properties that any rule reads or any message names."""
    app_ids: frozenset[str] | None = None
    """Lower-case appIds when every rule over the type pins them; None asks for all objects."""


class Precedence(StrEnum):
    """Which of the orders of policies that Microsoft has documented a tenant is taken to follow; all: each in turn.

    Source: Microsoft Learn, "Configurable token lifetimes", 2023 (classic) and 2026-04-08.
    """

    ALL = "all"
    DOCUMENTED_2026 = "documented-2026"
    CLASSIC = "classic"


# --- a snapshot -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Header:
    """What is known before the first resource: where, when and by what a snapshot was made."""

    tenant: Tenant
    cloud: str
    collected_at: datetime
    producer: str
    """Name and version of the program that collected it."""
    plugins: tuple[str, ...] = ()
    permissions: tuple[str, ...] | None = None
    """Permissions that the token held; None where there was no token (a folder of saved answers)."""
    precedence: Precedence = Precedence.ALL
    properties: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The names that the properties of each resource type have; a type that is not here was not asked for."""
    dated: bool = True
    """Whether the tenant answered at `collected_at`. Of answers that somebody saved it is only known when they were
    read: they are older, and nobody knows by how much."""


@dataclass(frozen=True, slots=True)
class TypeSummary:
    """How much of one resource type a snapshot holds."""

    type: str
    count: int
    failures: tuple[CollectionFailure, ...] = ()
    scope: frozenset[str] | None = None
    """The only appIds that were asked for; None means all objects."""
    scope_excerpt: Mapping[str, Any] | None = None
    """Of a report that was read back: what it says of many; `scope` has the first of them then."""
    notices: tuple[CollectionNotice, ...] = ()
    """None in a report that was read back, which has the texts of all types among its notices."""

    @property
    def complete(self) -> bool:
        return not self.failures


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of a snapshot is read from a file at most; one that holds more is refused."""

    max_size: int = 8 << 30
    """Bytes, decompressed."""
    max_resources: int = 5_000_000


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A tenant as a stream: `resources` can be iterated once, and only then is `summary` known.

    `summary` raises `SnapshotError` when the stream did not end as it should: whatever was concluded from
    the resources before that must be thrown away.
    """

    header: Header
    resources: Iterator[Resource]
    summary: Callable[[], Mapping[str, TypeSummary]]


# --- rules ------------------------------------------------------------------------------------------------------


class Severity(IntEnum):
    """How bad a finding is; ordered."""

    INFO = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4

    def __str__(self) -> str:
        return self.name.lower()


class Outcome(StrEnum):
    """What a rule says of one resource."""

    PASS = "pass"  # noqa: S105  (no password)
    FAIL = "fail"
    NOT_EVALUATED = "not-evaluated"
    NOT_SELECTED = "not-selected"


class Safety(StrEnum):
    """Whether a remediation may run unasked, only with ``--unsafe``, or not at all."""

    SAFE = "safe"
    UNSAFE = "unsafe"
    MANUAL = "manual"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A value of a rule that its users may set: a schema with one assertion keyword."""

    name: str
    title: str
    keyword: str
    """As the author wrote it, e.g. ``maxDuration``."""
    value: Any
    """The effective value as people write it: ``"PT1H30M"``, a list, a number."""
    schema: Schema
    """The plain JSON Schema assertion that it stands for, e.g. ``{"maximum": 5400}``."""


@dataclass(frozen=True, slots=True)
class Remediation:
    """How a finding of a rule can be mended: exactly one of `set` or `remove`, or guidance alone when manual."""

    safety: Safety
    set: Mapping[str, Any] | None = None
    """Whole top-level writable properties, parameters already replaced by their values in seconds."""
    remove: bool = False
    guidance: str = ""


@dataclass(frozen=True, slots=True)
class Example:
    """A worked case that the rule is held to at load, laid over the type's neutral resource."""

    outcome: Outcome
    properties: Mapping[str, Any] = field(default_factory=dict)
    unknown: Mapping[str, str] = field(default_factory=dict)
    title: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule ready to judge with: parameters inlined, durations in seconds, no ``$ref`` left.

    A resource of type `resource` that is valid against `select` must be valid against `require`.
    """

    id: str
    title: str
    severity: Severity
    resource: str
    require: Schema
    select: Schema | None = None
    absent: Outcome = Outcome.NOT_EVALUATED
    """What is said of a pinned object that Graph does not know."""
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    message: str = ""
    rationale: str = ""
    references: tuple[str, ...] = ()
    frameworks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    remediation: Remediation | None = None
    examples: tuple[Example, ...] = ()
    select_reads: frozenset[str] = frozenset()
    """Top-level properties that `select` reads."""
    selecting: frozenset[str] = frozenset()
    """Parameters that `select` reads: they decide what the rule is about, so no exemption sets them."""
    require_reads: frozenset[str] = frozenset()
    pinned_app_ids: frozenset[str] | None = None
    """Lower-case appIds that `select` pins; None when it pins none."""
    digest: str = ""
    """SHA-256 of the document with its effective parameters and severity, canonical JSON, in hex."""
    source: str = ""
    """The file, as the user named it."""
    withheld: bool = False
    """Whether errors repeat nothing of the file."""
    document: Mapping[str, Any] = field(default_factory=dict)
    """As written; `parameters.with_values` compiles it anew with other values."""


# --- exemptions -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Exemption:
    """Somebody's decision that a rule does not apply to a resource, or applies with another limit."""

    rule: str
    resource: str
    """An id, an appId, or a name."""
    reason: str
    owner: str
    expires: date
    """The last day on which it applies, UTC."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """With these values the resource is judged; without any, its findings are exempt."""
    source: str = ""
    number: int = field(default=0, compare=False)
    """Which of those in its file, from 1; 0 where that is not known."""


# --- a report ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ResourceRef:
    """Which resource is spoken of."""

    type: str
    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Violation:
    """One assertion of a rule that a resource does not satisfy, in machine values (durations in seconds)."""

    path: str
    """JSON Pointer into the properties, e.g. ``/accessTokenLifetimeSeconds``."""
    keyword: str
    """The JSON Schema keyword, e.g. ``maximum``."""
    expected: Any
    """A long list as its excerpt, see `excerpts`."""
    observed: Any


class FindingStatus(StrEnum):
    """Whether a finding counts."""

    NEW = "new"
    EXEMPT = "exempt"
    BASELINE = "baseline"
    """Known, with the same observed values, in the baseline that was given."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A resource that does not comply with a rule."""

    rule: str
    severity: Severity
    resource: ResourceRef
    message: str
    violations: tuple[Violation, ...]
    fingerprint: str
    status: FindingStatus = FindingStatus.NEW
    exemption: Exemption | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Values of the rule that an exemption sets for this resource, and by which it does not comply either."""


@dataclass(frozen=True, slots=True)
class NotEvaluated:
    """Something that could not be judged, and why. Never compliance."""

    rule: str
    resource: ResourceRef | None
    """None: the rule as a whole, because its type was not read to the end."""
    reason: str
    permission: str = ""


@dataclass(frozen=True, slots=True)
class RuleResult:
    """What one rule said of the whole tenant."""

    rule: Rule
    selected: int
    failed: int
    exempt: int
    known: int
    """Findings that the baseline holds with the same values."""
    not_evaluated: int
    incomplete: tuple[str, ...] = ()
    """Why the rule could not be judged as a whole; then nothing of it counts as passed."""

    @property
    def passed(self) -> int:
        """Resources that were selected, judged, and comply; 0 where the type was not read to the end."""
        if self.incomplete:
            return 0
        return self.selected - self.failed - self.exempt - self.known - self.not_evaluated

    @property
    def verdict(self) -> str:
        """``fail``, ``not evaluated``, ``nothing to check``, or ``pass``: the worst that holds, in this order.

        A rule whose only findings are exempt or known passes with them counted beside it.
        """
        if self.failed:
            return "fail"
        if self.incomplete or self.not_evaluated:
            return "not evaluated"
        return "pass" if self.selected else "nothing to check"


@dataclass(frozen=True, slots=True)
class Limit:
    """What a rule says of a length of time, whatever else the resource is."""

    rule: str
    keyword: str
    """``maximum``, ``minimum``, ``const``, ``exclusiveMaximum`` or ``exclusiveMinimum``."""
    seconds: int


@dataclass(frozen=True, slots=True)
class Lifetime:
    """A length of time that a resource has, compliant or not."""

    resource: ResourceRef
    seconds: int | None
    """None where it could not be determined."""
    unknown: str = ""
    """Why it could not."""


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """One property of one resource type, a length of time, over all resources that were met."""

    type: str
    property: str
    limits: tuple[Limit, ...]
    known: int
    unknown: int
    unset: int
    """Resources that have no such length."""
    shown: tuple[Lifetime, ...]
    """Those that could not be determined, then the longest first; a bounded number of both."""


class Origin(StrEnum):
    """Where a run was told something; a later one goes before an earlier."""

    CONFIGURATION = "configuration"
    ENVIRONMENT = "environment"
    FLAGS = "flags"


@dataclass(frozen=True, slots=True)
class UsedFile:
    """A file that took part in a verdict, as it was read."""

    path: str
    digest: str
    """The first 12 hex digits of the SHA-256 of its bytes."""

    @classmethod
    def of(cls, path: str, data: bytes) -> UsedFile:
        """The file at `path`, which holds `data`."""
        return cls(path, hashlib.sha256(data).hexdigest()[:12])


@dataclass(frozen=True, slots=True)
class Setting:
    """One way in which a run was told to judge other than by default."""

    origin: Origin
    name: str
    """``rules``, ``select``, ``ignore``, ``severity``, ``parameter``, ``exemptions``, ``baseline``, ``fail-on``,
    ``max-age`` or ``precedence``."""
    rule: str = ""
    """Id of the one rule that it is about: of an ignored one, of a severity, of a parameter."""
    parameter: str = ""
    value: str = ""
    """In words; of what a file holds only how much it is."""
    own: str = ""
    """What the rule says itself, of a severity or a parameter."""
    file: UsedFile | None = None
    """What it was read from."""


@dataclass(frozen=True, slots=True)
class Configured:
    """By what a run judged that is not its default."""

    file: UsedFile | None = None
    """The configuration that took part."""
    settings: tuple[Setting, ...] = ()
    """Of the configuration, the environment and the flags; what a later one overrode is not here."""


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that a scan concluded. Findings may be many: iterate, do not copy."""

    header: Header
    scanned_at: datetime
    rules: tuple[RuleResult, ...]
    """Gravest first, then by id."""
    findings: Collection[Finding]
    """In the order of `rules`, as is what was not evaluated."""
    not_evaluated: Collection[NotEvaluated]
    types: Mapping[str, TypeSummary]
    notices: tuple[str, ...]
    """What the reader should know of how the tenant was read, and of exemptions and baselines that did not apply."""
    fail_on: Severity
    exit_status: int
    source: str
    """What was scanned, for people: a file, a folder, the embedded tenant, or a tenant's name."""
    lifetimes: tuple[Lifetimes, ...] = ()
    """What rules set limits for, compliant or not; none in a report of an older version."""
    configured: Configured = field(default_factory=Configured)
    """By what was judged; nothing in a report of an older version."""


def fingerprint(rule: str, tenant: str, type_: str, id_: str) -> str:
    """Identify a finding across runs: 32 hex digits of (rule id, tenant, type, id), whatever its values."""
    text = "\x1f".join((rule, tenant.lower(), type_, id_))
    return hashlib.sha256(text.encode()).hexdigest()[:32]
