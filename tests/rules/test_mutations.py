"""The faults that the tests are tried with can still be made (see tests/mutations/run.py)."""

from tests.mutations.faults import FAULTS, where
from tests.rules.test_tools import ROOT


def test_every_fault_has_its_one_place_and_its_test() -> None:
    # One that is not: give tests/mutations/faults.py another line to make wrong.
    places = {fault.right: len(where(fault)) for fault in FAULTS}
    assert {right: count for right, count in places.items() if count != 1} == {}, (
        "give tests/mutations/faults.py new ones"
    )
    files = {fault.test.partition("::")[0] for fault in FAULTS}
    assert sorted(file for file in files if not (ROOT / file).is_file()) == []
