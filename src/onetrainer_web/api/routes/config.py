"""Configurations: the one being edited, those with names, and what can be said about any."""

from typing import Annotated, Any

from fastapi import Header, Path, Query, Request, Response
from pydantic import BaseModel, Field

from onetrainer_web.api.archives import ARCHIVE_ANSWERS, json_archive_response
from onetrainer_web.api.dependencies import (
    AllowedPathsDependency,
    ConfigStoreDependency,
    ServiceDependency,
    WorkspaceDependency,
)
from onetrainer_web.api.routing import NOT_FOUND, Answer, ErrorResponse, new_router
from onetrainer_web.app.config_store import CurrentConfig, ListedConfig
from onetrainer_web.app.estimates import Estimates, MemoryReport
from onetrainer_web.config.curves import ConfigCurves, config_curves
from onetrainer_web.config.defaults import default_config
from onetrainer_web.config.diff import Difference, compare
from onetrainer_web.config.enums import ModelType, Optimizer, TrainingMethod
from onetrainer_web.config.fields import Field as ConfigField
from onetrainer_web.config.fields import fields_catalogue
from onetrainer_web.config.files import (
    Form,
    Note,
    ReadResult,
    config_to_dict,
    parse_config,
    parse_request,
    settings_files,
)
from onetrainer_web.config.format_readers import ModelReaders, model_readers
from onetrainer_web.config.schema import json_schema
from onetrainer_web.config.validation import ValidationReport
from onetrainer_web.dataset.preview import ConceptPreview, preview_concept
from onetrainer_web.errors import InvalidRequestError, NotFoundError
from onetrainer_web.files.json_files import JsonObject
from onetrainer_web.protocol.estimates import EstimateQuestion
from onetrainer_web.protocol.tasks import Engine

router = new_router("/api/config", "config")

ConfigName = Annotated[
    str, Path(description="Name of a listed configuration, with or without .json.", examples=["demo_lora"])
]
IfMatch = Annotated[
    str | None, Header(description="Revision that was seen; another current one refuses the change with 412.")
]
STALE: dict[int | str, dict[str, Any]] = {
    412: {
        "model": ErrorResponse,
        "description": "Somebody else changed it; `detail` and the header ETag hold the current revision.",
    }
}


class ConceptNumberError(NotFoundError):
    """A configuration has no such concept."""

    def __init__(self, number: int) -> None:
        super().__init__(f"The configuration has no concept {number}; they are counted from 0.")


class ConfigList(BaseModel):
    """The configurations that can be loaded by name."""

    configs: list[str] = Field(description="File names, with .json: built-in presets and the workspace's own.")
    details: list[ListedConfig] = Field(description="The same, with more about each.")


class SavedConfig(Answer):
    """What saving a configuration answers."""

    name: str = Field(description="Its name, without .json.")
    notes: list[Note] = Field(description="What of the body was not understood, clamped or converted.")


class ConfigNotes(BaseModel):
    """What reading a file amounted to."""

    notes: list[Note] = Field(description="What was not understood, clamped or converted.")
    migrated_from: int | None = Field(description="Version of the file, when it was older than today's.")


class ConfigChanges(BaseModel):
    """Single settings to change."""

    changes: JsonObject = Field(
        description="Dotted path of a setting → its new value.",
        examples=[{"learning_rate": 0.0002, "unet.train": True}],
    )


class FieldList(BaseModel):
    """The catalogue of settings."""

    fields: list[ConfigField] = Field(description="In the order of the tabs.")


class ConfigReference(BaseModel):
    """One side of a comparison: exactly one of these, or nothing for the defaults."""

    config: JsonObject | None = Field(default=None, description="A configuration itself.")
    name: str | None = Field(default=None, description="A listed configuration.")
    run_id: str | None = Field(default=None, description="The configuration of a run.")


class Comparison(BaseModel):
    """Two configurations to compare."""

    left: ConfigReference = Field(description="One side.")
    right: ConfigReference = Field(default=ConfigReference(), description="The other side; the defaults if left out.")


@router.get("/current")
def get_current_config(store: ConfigStoreDependency, response: Response) -> CurrentConfig:
    """The configuration being edited; samples without training use its model."""
    return _with_tag(store.current(), response)


@router.put("/current", responses=STALE)
def replace_current_config(
    store: ConfigStoreDependency, config: JsonObject, response: Response, if_match: IfMatch = None
) -> CurrentConfig:
    """Replace the configuration being edited; what it leaves out has its default."""
    read = parse_request(config)
    current = store.replace_current(read.config, _revision(if_match))
    return _with_tag(current.model_copy(update={"notes": read.notes}), response)


@router.patch("/current", responses=STALE)
def change_current_config(
    store: ConfigStoreDependency, request: ConfigChanges, response: Response, if_match: IfMatch = None
) -> CurrentConfig:
    """Change single settings of the configuration being edited: all of them, or none when one does not fit."""
    return _with_tag(store.patch_current(request.changes, _revision(if_match)), response)


@router.get("/list")
def list_configs(store: ConfigStoreDependency) -> ConfigList:
    """Built-in presets and the workspace's own configurations."""
    details = store.listed()
    return ConfigList(configs=[f"{listed.name}.json" for listed in details], details=details)


@router.get("/load/{config_name}", responses=NOT_FOUND)
def load_config(store: ConfigStoreDependency, config_name: ConfigName) -> JsonObject:
    """A listed configuration, complete."""
    return config_to_dict(store.load(config_name).config)


@router.get("/notes/{config_name}", responses=NOT_FOUND)
def get_config_notes(store: ConfigStoreDependency, config_name: ConfigName) -> ConfigNotes:
    """What loading a listed configuration could not take as it stands in its file."""
    read = store.load(config_name)
    return ConfigNotes(notes=read.notes, migrated_from=read.migrated_from)


@router.get("/export/{config_name}", response_model=JsonObject, responses={**NOT_FOUND, **ARCHIVE_ANSWERS})
def export_config(
    store: ConfigStoreDependency,
    config_name: ConfigName,
    response: Response,
    form: Annotated[
        Form,
        Query(
            description="packed: one JSON file with concepts and samples inside. settings: a zip of the configuration "
            "and of its concepts and samples in files of their own."
        ),
    ] = "packed",
) -> JsonObject | Response:
    """A listed configuration as a file that OneTrainer opens, or as the files."""
    config = store.load(config_name).config
    if form == "settings":
        name = config_name.removesuffix(".json")
        return json_archive_response(settings_files(f"{name}.json", config), name)
    response.headers["Content-Disposition"] = "attachment"
    return config_to_dict(config)


@router.post("/save/{config_name}")
def save_config(store: ConfigStoreDependency, config_name: ConfigName, config: JsonObject | None = None) -> SavedConfig:
    """Write a configuration of the workspace: the one in the body, else the one being edited."""
    read = None if config is None else parse_request(config)
    name = store.save(config_name, read.config if read else store.current_config())
    return SavedConfig(name=name, message=f"Saved as {name}.json", notes=read.notes if read else [])


@router.delete("/{config_name}", responses=NOT_FOUND)
def delete_config(store: ConfigStoreDependency, config_name: ConfigName) -> Answer:
    """Delete a configuration of the workspace."""
    store.delete(config_name)
    return Answer(message="Deleted")


@router.get("/defaults")
def get_default_config() -> JsonObject:
    """What a new configuration is before anybody has changed it."""
    return config_to_dict(default_config())


@router.get("/schema")
def get_config_schema() -> JsonObject:
    """JSON schema (2020-12) of a complete configuration."""
    return json_schema()


@router.get("/fields")
def get_config_fields(
    model_type: Annotated[ModelType | None, Query(description="Leave out what this model type has no use for.")] = None,
    training_method: Annotated[TrainingMethod | None, Query(description="The same for a training method.")] = None,
    optimizer: Annotated[Optimizer | None, Query(description="The same for an optimizer.")] = None,
) -> FieldList:
    """Every setting with label, help, unit, limits, and when it matters: what an editor is drawn from."""
    return FieldList(fields=fields_catalogue(model_type, training_method, optimizer))


@router.get("/readers")
def get_format_readers(
    model_type: Annotated[ModelType, Query(description="Model that the LoRA is made for.")],
) -> ModelReaders:
    """Which programs read a LoRA of a model in each format, the default format first."""
    return model_readers(model_type)


@router.post("/validate")
def validate_config(
    service: ServiceDependency,
    store: ConfigStoreDependency,
    config: JsonObject,
    deep: Annotated[
        bool, Query(description="Look at the machine too: open folders, pictures and model files, as a start does.")
    ] = False,
    engine: Annotated[Engine | None, Query(description="Who shall train it; left out: chosen as a start does.")] = None,
) -> ValidationReport:
    """Everything that is wrong or doubtful about a configuration, at once."""
    read = store.read_sent(config)
    return store.examine(read, service.launcher.choose_engine(read.config, engine), deep=deep)


@router.post("/estimate")
def estimate_memory(
    request: Request,
    store: ConfigStoreDependency,
    workspace: WorkspaceDependency,
    config: JsonObject,
    switches: Annotated[bool, Query(description="Say what would need less too; takes several times as long.")] = False,
) -> MemoryReport:
    """How much memory a training will hold, found by its own code on tensors without numbers; no card is touched.

    Takes seconds to minutes the first time. Asking about another configuration ends what is being found out.
    """
    estimates: Estimates = request.app.state.estimates
    read = config_to_dict(store.read_sent(config).config)
    store.check_paths(read)
    question = EstimateQuestion(config=read, workspace=str(workspace.folder), with_switches=switches)
    return estimates.ask(question)


@router.post("/curves")
def get_config_curves(config: JsonObject) -> ConfigCurves:
    """The learning rate schedule and the timestep distribution of a configuration, as curves to draw."""
    return config_curves(parse_request(config).config)


@router.post("/preview", responses=NOT_FOUND)
def preview_pictures(
    allowed: AllowedPathsDependency,
    config: JsonObject,
    concept: Annotated[int, Query(ge=0, le=10_000, description="Which of its concepts, from 0.")] = 0,
    offset: Annotated[int, Query(ge=0, le=2**53, description="Pictures to pass over.")] = 0,
    limit: Annotated[int, Query(ge=1, le=12, description="Pictures to give at most.")] = 3,
    variations: Annotated[int, Query(ge=1, le=8, description="Variations of each picture.")] = 4,
) -> ConceptPreview:
    """Some pictures of a concept as training sees them: cropped, scaled and varied by the same code and chance."""
    read = parse_request(config).config
    concepts = read.concepts or []
    if concept >= len(concepts):
        raise ConceptNumberError(concept)
    wanted = concepts[concept]
    folder = allowed.resolve(wanted.path)
    return preview_concept(
        read, wanted, folder, page=slice(offset, offset + limit), num_variations=variations, may_read=allowed.holds
    )


@router.post("/diff", responses=NOT_FOUND)
def compare_configs(service: ServiceDependency, store: ConfigStoreDependency, request: Comparison) -> list[Difference]:
    """Every setting in which two configurations differ, or of which one says something that was not understood."""

    def resolve(side: ConfigReference) -> ReadResult:
        match (side.config, side.name, side.run_id):
            case (None, None, None):
                return ReadResult(config=default_config(), notes=[], migrated_from=None)
            case (dict() as given, None, None):
                return parse_request(given)
            case (None, str() as name, None):
                return store.load(name)
            case (None, None, str() as run_id):
                return parse_config(service.record(run_id).task.config)
            case _:
                raise InvalidRequestError("Give one of config, name and run_id for each side.")

    return compare(resolve(request.left), resolve(request.right))


def _with_tag(current: CurrentConfig, response: Response) -> CurrentConfig:
    response.headers["ETag"] = f'"{current.revision}"'
    return current


def _revision(if_match: str | None) -> str | None:
    return None if if_match in (None, "*") else if_match.removeprefix("W/").strip('"')
