"""Where the project is, as the metadata of a build says: by `tokenguard.ADDRESS`, and nothing while that is empty."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface


class WhereTheProjectIs(MetadataHookInterface):
    """Sets ``urls``, and ``readme``, whose links into the checkout lead nowhere from a package index."""

    def update(self, metadata: dict[str, Any]) -> None:
        root = Path(self.root)
        package = runpy.run_path(str(root / "src" / "tokenguard" / "__init__.py"))
        address, page = package["ADDRESS"], package["page"]
        text = (root / "README.md").read_text(encoding="utf-8")
        metadata["urls"] = {}
        if address:
            pages = {"Documentation": page("docs/index.md"), "Changelog": page("CHANGELOG.md")}
            metadata["urls"] = {"Source": address, **pages, "Issues": f"{address}/issues"}
            text = re.sub(r"\]\((?!https?:)([^)]+)\)", lambda link: f"]({page(link[1])})", text)
        metadata["readme"] = {"content-type": "text/markdown", "text": text}
