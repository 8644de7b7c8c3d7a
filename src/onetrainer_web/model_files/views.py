"""What is told of a model file, in the command line and in the API."""

from pydantic import BaseModel, ConfigDict, Field

from onetrainer_web.config.destinations import FileKind
from onetrainer_web.config.enums import ModelFormat, ModelType


class PartInfo(BaseModel):
    """A network in a file, or the layers of one that a file changes."""

    name: str = Field(description="denoiser, text encoder or autoencoder, and what of its kind it is.")
    layers: dict[str, int] = Field(description="How many layers of each group it has.")
    vectors: int = Field(default=0, ge=0, description="Of an embedding: how many vectors it has.")


class UseInfo(BaseModel):
    """What a program makes of a file, and where it goes there."""

    program: str = Field(description="Name of the program.")
    place: str = Field(description="Folder of the program, or what to do or write there.")
    is_code: bool = Field(description="Whether the place is code.")
    prompt: str = Field(description="A first prompt; empty for parts that none is about.")
    fault: str = Field(description="What it does wrong with the file, as words behind its name; empty for nothing.")


class ModelInfo(BaseModel):
    """What a model file is."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)

    name: str = Field(description="Of the file or folder.")
    kind: FileKind = Field(description="What it holds.")
    title: str = Field(description="The same in words: LoRA, FLUX.1 dev.")
    size: int = Field(ge=0, description="Bytes, of all files in it.")
    model_types: list[ModelType] = Field(default=[], description="Model types that it may be for; one when it is sure.")
    models: str = Field(default="", description="Their names.")
    is_told: bool = Field(default=False, description="Whether its own metadata names them.")
    model_format: ModelFormat | None = Field(default=None, description="Format, of the ones that this program writes.")
    naming: str = Field(default="", description="How its layers are named, in words.")
    prediction: str = Field(default="", description="What it predicts, where it says so.")
    ranks: list[int] = Field(default=[], description="Ranks of an adapter, of all its layers.")
    alphas: list[float] = Field(default=[], description="Alphas of an adapter, of all its layers.")
    data_types: dict[str, int] = Field(default={}, description="Bytes in each number format.")
    num_tensors: int = Field(default=0, ge=0, description="Tensors in it.")
    parts: list[PartInfo] = Field(default=[], description="What it holds.")
    base_model: str = Field(default="", description="What it was trained on, as it says.")
    given_title: str = Field(default="", description="The title that it bears.")
    trigger_words: str = Field(default="", description="Words that it has learned, as it says.")
    tags: list[str] = Field(default=[], description="Commonest tags of its pictures, as it says.")
    unknown: str = Field(default="", description="Tensors that belong to nothing known, counted by kind.")
    problems: list[str] = Field(default=[], description="What is wrong with it, as sentences.")
    uses: list[UseInfo] = Field(default=[], description="Where it goes, program by program.")
