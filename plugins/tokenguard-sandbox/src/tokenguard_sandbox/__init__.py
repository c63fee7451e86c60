"""A Microsoft Entra tenant on this machine: its token service, and the slice of Graph that tokenguard uses."""
