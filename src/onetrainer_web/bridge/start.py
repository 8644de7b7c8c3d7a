"""Started by OneTrainer's own Python, in its own folder: `python start.py RUN_FOLDER`.

That Python does not know this project. An empty stand-in for its package lets the files of this folder find each
other by their usual names, and keeps whatever else is installed beside them out of reach.
"""

import os
import sys
import types
from pathlib import Path


def main() -> int:
    """Work on a run until it ends.

    Returns:
        Exit code: 0 when it ended as it should, 1 on an error, 2 when it could not be taken up.
    """
    if len(sys.argv) != 2:
        sys.stderr.write("usage: python start.py RUN_FOLDER\n")
        return 2
    here = Path(__file__).resolve().parent
    sys.path[:] = [entry for entry in sys.path if Path(entry).resolve() != here]
    package = types.ModuleType("onetrainer_web")
    package.__path__ = [str(here.parent)]
    sys.modules["onetrainer_web"] = package
    from onetrainer_web.bridge.session import work

    return work(Path(sys.argv[1]).resolve(), Path.cwd())


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # Tearing torch down takes a second in which the run would still look alive.
    os._exit(code)
