"""A few small runs with drawn settings; `scripts/try_combinations.py` takes all model types through more of them."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.engine.combinations import FACTORS, SMALL, draw_pictures, pairwise, settings_of, tiny_case, try_combination
from tests.engine.conftest import Lab

from onetrainer_web.config.enums import ModelType, TrainingMethod

pytestmark = pytest.mark.slow


@settings(max_examples=3, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(method=st.sampled_from(TrainingMethod), row=st.sampled_from(pairwise(FACTORS)))
def test_a_run_is_what_was_told_goes_on_as_it_was_and_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, method: TrainingMethod, row: dict[str, object]
) -> None:
    workspace, case = tmp_path_factory.mktemp("combination"), tiny_case(ModelType.STABLE_DIFFUSION_15)
    draw_pictures(workspace)
    lab = Lab(workspace, case.make(workspace / "model"))
    base = {"training_method": method.value, "base_model_name": str(lab.model), **SMALL}
    outcome = try_combination(lab, settings_of(row, base))
    assert outcome.wrong == []
    assert all(sentence.endswith((".", "?")) for sentence in outcome.said)


def test_pairs_of_all_settings_occur() -> None:
    rows = pairwise(FACTORS)
    assert len(rows) < 30
    for first in FACTORS:
        for second in FACTORS.keys() - {first}:
            found = {(row[first], row[second]) for row in rows}
            assert len(found) == len(FACTORS[first]) * len(FACTORS[second])
