"""Builds the web page before a wheel or a source archive is made, so that whoever installs one needs no Node."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PAGE = Path("src/onetrainer_web/page")


class PageBuildHook(BuildHookInterface[Any]):
    """Runs npm in web/, unless the page is there already (in a source archive it always is)."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the page; an editable installation leaves that to `make run`.

        Raises:
            RuntimeError: There is no built page and no npm to build one.
        """
        root = Path(self.root)
        build_data["artifacts"].append(f"{PAGE.as_posix()}/**")
        if version == "editable" or (root / PAGE / "index.html").is_file():
            return
        npm = shutil.which("npm")
        if npm is None:
            raise RuntimeError(
                "The web page is not built and npm is not installed. Install Node.js 20 or newer, "
                "or build from the source archive, which holds the built page."
            )
        for command in (["ci", "--no-audit", "--no-fund"], ["run", "build"]):
            subprocess.run([npm, *command], cwd=root / "web", check=True)
