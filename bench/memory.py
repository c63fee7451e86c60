"""How much memory this process held at most."""

from __future__ import annotations

from pathlib import Path


def peak_megabytes() -> float:
    """By its own word, not its parent's: Linux counts what a process was before it became another program."""
    return int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]) / 1024


def own_peak_megabytes() -> float:
    """The same without the files of the program and its libraries: how much of these is there, the kernel decides."""
    mapped = int(Path("/proc/self/status").read_text().partition("RssFile:")[2].split()[0]) / 1024
    return peak_megabytes() - mapped
