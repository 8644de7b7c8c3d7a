"""Bringing a configuration in: as JSON or as an uploaded file, of any version OneTrainer ever wrote."""

from typing import Annotated, Any

from fastapi import Depends, HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field, ValidationError
from starlette.datastructures import UploadFile

from onetrainer_web.api.routes.config import ConfigNotes
from onetrainer_web.api.routing import new_router
from onetrainer_web.config.files import config_to_dict, parse_config, reject_secrets
from onetrainer_web.config.side_files import notes_on_lists_elsewhere
from onetrainer_web.config.text import find_refused
from onetrainer_web.files.json_files import JsonObject, parse_json

router = new_router("/api/config", "config")


class ImportRequest(BaseModel):
    """A configuration from elsewhere."""

    config: JsonObject = Field(description="The content of the file.")
    filename: str = Field(default="", max_length=1000, description='Name of the file; bundled presets begin with "#".')


class ImportedConfig(ConfigNotes):
    """A configuration as it was understood."""

    config: JsonObject = Field(description="The complete configuration.")


_FILE_SCHEMA = {
    "type": "object",
    "required": ["file"],
    "properties": {"file": {"type": "string", "format": "binary", "description": "The configuration file."}},
}


async def _read_import(request: Request) -> ImportRequest:
    """The request of either form; one address takes both, which FastAPI cannot tell apart by itself."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "multipart/form-data":
        try:
            return ImportRequest.model_validate(await request.json())
        except ValidationError as error:
            raise RequestValidationError(error.errors()) from error
    async with request.form(max_files=1, max_fields=10) as form:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise HTTPException(400, "Send the configuration as the form's field 'file'.")
        content, name = await file.read(), file.filename or ""
    data: Any = await run_in_threadpool(parse_json, content, name or "The file")
    if code := find_refused(data):
        raise HTTPException(400, f"The file holds the character {code}, which is no text.")
    if not isinstance(data, dict):
        raise HTTPException(400, "The file does not hold a JSON object.")
    return ImportRequest.model_construct(config=data, filename=name)


@router.post(
    "/import",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": ImportRequest.model_json_schema()},
                "multipart/form-data": {"schema": _FILE_SCHEMA},
            },
        }
    },
)
def import_config(request: Annotated[ImportRequest, Depends(_read_import)]) -> ImportedConfig:
    """Understand a configuration of any version, and tell what of it could not be understood."""
    reject_secrets(request.config)
    read = parse_config(request.config, filename=request.filename)
    notes = notes_on_lists_elsewhere(request.config, request.filename) + read.notes
    return ImportedConfig(config=config_to_dict(read.config), notes=notes, migrated_from=read.migrated_from)
