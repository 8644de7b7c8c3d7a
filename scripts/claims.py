"""What the tests claim: `python scripts/claims.py` lists each claim with the cases (model type, method …) that it
is tried on; `python scripts/claims.py REVISION` what has come and gone since then, so that no claim is lost unseen.
"""

import argparse
import io
import os
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]

Claims = dict[str, set[str]]
"""By file and name of a test, its cases; one that has none has an empty one."""


def main() -> int:
    """List or compare; the exit status says whether anything has gone."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("revision", nargs="?", help="what to compare with")
    options = parser.parse_args()
    now = claims_of(ROOT)
    if not options.revision:
        for claim, cases in sorted(now.items()):
            print(f"{claim}: {', '.join(sorted(cases - {''})) or 'one case'}")
        return 0
    with tempfile.TemporaryDirectory() as name:
        packed = subprocess.run(
            ["git", "-C", str(ROOT), "archive", options.revision], check=True, stdout=subprocess.PIPE
        ).stdout
        with tarfile.open(fileobj=io.BytesIO(packed)) as files:
            files.extractall(name, filter="data")
        before = claims_of(Path(name))
    gone = missing(before, now)
    for sign, lines in (("-", gone), ("+", missing(now, before))):
        for line in lines:
            print(sign, line)
    return bool(gone)


def claims_of(tree: Path) -> Claims:
    """What pytest collects in a source tree.

    Raises:
        SystemExit: It cannot be collected.
    """
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider"]
    environment = {**os.environ, "PYTHONPATH": str(tree / "src")}
    ended = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False)
    if ended.returncode:
        sys.exit(f"{ended.stdout}\n{ended.stderr}\nThe tests of {tree} could not be collected.")
    claims: Claims = {}
    for line in ended.stdout.splitlines():
        if found := re.fullmatch(r"tests/(\S+?)\.py::(\w+)(?:\[(.*)\])?(?:@\S+)?", line):
            claims.setdefault(f"{found[1]} {found[2].removeprefix('test_').replace('_', ' ')}", set()).add(
                found[3] or ""
            )
    return claims


def missing(wanted: Claims, found: Claims) -> list[str]:
    """A line for each claim of one list that another lacks, or lacks cases of."""
    lost = {claim: cases - found.get(claim, set()) for claim, cases in sorted(wanted.items())}
    return [f"{claim}: {', '.join(sorted(cases)) or 'one case'}" for claim, cases in lost.items() if cases]


if __name__ == "__main__":
    sys.exit(main())
