"""What the docs and the page say of the code is what the code says."""

import json
import runpy

from tests.rules.test_tools import ROOT

from onetrainer_web.config.families import MODEL_TYPES


def test_the_table_of_families_is_up_to_date() -> None:
    script = runpy.run_path(str(ROOT / "scripts" / "family_table.py"))
    assert script["PAGE"].read_text() == script["page"](), "python scripts/family_table.py"


def test_the_page_has_a_name_for_every_model_type() -> None:
    texts = json.loads((ROOT / "web" / "src" / "locales" / "en.json").read_text())
    assert [name.value for name in MODEL_TYPES if name.value not in texts["names"]] == []
