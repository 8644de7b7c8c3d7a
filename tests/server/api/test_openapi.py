"""The OpenAPI document: committed, complete, described."""

import json
from pathlib import Path
from typing import Any

import pytest

from onetrainer_web.cli.openapi import document_text

COMMITTED = Path(__file__).parents[3] / "openapi.json"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return json.loads(document_text())


def test_the_committed_document_is_fresh() -> None:
    hint = "openapi.json is stale; refresh it with: onetrainer-web openapi -o openapi.json"
    assert COMMITTED.read_text(encoding="utf-8") == document_text(), hint


def test_every_operation_has_its_own_name_and_says_what_it_does(document: dict[str, Any]) -> None:
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    names = [operation["operationId"] for operation in operations]
    assert len(set(names)) == len(names)
    assert all(operation["description"].strip() and operation["tags"] for operation in operations)


def test_every_parameter_and_every_field_is_described(document: dict[str, Any]) -> None:
    missing = [
        f"{name}.{key}"
        for name, schema in document["components"]["schemas"].items()
        for key, value in schema.get("properties", {}).items()
        if not {"description", "const", "$ref"} & set(value)
    ]
    missing += [
        f"{operation['operationId']}({parameter['name']})"
        for path in document["paths"].values()
        for operation in path.values()
        for parameter in operation.get("parameters", [])
        if not parameter.get("description")
    ]
    assert missing == []


def test_the_stream_messages_of_the_contract_are_documented(document: dict[str, Any]) -> None:
    union = document["components"]["schemas"]["StreamMessage"]
    assert set(union["discriminator"]["mapping"]) >= {
        "connected",
        "pong",
        "training_state",
        "sample_default",
        "sample_default_progress",
        "sample_custom",
        "sample_custom_progress",
    }


def test_no_operation_answers_422(document: dict[str, Any]) -> None:
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    assert not any("422" in operation["responses"] for operation in operations)
