"""Policy as code for the lifetimes of Microsoft Entra tokens."""

__version__ = "0.1.0"
