"""Finding, admitting and asking plugins: distributions that declare an entry point in the group ``tokenguard``.

A plugin is code that runs with the user's credentials. So only distributions installed in the interpreter's site
directories are considered, never the working directory or PYTHONPATH. An allow-list is applied before import, and
nothing in those places stands in for a module of a plugin.
"""

from __future__ import annotations

import importlib
import os
import re
import site
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pluggy

from tokenguard import __version__, hookspecs
from tokenguard.errors import PluginError
from tokenguard.files import is_folder
from tokenguard.hookspecs import Collector, Fixer, Reporter
from tokenguard.model import ResourceType

if TYPE_CHECKING:
    from importlib.metadata import Distribution

    import click

T = TypeVar("T")

GROUP = "tokenguard"
_MEND = "mend or uninstall it, or leave it out of TOKENGUARD_PLUGINS"
BUILT_IN = ("tokenguard.entra.plugin", "tokenguard.reporters.plugin")


@dataclass(frozen=True)
class Plugin:
    """One distribution (or built-in part) and what it contributes."""

    distribution: str
    version: str
    ask: Callable[[str], tuple[Any, ...]] = field(repr=False)
    """What it answers to the hook of this name. Raises `PluginError`."""
    collectors: tuple[Collector, ...] = ()
    reporters: tuple[Reporter, ...] = ()
    rule_paths: tuple[Path, ...] = ()
    commands: tuple[click.Command, ...] = ()
    built_in: bool = False
    """Whether it is tokenguard's own. The name says nothing: others may distribute something called tokenguard."""

    @cached_property
    def fixers(self) -> tuple[Fixer, ...]:
        """Asked for only where something is to be fixed: a scan need not import them."""
        return self.ask("tokenguard_fixers")

    @cached_property
    def fixes(self) -> tuple[str, ...]:
        """The resource types of its fixers. Raises `PluginError` where they do not say that."""
        try:
            names = tuple(fixer.resource_type for fixer in self.fixers)
        except PluginError:
            raise
        except (Exception, SystemExit) as error:  # even to look at a part of a plugin may fail in any way
            raise PluginError(f"plugin {self} gives something else than a fixer: {error}", _MEND) from error
        if not all(isinstance(name, str) for name in names):
            raise PluginError(f"plugin {self} gives a fixer whose resource type is no text", _MEND)
        return names

    def __str__(self) -> str:
        return f"{self.distribution} {self.version}"


@dataclass(frozen=True)
class Plugins:
    """Everything that can be used in this run, by the name that it goes by."""

    loaded: tuple[Plugin, ...]
    refused: tuple[str, ...] = ()
    """Distributions that have a plugin but are not on the allow-list."""
    types: Mapping[str, ResourceType] = field(default_factory=dict)
    reporters: Mapping[str, Reporter] = field(default_factory=dict)
    packs: Mapping[str, Path] = field(default_factory=dict)
    commands: Mapping[str, click.Command] = field(default_factory=dict)

    @cached_property
    def fixers(self) -> Mapping[str, Fixer]:
        """The built-in ones, by the resource type that they fix: what a plugin's proposes could not be written."""
        own = [plugin for plugin in self.loaded if plugin.built_in]
        return _by_name(own, "fixer for", lambda plugin: [(f.resource_type, f) for f in plugin.fixers])

    @cached_property
    def unfixable(self) -> Mapping[str, str]:
        """Why findings of a type are not fixed, in a line, by the name of each type whose fixer is a plugin's.

        The types of a plugin that fails to say what it fixes are taken for those. Raises `PluginError` where two have
        a fixer for one type.
        """
        broken: dict[str, str] = {}

        def claims(plugin: Plugin) -> list[tuple[str, Plugin]]:
            try:
                return [(name, plugin) for name in plugin.fixes]
            except PluginError as error:
                if plugin.built_in:
                    raise
                types = (type_ for collector in plugin.collectors for type_ in collector.resource_types)
                broken.update((type_.name, " ".join(error.message.split())) for type_ in types)
                return []

        found = _by_name(self.loaded, "fixer for", claims)
        return broken | {
            name: f"its fixer is of the plugin {plugin}, and only what tokenguard's own fixers propose can be written"
            for name, plugin in found.items()
            if not plugin.built_in
        }

    @property
    def collectors(self) -> tuple[Collector, ...]:
        return tuple(collector for plugin in self.loaded for collector in plugin.collectors)

    @property
    def outside(self) -> tuple[str, ...]:
        """Name and version of each plugin that is not built in: a report says whose code took part."""
        return tuple(str(plugin) for plugin in self.loaded if not plugin.built_in)


def load_plugins(allowed: Collection[str] | None = None, folders: Sequence[str] | None = None) -> Plugins:
    """Import the built-in plugins and those of installed distributions, and ask each hook once.

    `allowed`: distribution names that may be imported, None for all. `folders`: site directories, by default the
    interpreter's. Raises `PluginError`, naming the distribution, for one that cannot be imported, that implements a
    hook which does not exist, or that claims a name which is taken.
    """
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(hookspecs)
    for module in BUILT_IN:
        manager.register(importlib.import_module(module), module)
    admitted: dict[str, Distribution] = {}
    refused: list[str] = []
    names = None if allowed is None else {_normalised(name) for name in allowed}
    for name, folder in installed(site_folders() if folders is None else folders):
        if names is not None and name not in names:
            refused.append(name or folder.name)
        elif not name:
            raise PluginError(f"{folder}: the metadata of a plugin does not say its name", "install the plugin anew")
        elif name not in admitted:
            admitted[name] = _register(manager, folder)
    if names is not None and (missing := sorted(names - admitted.keys())):
        raise PluginError(
            f"TOKENGUARD_PLUGINS names {', '.join(missing)}, which is not an installed plugin",
            "install it in this interpreter's environment, or take the name out",
        )
    try:
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        owner = next((key for key, part in manager.list_name_plugin() if part is error.plugin), "a plugin")
        raise PluginError(
            f"plugin {_described(admitted, owner)} implements a hook that tokenguard does not have: {error}",
            _MEND,
        ) from error
    return _ask(manager, admitted, refused)


def site_folders() -> tuple[str, ...]:
    """The interpreter's own site directories; the user's too where Python admits it."""
    user = [site.getusersitepackages()] if site.ENABLE_USER_SITE else []
    return (*site.getsitepackages(), *user)


def installed(folders: Iterable[str]) -> Iterator[tuple[str, Path]]:
    """Distributions in `folders` that declare an entry point of ours: normalised name and metadata folder, in order.

    The name is what the metadata says, which the folder may be called otherwise than; empty where it says none.
    """
    # NOTE: importlib.metadata would say the same, but costs 30 ms to import, and most installations have no plugin.
    for path in sorted(
        Path(entry.path)
        for folder in folders
        if is_folder(Path(folder))
        for entry in os.scandir(folder)
        if entry.name.endswith((".dist-info", ".egg-info")) and entry.is_dir() and _declares(entry.path)
    ):
        yield _normalised(_name(path)), path


def _declares(folder: str) -> bool:
    try:
        return f"[{GROUP}]".encode() in Path(folder, "entry_points.txt").read_bytes()
    except OSError:
        return False


def _name(folder: Path) -> str:
    """What the metadata in `folder` says. Source: Python Packaging User Guide, "Core metadata specifications"."""
    for file in ("METADATA", "PKG-INFO"):
        try:
            headers = re.split(rb"\r?\n\r?\n", (folder / file).read_bytes(), maxsplit=1)[0]
        except OSError:
            continue
        if found := re.search(rb"^name:(.*)$", headers, re.IGNORECASE | re.MULTILINE):
            return found[1].strip().decode(errors="replace")
    return ""


def _normalised(name: str) -> str:
    """Source: PEP 503, "Normalized Names"."""
    return re.sub(r"[-_.]+", "-", name.strip()).lower()


def _register(manager: pluggy.PluginManager, folder: Path) -> Distribution:
    from importlib.metadata import Distribution  # noqa: PLC0415  (see the note above)

    distribution = Distribution.at(folder)
    name = distribution.metadata["Name"]
    for entry_point in distribution.entry_points.select(group=GROUP):
        try:
            with _without_borrowed_paths():
                manager.register(entry_point.load(), f"{name}:{entry_point.name}")
        except (Exception, SystemExit) as error:  # a plugin may fail in any way; which one it was must be said
            raise PluginError(
                f"plugin {name} {distribution.version}: {entry_point.value} cannot be loaded: "
                f"{type(error).__name__}: {error}",
                f"mend or uninstall {name}, or leave it out of TOKENGUARD_PLUGINS",
            ) from error
    return distribution


def _described(admitted: Mapping[str, Distribution], part: str) -> str:
    found = admitted.get(_normalised(part.partition(":")[0]))
    return f"{found.metadata['Name']} {found.version}" if found else part


@contextmanager
def _without_borrowed_paths() -> Iterator[None]:
    """Import from where distributions are installed: a folder somebody stands in must not stand in for a plugin.

    Afterwards the working directory and what PYTHONPATH names come last, so that what a plugin imports while it works
    is found where it is installed as well.
    """
    borrowed = _borrowed_paths()
    sys.path[:] = [path for path in sys.path if path not in borrowed]
    try:
        yield
    finally:
        sys.path.extend(borrowed)


def _borrowed_paths() -> list[str]:
    """Entries of `sys.path` that lead to the working directory or to what PYTHONPATH names.

    Places are compared, not names, since several names may lead to one folder. Where PYTHONPATH names a place by the
    name that Python itself has for it, there is one entry for both, which stays.
    """
    named = [] if sys.flags.ignore_environment else os.environ.get("PYTHONPATH", "").split(os.pathsep)
    lent = {_place(path) for path in (os.curdir, *named, *(site.makepath(path)[0] for path in named))}
    found = [path for path in sys.path if _place(path) in lent]
    own = set(_own_paths()) if found else set()
    return [path for path in found if site.makepath(path)[1] not in own]


def _place(path: str) -> object:
    """Equal for two names of one folder or archive."""
    try:
        status = Path(path).stat()
    except OSError:  # there is none, or it lies within an archive
        return site.makepath(path)[1]
    return status.st_dev, status.st_ino


def _own_paths() -> Iterator[str]:
    """The standard library, the site directories, and what their ``.pth`` files name, such as checkouts to be edited.

    Source: Python, "site": a line is a path, relative to the file, unless it begins with ``import`` or ``#``.
    """
    library = Path(os.__file__).parent
    yield from (site.makepath(str(library))[1], site.makepath(str(library / "lib-dynload"))[1])
    for folder in site_folders():
        yield site.makepath(folder)[1]
        for file in Path(folder).glob("*.pth"):
            lines: list[str] = []
            with suppress(OSError):  # one that cannot be read adds nothing
                lines = file.read_text("utf-8-sig", errors="surrogateescape").splitlines()
            for line in lines:
                if line.strip() and not line.startswith(("#", "import ", "import\t")):
                    yield site.makepath(folder, line.rstrip())[1]


def _ask(manager: pluggy.PluginManager, admitted: Mapping[str, Distribution], refused: list[str]) -> Plugins:
    loaded = [replace(_contribution(manager, GROUP, __version__, BUILT_IN), built_in=True)]
    for distribution in admitted.values():
        name = distribution.metadata["Name"]
        parts = [f"{name}:{entry_point.name}" for entry_point in distribution.entry_points.select(group=GROUP)]
        loaded.append(_contribution(manager, name, distribution.version, parts))
    return Plugins(
        loaded=tuple(loaded),
        refused=tuple(sorted(set(refused))),
        types=_by_name(
            loaded,
            "resource type",
            lambda plugin: [(t.name, t) for collector in plugin.collectors for t in collector.resource_types],
        ),
        reporters=_by_name(loaded, "report format", lambda plugin: [(r.format, r) for r in plugin.reporters]),
        packs=_by_name(loaded, "rule pack", lambda plugin: [(path.name, path) for path in plugin.rule_paths]),
        commands=_by_name(loaded, "command", lambda plugin: [(c.name or "", c) for c in plugin.commands]),
    )


def _contribution(manager: pluggy.PluginManager, name: str, version: str, parts: Iterable[str]) -> Plugin:
    own = set(parts)
    others = [plugin for known, plugin in manager.list_name_plugin() if known not in own and plugin is not None]

    def ask(hook: str) -> tuple[Any, ...]:
        try:
            with _without_borrowed_paths():
                return tuple(item for answer in manager.subset_hook_caller(hook, others)() for item in answer)
        except (Exception, SystemExit) as error:  # as above
            raise PluginError(f"plugin {name} {version}: {hook} failed: {type(error).__name__}: {error}") from error

    return Plugin(
        name,
        version,
        ask,
        collectors=ask("tokenguard_collectors"),
        reporters=ask("tokenguard_reporters"),
        rule_paths=ask("tokenguard_rule_paths"),
        commands=ask("tokenguard_commands"),
    )


def _by_name(plugins: Iterable[Plugin], what: str, names: Callable[[Plugin], Sequence[tuple[str, T]]]) -> dict[str, T]:
    found: dict[str, T] = {}
    owner: dict[str, Plugin] = {}
    for plugin in plugins:
        try:
            offered = names(plugin)
        except (AttributeError, TypeError) as error:
            raise PluginError(f"plugin {plugin} gives something else than a {what}: {error}", _MEND) from error
        for name, item in offered:
            if name in owner:
                raise PluginError(
                    f"two plugins claim the {what} {name!r}: {owner[name]} and {plugin}",
                    "uninstall one of them, or name the other alone in TOKENGUARD_PLUGINS",
                )
            found[name], owner[name] = item, plugin
    return found
