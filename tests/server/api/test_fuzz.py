"""Every endpoint is sent what its schema allows and what it does not: no 500, no answer outside the schema."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode, checks
from schemathesis.core.result import Ok
from schemathesis.specs.openapi import checks as openapi_checks
from tests.server.conftest import create

from onetrainer_web.config.training import TrainConfig
from onetrainer_web.runs.service import RunService

CHECKS = [
    checks.not_a_server_error,
    openapi_checks.status_code_conformance,
    openapi_checks.content_type_conformance,
    openapi_checks.response_schema_conformance,
    openapi_checks.response_headers_conformance,
]
EXAMPLES_EACH = 12
LEFT_OUT = [
    "stream_events",  # never ends
    # Each answer of these costs a process of its own: the first two take no parameters, the third what a check takes.
    "get_doctor_report",
    "start_tensorboard",
    "estimate_memory",
]
PATIENCE_S = 30


@pytest.fixture
def existing(service: RunService, wait_until: Callable[..., None]) -> dict[str, Any]:
    """Path parameters that hit something: a run that has ended, with a sample."""
    run = service.start_training(TrainConfig(train_device="cpu"), "steps=200")
    service.request_samples([{"prompt": "a square"}], TrainConfig(train_device="cpu"))
    wait_until(lambda: service.outputs.samples().total and service.get(run.id).status == "completed")
    service.set_queue_paused(paused=True)
    create(service, TrainConfig(train_device="cpu"))
    return {"run_id": run.id, "sample_id": "sample_001", "config_name": "demo_lora"}


@pytest.mark.slow
@pytest.mark.long
def test_no_request_gets_a_500_or_an_answer_outside_the_schema(address: str, existing: dict[str, Any]) -> None:
    document = schemathesis.openapi.from_dict(httpx.get(f"{address}/openapi.json", timeout=PATIENCE_S).json())
    failures: list[str] = []
    for result in document.exclude(operation_id=LEFT_OUT).get_all_operations():
        assert isinstance(result, Ok), result
        operation = result.ok()

        @settings(
            max_examples=EXAMPLES_EACH,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
        )
        @given(case=operation.as_strategy(GenerationMode.POSITIVE) | operation.as_strategy(GenerationMode.NEGATIVE))
        def send(case: schemathesis.Case) -> None:
            if case.method != "DELETE" and len(str(case.path_parameters)) % 2:
                case.path_parameters.update({name: existing[name] for name in existing.keys() & case.path_parameters})
            case.call_and_validate(base_url=address, checks=CHECKS, timeout=PATIENCE_S)

        try:
            send()
        except Exception as error:  # each operation is tried, whatever the others do
            failures.append(f"{operation.label}: {error}")
    assert not failures, "\n\n".join(failures)
