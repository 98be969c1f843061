"""Build hook: derives the name index from the tables, so that an installation loads in a fraction of the time."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class NameIndexHook(BuildHookInterface):
    """Writes ``data/*_names.idx`` before the files of a wheel, an editable install or a source package are gathered."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Derive the index; the package itself needs only the standard library for that."""
        root = Path(self.root)
        sys.path.insert(0, str(root))
        try:
            from cramprisk.names import write_index
            from cramprisk.tables import read_tables

            write_index(read_tables(root / "data"))
        finally:
            sys.path.remove(str(root))
