"""What the docs say of the code is what the code says."""

import runpy

from tests.rules.test_tools import ROOT


def test_the_table_of_families_is_up_to_date() -> None:
    script = runpy.run_path(str(ROOT / "scripts" / "family_table.py"))
    assert script["PAGE"].read_text() == script["page"](), "python scripts/family_table.py"
