"""Chance as a pure function: the same words give the same numbers, on every machine and after every restart."""

import hashlib
import json
import random


def random_for(*parts: str | int) -> random.Random:
    """A generator that depends on `parts` alone, such as (seed, "crop", epoch, picture name)."""
    digest = hashlib.sha256(json.dumps(parts).encode()).digest()
    return random.Random(int.from_bytes(digest[:8], "big"))
