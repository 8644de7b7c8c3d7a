"""Prepares a release: `make release VERSION=0.2.0`. It commits and publishes nothing.

The version is written where it lives (`src/onetrainer_web/__init__.py`), what has changed gets its heading, the API's
document its number. Then wheel and source archive are built into `dist/`, each is installed into an empty environment,
and the server there must answer with this version and show its page.
"""

import argparse
import datetime
import json
import re
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from urllib.request import urlopen

ROOT = Path(__file__).parents[1]
VERSION_FILE = ROOT / "src" / "onetrainer_web" / "__init__.py"
CHANGES = ROOT / "CHANGELOG.md"
DIST = ROOT / "dist"
_UNRELEASED = "## Unreleased\n"
_VERSION_LINE = re.compile(r'__version__ = "(.+)"')


def main() -> None:
    """Prepare the release that is named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("version", type=parse_version, help="such as 0.2.0")
    version = ".".join(map(str, parser.parse_args().version))
    check(version)
    name_version(version)
    for package in build(version):
        check_installation(package, version)
        print(f"{package.name} installs, serves and shows its page.")
    print(f"Now look at it, commit it as “Release {version}”, and tag the commit v{version}.")


def parse_version(text: str) -> tuple[int, ...]:
    """The three numbers of a version."""
    if not re.fullmatch(r"\d+\.\d+\.\d+", text):
        raise argparse.ArgumentTypeError(f"{text} is no version such as 0.2.0")
    return tuple(map(int, text.split(".")))


def check(version: str) -> None:
    """End with a sentence when this cannot be the next release."""
    (today,) = _VERSION_LINE.findall(VERSION_FILE.read_text())
    if parse_version(version) <= parse_version(today):
        sys.exit(f"{version} does not come after {today}.")
    if not re.search(rf"^{_UNRELEASED}\n- ", CHANGES.read_text(), re.MULTILINE):
        sys.exit("CHANGELOG.md has nothing under Unreleased.")
    if subprocess.run(["git", "status", "--porcelain"], cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout:
        sys.exit("There are changes that are not committed.")


def name_version(version: str) -> None:
    """Write the version down."""
    VERSION_FILE.write_text(_VERSION_LINE.sub(f'__version__ = "{version}"', VERSION_FILE.read_text()))
    heading = f"{_UNRELEASED}\n## {version}, {datetime.date.today()}\n"
    CHANGES.write_text(CHANGES.read_text().replace(_UNRELEASED, heading, 1))
    subprocess.run(
        [sys.executable, "-m", "onetrainer_web.cli.main", "openapi", "-o", "openapi.json"], cwd=ROOT, check=True
    )


def build(version: str) -> list[Path]:
    """The source archive, and the wheel that is made of it."""
    subprocess.run([sys.executable, "-m", "build", "--outdir", str(DIST), str(ROOT)], check=True)
    return [DIST / f"onetrainer_web-{version}.tar.gz", DIST / f"onetrainer_web-{version}-py3-none-any.whl"]


def check_installation(package: Path, version: str) -> None:
    """Install a package alone and ask its server; ends with an error when something is missing."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        venv.create(folder / "venv", with_pip=True)
        programs = folder / "venv" / ("Scripts" if sys.platform == "win32" else "bin")
        pip = [programs / "python", "-m", "pip", "install", "--quiet", "--constraint", ROOT / "constraints.txt"]
        subprocess.run([*pip, package], check=True)
        serve = [programs / "onetrainer-web", "serve", "--port", "0", "--workspace", folder / "workspace"]
        server = subprocess.Popen(serve, cwd=folder, stderr=subprocess.PIPE, text=True)
        try:
            assert server.stderr
            address = next(line for line in server.stderr if "running on" in line).split("running on ")[1].split()[0]
            with urlopen(f"{address}/api/health") as answer:
                assert json.load(answer)["version"] == version
            with urlopen(address) as answer:
                assert b'<div id="root">' in answer.read()
        finally:
            server.terminate()
            server.communicate()


if __name__ == "__main__":
    main()
