"""Policy as code for the lifetimes of Microsoft Entra tokens."""

__version__ = "0.1.0"

ADDRESS = ""
"""The project's repository on the web, e.g. ``https://code.example/people/tokenguard``; empty until a person sets it.

Every link of ours to the project is made from it: what the metadata of a build says, and SARIF's ``informationUri`` and
``helpUri``. While it is empty there are none.
"""


def page(path: str) -> str:
    """The address of the file `path` as of this version, as GitHub has it; empty while there is no `ADDRESS`."""
    return f"{ADDRESS}/blob/v{__version__}/{path}" if ADDRESS else ""
