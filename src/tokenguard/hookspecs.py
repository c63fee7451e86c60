"""The hooks that a plugin may implement, and the protocols of what they return.

Each hook takes no arguments and returns a list. tokenguard's own support for Microsoft Entra uses the same ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence, Set
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol, runtime_checkable

import pluggy

from tokenguard.exit_status import ExitStatus
from tokenguard.model import (
    CollectionFailure,
    CollectionNotice,
    Fact,
    Need,
    Precedence,
    Remediation,
    Report,
    Resource,
    ResourceType,
    Scope,
    Tenant,
)

if TYPE_CHECKING:
    from pathlib import Path

    import click

    from tokenguard.changes import Change, Observed, Operation, Proposal, Refusal, Written
    from tokenguard.differences import Difference
    from tokenguard.examination import Examination
    from tokenguard.explanation import Explanation, Search, Subject
    from tokenguard.issuance import Issued

hookspec = pluggy.HookspecMarker("tokenguard")
hookimpl = pluggy.HookimplMarker("tokenguard")


@dataclass(frozen=True, slots=True)
class ReadFailure:
    """What one call to a source came to when it did not come to an answer."""

    call: str
    reason: str
    """One line for people: what was asked, what came back, ``GET /path: ...``. No tokens, no request bodies."""
    status: int = 0
    """HTTP status; 0 where none was received, 404 where the object does not exist."""
    permission: str = ""
    """The permission that is known to be missing."""


@dataclass(frozen=True, slots=True)
class SourceNotice:
    """What the reader of a verdict should know of how a source came to its answers."""

    call: str
    """The collection that it is about, in lower case: so it is about what is below it too."""
    text: str
    """One line for people."""
    strict: bool = False
    """Whether the answer is taken on trust, which ``--strict`` does not do."""


class Source(Protocol):
    """Something that answers GET calls as Microsoft Graph does: a live tenant, or a folder of saved answers.

    A call is a path with its query below the version root, e.g. ``/policies/tokenLifetimePolicies/{id}/appliesTo``.
    No method raises for a read that fails: the failure comes back as a value, so that it cannot be overlooked.
    """

    name: str
    """What is being read, for people."""
    cloud: str
    permissions: tuple[str, ...] | None
    """Permissions that the token holds; None where there is no token."""
    tenant: str
    """Id of the tenant by the token's word, lower case; empty where there is no token."""
    notices: Sequence[SourceNotice]
    """Of a folder of saved answers, in which answers may be of another version, or told apart by their looks alone."""

    def rows(self, call: str) -> Iterator[Fact | ReadFailure]:
        """Every row of a collection, all its pages, as they arrive. A failure is the last thing yielded."""
        ...

    def answers(self, calls: Sequence[str]) -> Iterator[tuple[str, Fact | int | ReadFailure]]:
        """The answers to independent calls, each with a fate of its own, in any order; ``$count`` gives an int.

        For a collection the fact is ``{"value": [...]}`` with the rows of all its pages.
        """
        ...

    def pause(self, seconds: float, why: str) -> None:
        """Wait before something is asked once more, where the run's patience has that much and waiting can help."""
        ...


@dataclass(frozen=True, slots=True)
class DemoTarget:
    """The tenant that travels with the program."""


@dataclass(frozen=True, slots=True)
class FolderTarget:
    """A folder of answers that somebody saved."""

    path: Path


@dataclass(frozen=True, slots=True)
class LiveTarget:
    """A tenant to sign in to."""

    environment: Mapping[str, str] = field(repr=False)
    """The process's environment: where sign-in, proxies and certificates come from."""
    auth: str = "default"
    """Which credential to use: ``default``, ``secret``, ``certificate``, ``federated``, ``github``, ``managed``,
    ``cli``, ``device-code`` or ``browser``."""
    cloud: str = "global"
    """``global``, ``usgov``, ``usdod`` or ``china``."""
    tenant: str = ""
    """The tenant id that the configuration pins; signing in to another one is refused. Empty: any."""
    patience: float = 900.0
    """Seconds that the whole run may spend waiting for a service that fails, throttles or does not answer; 0: none."""
    progress: Callable[[str], None] | None = None
    """Told, in a few words, what has been read or is being waited for; nothing (``""``) at the end."""
    prompt: Callable[[str], None] | None = None
    """Tells the person who runs this what to do now; None where there is nobody to be told."""
    trace: Callable[[str], None] | None = None
    """Told of every request made (method, path and status, never headers or bodies) and of every wait."""
    put_off: MutableMapping[str, tuple[float, str]] = field(default_factory=dict, repr=False, compare=False)
    """Calls that were given up although the service named a time to repeat them: that time, by the monotonic clock, and
    why. All connections of a run share it, so that none repeats what another was asked to wait for."""


Target = DemoTarget | FolderTarget | LiveTarget


@runtime_checkable
class SourceProvider(Protocol):
    """A collector that can also open the source that all collectors read from.

    Of this and of the other further abilities of a collector, a run uses the first that there is: the built-in one.
    """

    def open(self, target: Target) -> AbstractContextManager[Source]:
        """Open `target`; raises `SourceError` or `DocumentError` when it cannot be read at all."""
        ...


@runtime_checkable
class Examiner(Protocol):
    """A collector that can also say what a sign-in may read."""

    def examine(self, target: LiveTarget, needs: Mapping[str, Need]) -> Examination:
        """Sign in to `target` and try, in few requests, what each of `needs` takes; their keys are the caller's.

        Raises as `SourceProvider.open` does.
        """
        ...


class Collector(Protocol):
    """Reads one area of a tenant: first the facts, then, purely, the resources.

    The two steps are apart so that a fix can change a copy of the facts and derive every resource anew.
    """

    resource_types: Sequence[ResourceType]

    def tenant(self, facts: Any) -> Tenant | None:
        """The tenant that the facts are of, where this collector reads that; None otherwise."""
        ...

    def collect(self, source: Source, needs: Mapping[str, Need]) -> Any:
        """Read the facts that `needs` (by resource type, this collector's only) ask for.

        What comes back is this collector's own value. Large collections may be left to be streamed by `read`.
        """
        ...

    def read(
        self, facts: Any, needs: Mapping[str, Need], precedence: Precedence
    ) -> Iterator[Resource | CollectionFailure | CollectionNotice | Scope]:
        """Derive the resources of every needed type, small types first.

        Anything that keeps a type from being complete is yielded as a `CollectionFailure`; a type of which only
        named objects were asked for yields its `Scope`. What a reader of the verdicts should know of how a type was
        read is a `CollectionNotice`.
        """
        ...


@runtime_checkable
class Explainer(Protocol):
    """A collector that can also say which lifetime is in force for one application's tokens, and why."""

    explained_by: Sequence[Need]
    """What it has to know of the tenant for that."""
    subject_types: Sequence[str]
    """The resource types of which an application's own objects are; each honours `Need.app_ids`."""

    def find(self, source: Source, text: str) -> Search:
        """What `text` may mean: a name, an object id, an appId, or the address of a resource."""
        ...

    def explain(self, facts: Any, subject: Subject, precedence: Precedence) -> Explanation:
        """Which lifetime the facts put in force for `subject`: pure. What is not known is said, never guessed."""
        ...


@runtime_checkable
class Prober(Protocol):
    """A collector that can also have a token issued, to see how long it lives."""

    def probe(self, target: LiveTarget, resource: str) -> Callable[[], Issued]:
        """What asks for a new token for `resource` (an address or an appId) as the application that `target` signs in
        as, each time it is called; it raises `SourceError` where none is issued.

        Raises `UsageError`, before anything is asked, where one cannot be asked for.
        """
        ...


class Fixer(Protocol):
    """Knows how to bring about a value of a resource type; which value is the rule's data.

    Its facts are those of the collector that reads the type. All three methods are pure.
    """

    resource_type: str
    needs: Sequence[Need]
    """What it has to know of the tenant, beside what the rules read of it."""

    def propose(self, facts: Any, resource: Resource, remediation: Remediation, alike: Set[str]) -> Proposal | Refusal:
        """The operations that bring about what `remediation` says of `resource`; none where it holds already.

        `alike`: the ids of all resources for which the same is proposed, `resource` among them.
        """
        ...

    def enact(self, facts: Any, operation: Operation) -> Any:
        """A copy of `facts` as they would be once `operation` has been carried out."""
        ...

    def permissions(self, operation: Operation) -> tuple[tuple[str, ...], ...]:
        """Sets of permissions, each of which is enough for `operation`; least privileged first."""
        ...


class Writer(Protocol):
    """Carries out operations against a live tenant. It exists only while a plan is applied, and can do no other."""

    tenant: str
    """The id of the tenant that it is signed in to, in lower case; empty where the token does not say."""
    permissions: tuple[str, ...] | None
    """Permissions that the token holds."""

    def state(self, operation: Operation) -> Observed | ReadFailure:
        """What the tenant holds now where `operation` would write, in the shape of its `before` and `after`.

        What has only a name yet (`changes.NEW`) is found by its content, if it exists.
        """
        ...

    def write(self, operation: Operation) -> Written:
        """Send it once; never again, whatever comes back."""
        ...

    def reverse(self, operation: Operation) -> Operation:
        """The operation that takes `operation` back: pure. What was deleted comes back under a name of `changes.NEW`
        and its old id."""
        ...

    def describe(self, changes: Sequence[Change]) -> tuple[Change, ...]:
        """`changes`, to be carried out in this order, with all that people are shown of them derived anew: from their
        operations and from what the tenant holds now, and never from what they say of themselves.

        What cannot be read is said in its place, and makes a change unsafe. Raises `UsageError` for an operation that
        is none.
        """
        ...


@runtime_checkable
class WriterProvider(Protocol):
    """A collector that can also open a writer to the tenant: for all operations of a plan, whoever proposed them."""

    def open_writer(self, target: LiveTarget, operations: Sequence[Operation]) -> AbstractContextManager[Writer]:
        """Open a writer that accepts `operations` and what takes them back, with ids of what they create filled in.

        It accepts no other; without operations it only reads. Raises as `SourceProvider.open` does.
        """
        ...


class Reporter(Protocol):
    """Writes a report in one format."""

    format: str
    """The name that ``--format`` takes."""

    @property
    def title(self) -> str:
        """What it is for, in a few words."""
        ...

    def write(self, report: Report, out: BinaryIO, style: Style) -> None:
        """Write the whole report, UTF-8, findings as a stream."""
        ...


@runtime_checkable
class DifferenceReporter(Protocol):
    """A reporter that can also write what changed between two snapshots or two reports."""

    format: str

    def write_difference(self, difference: Difference, out: BinaryIO, style: Style) -> None:
        """Write all of it, UTF-8."""
        ...


@dataclass(frozen=True, slots=True)
class Style:
    """How the place looks that a report is written to."""

    terminal: bool = False
    color: bool = False
    width: int = 0
    """Columns; 0 where there is no limit (a file, a pipe)."""
    verbose: bool = False
    summary: Path | None = None
    """The file that a CI service shows as the summary of the job; a reporter for it adds to what is there."""
    exit_status: ExitStatus | None = None
    """What the run ends with where that is not the report's own: no finding may give 1 under ``--exit-zero``."""


@hookspec
def tokenguard_collectors() -> Iterable[Collector]:  # type: ignore[empty-body]
    """Collectors, each with the resource types that it derives."""


@hookspec
def tokenguard_fixers() -> Iterable[Fixer]:  # type: ignore[empty-body]
    """Fixers, one a resource type. Until plugins can write, those of plugins are listed, and not asked."""


@hookspec
def tokenguard_reporters() -> Iterable[Reporter]:  # type: ignore[empty-body]
    """Reporters, one a format."""


@hookspec
def tokenguard_rule_paths() -> Iterable[Path]:  # type: ignore[empty-body]
    """Folders of rule files; each folder is a pack, named as the folder."""


@hookspec
def tokenguard_commands() -> Iterable[click.Command]:  # type: ignore[empty-body]
    """Further commands of the ``tokenguard`` program."""
