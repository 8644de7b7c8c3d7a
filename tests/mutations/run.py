"""Puts each fault into a copy of this checkout and looks whether the tests notice: `python tests/mutations/run.py`.

One line a fault, and the status says how many nobody noticed; each of these is a missing test. Words behind the command
choose the faults in whose text one of them occurs.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from tests.mutations.faults import FAULTS, Fault, where  # noqa: E402


def main(words: list[str]) -> int:
    """Try the faults; gives the number of those that survive."""
    chosen = [fault for fault in FAULTS if not words or any(word in fault.right for word in words)]
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder)
        copy_checkout(tree)
        if failed := first_failure(tree, {fault.test for fault in chosen}):
            sys.exit(f"{failed} fails without any fault.")
        return sum(not is_caught(tree, fault) for fault in chosen)


def copy_checkout(tree: Path) -> None:
    """Copy what git knows or would add."""
    command = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\0")
    for name in filter(None, names):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, tree / name)


def is_caught(tree: Path, fault: Fault) -> bool:
    """Whether the tests of a fault fail because of it."""
    (place,) = where(fault)
    name = place.relative_to(ROOT)
    file, right = tree / name, place.read_text(encoding="utf-8")
    file.write_text(right.replace(fault.right, fault.wrong), encoding="utf-8")
    failed = first_failure(tree, {fault.test})
    file.write_text(right, encoding="utf-8")
    said = f"caught by {failed}" if failed else "SURVIVES"
    print(f"{name.relative_to('src/onetrainer_web')}: {fault.wrong.strip() or '(deleted)'}: {said}", flush=True)
    return bool(failed)


def first_failure(tree: Path, tests: set[str]) -> str:
    """The first test that fails; an empty text when all pass."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-rfE", "--tb=no", "-p", "no:cacheprovider", *sorted(tests)]
    environment = {**os.environ, "PYTHONPATH": str(tree / "src")}
    ended = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False)
    if ended.returncode == 0:
        return ""
    found = re.search(r"^(?:FAILED|ERROR) (\S+?::.+?|\S+)(?: - |$)", ended.stdout, re.MULTILINE)
    return found[1] if found else sys.exit(f"{ended.stdout}\n{ended.stderr}\nThe tests could not be run.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
