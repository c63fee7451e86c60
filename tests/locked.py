"""The files of locked requirements, as what they say."""

from __future__ import annotations

import re
from dataclasses import dataclass

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from checkout import ROOT

LOCKED = ROOT / "requirements"


@dataclass(frozen=True)
class Pin:
    """One line of a file."""

    requirement: Requirement
    hashes: tuple[str, ...]

    @property
    def name(self) -> str:
        return canonicalize_name(self.requirement.name)

    @property
    def version(self) -> str:
        [only] = self.requirement.specifier
        return only.version

    def applies(self, environment: dict[str, str]) -> bool:
        marker = self.requirement.marker
        return marker is None or marker.evaluate(environment)


def pins(name: str) -> list[Pin]:
    lines = re.sub(r"\\\n", "", (LOCKED / f"{name}.txt").read_text()).splitlines()
    parts = [re.split(r"\s+--hash=", line) for line in lines if not line.lstrip().startswith("#")]
    return [Pin(Requirement(first), tuple(hashes)) for first, *hashes in parts]
