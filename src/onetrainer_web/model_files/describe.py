"""What a model file is: kind, model, format, parts, what it says of itself, what is wrong, and where it goes."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from onetrainer_web.config.adapter_keys import count_kinds
from onetrainer_web.config.architectures import BASE_KEY, types_of
from onetrainer_web.config.destinations import FileKind
from onetrainer_web.config.enums import ModelType
from onetrainer_web.config.families import facts
from onetrainer_web.config.settings.options import label_of_value
from onetrainer_web.config.tensor_header import Header, HeaderError, TensorFacts, read_header, read_numbers
from onetrainer_web.errors import InvalidConfigError, InvalidRequestError, NotFoundError
from onetrainer_web.files.confined import MayRead, everything, reading, stays
from onetrainer_web.files.json_files import load_json
from onetrainer_web.files.model_folders import index_of
from onetrainer_web.model_files import adapters, embeddings, networks
from onetrainer_web.model_files.adapters import AdapterFile, told_types
from onetrainer_web.model_files.embeddings import EmbeddingFile
from onetrainer_web.model_files.networks import ModelFile
from onetrainer_web.model_files.uses import uses_of_adapter, uses_of_model
from onetrainer_web.model_files.views import ModelInfo, PartInfo

_PICKLES = (b"PK\x03\x04", b"\x80")
"""How files begin that torch makes of Python's objects, new ones and old ones."""
_HASH = "modelspec.hash_sha256"
_BLOCK_BYTES = 2**22
_MAX_TAGS, _MAX_NAMES = 20, 2


class ModelFileNotFoundError(NotFoundError):
    """There is no such model file."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"There is no file or folder {path}. Correct the path.")


@dataclass(frozen=True)
class _Contents:
    """The tensors of a file, or of all files in a folder, as one."""

    headers: Mapping[Path, Header]
    tensors: Mapping[str, TensorFacts]
    metadata: Mapping[str, str]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(header.file_size for header in self.headers.values())


def describe(path: Path, name: str = "", *, checks_hash: bool = False, may_read: MayRead = everything) -> ModelInfo:
    """What a file or folder is, by the headers of its files; its weights are not read.

    Args:
        path: The file, or a folder in diffusers' layout or with the parts of one network.
        name: What it is called elsewhere, for places and prompts; its own name if left out.
        checks_hash: Whether the hash that the file may bear is held against its bytes, which reads all of it.
        may_read: Which files of a folder that are links may be read.

    Raises:
        ModelFileNotFoundError: There is nothing.
        InvalidRequestError: It is a folder without model files, or a file that cannot be opened.
    """
    if not path.exists():
        raise ModelFileNotFoundError(path)
    try:
        if path.is_file() and _is_pickle(path):
            return _pickle(path)
        return _described(path, Path(name or path.name).stem, checks_hash, may_read)
    except OSError as error:
        raise InvalidRequestError(f"{path} cannot be opened: {error.strerror or error}.") from error


def _described(path: Path, name: str, checks_hash: bool, may_read: MayRead) -> ModelInfo:
    try:
        contents = _read(path, may_read)
    except HeaderError as error:
        problems = [f"It is no safetensors file: {error.reason}."]
        return ModelInfo(
            name=path.name, kind=FileKind.UNKNOWN, title="Unknown", size=path.stat().st_size, problems=problems
        )
    info = _tell(path, name, contents)
    info.problems += [f"{file.name} {header.fault}." for file, header in contents.headers.items() if header.fault]
    if checks_hash and path.is_file() and not _has_its_hash(path, contents.headers[path]):
        info.problems.append("Its bytes are not those of which its hash was taken: it was changed or damaged.")
    return info


def _is_pickle(path: Path) -> bool:
    with reading(path, follow=True) as file:
        start = file.read(9)
    # The length of a header may begin alike; behind it stands JSON.
    return start.startswith(_PICKLES) and not start.endswith(b"{")


def _pickle(path: Path) -> ModelInfo:
    problem = (
        "It is a pickle, which can bring programs along, and was not opened. Use a .safetensors file of the model."
    )
    return ModelInfo(name=path.name, kind=FileKind.PICKLE, title="Pickle", size=path.stat().st_size, problems=[problem])


def _read(path: Path, may_read: MayRead) -> _Contents:
    files = [path] if path.is_file() else sorted(_model_files(path, may_read))
    if not files:
        raise InvalidRequestError(f"{path} holds no .safetensors file. Choose a model file, or the folder of a model.")
    headers = {file: read_header(file) for file in files}
    is_folder = index_of(path) is not None
    tensors = {
        f"{_prefix(file.parent.name) if is_folder else ''}{name}": found
        for file, header in headers.items()
        for name, found in header.tensors.items()
    }
    metadata = {key: value for header in headers.values() for key, value in header.metadata.items()}
    return _Contents(headers, tensors, metadata)


def _model_files(folder: Path, may_read: MayRead) -> Iterator[Path]:
    for file in (*folder.glob("*.safetensors"), *folder.glob("*/*.safetensors")):
        if stays(file, may_read):
            yield file


def _prefix(part: str) -> str:
    """What stands in front of the names of a part in a checkpoint, for a folder of diffusers."""
    if part.startswith("text_encoder"):
        return f"text_encoders.{part}."
    return {"unet": "diffusion_model.", "transformer": "diffusion_model.", "prior": "diffusion_model."}.get(
        part, "vae." if part.startswith(("vae", "vqgan")) else f"{part}."
    )


def _tell(path: Path, name: str, contents: _Contents) -> ModelInfo:
    told = told_types(contents.metadata) or types_of(contents.metadata)
    if adapter := adapters.recognise(contents.tensors, told):
        info = _adapter(path, name, adapter, contents)
    elif embedding := embeddings.recognise(contents.tensors, told):
        info = _embedding(path, name, embedding, contents)
    else:
        info = _model(path, name, networks.recognise(contents.tensors, told), contents)
    info.is_told = bool(set(told) & set(info.model_types))
    if told and not info.is_told:
        info.problems.append(f"Its metadata names {_names(told)}, which its tensors are not of.")
    bytes_of: Counter[str] = Counter()
    for found in contents.tensors.values():
        bytes_of[found.dtype] += found.num_bytes
    info.data_types = dict(bytes_of.most_common())
    info.num_tensors = len(contents.tensors)
    return _with_metadata(info, contents.metadata)


def _adapter(path: Path, name: str, found: AdapterFile, contents: _Contents) -> ModelInfo:
    numbers = [
        read_numbers(file, header, [name for name in found.alphas if name in header.tensors])
        for file, header in contents.headers.items()
    ]
    info = ModelInfo(
        name=path.name,
        kind=FileKind.ADAPTER,
        title=_title(found.kind, found.model_types),
        size=contents.size,
        model_types=list(found.model_types),
        models=_names(found.model_types),
        model_format=found.model_format,
        naming=label_of_value(found.model_format) if found.model_format else f"layers named as by {found.style}",
        ranks=list(found.ranks),
        alphas=sorted({round(alpha, 6) for own in numbers for alpha in own}),
        parts=[PartInfo(name=part, layers=dict(layers)) for part, layers in found.layers.items()],
        unknown=_unknown(found.unknown),
    )
    info.parts += [PartInfo(name=f"embedding {word}", layers={}) for word in found.bundled]
    if not found.model_types:
        info.problems.append("Most of its layers are of no model that is known here.")
    info.uses = list(uses_of_adapter(found, name, _first_prompt(contents.metadata)))
    return info


def _embedding(path: Path, name: str, found: EmbeddingFile, contents: _Contents) -> ModelInfo:
    trigger = contents.metadata.get("modelspec.trigger_phrase", found.placeholder)
    return ModelInfo(
        name=path.name,
        kind=FileKind.EMBEDDING,
        title=_title("Embedding", found.model_types),
        size=contents.size,
        model_types=found.model_types,
        models=_names(found.model_types),
        parts=[PartInfo(name=name, layers={}, vectors=number) for name, number in found.vectors.items()],
        trigger_words=trigger,
        uses=list(uses_of_model(FileKind.EMBEDDING, found.model_types, name, trigger)),
    )


_NAMERS = {"diffusers": "diffusers", "original": "its makers", "ComfyUI": "ComfyUI"}
_WORDS: Mapping[FileKind, str] = {
    FileKind.MODEL: "Whole model",
    FileKind.DENOISER: "Denoiser",
    FileKind.TEXT_ENCODER: "Text encoder",
    FileKind.AUTOENCODER: "Autoencoder",
    FileKind.FOLDER: "Whole model, folder of diffusers",
    FileKind.UNKNOWN: "Unknown",
}


def _model(path: Path, name: str, found: ModelFile, contents: _Contents) -> ModelInfo:
    kind = _kind_of(path, found)
    info = ModelInfo(
        name=path.name,
        kind=kind,
        title=_title(_WORDS[kind], found.model_types),
        size=contents.size,
        model_types=list(found.model_types),
        models=_names(found.model_types),
        naming=f"layers named as by {_NAMERS[found.naming]}" if found.naming else "",
        prediction=", ".join(found.markers),
        parts=[
            PartInfo(name=f"{part.part} ({part.name})" if part.name else part.part, layers=dict(part.layers))
            for part in found.networks
        ],
        unknown=_unknown(found.unknown),
        uses=list(uses_of_model(kind, found.model_types, name, "")),
    )
    if kind is FileKind.FOLDER:
        info.prediction = _prediction_of(path / "scheduler" / "scheduler_config.json")
    if found.is_scaled:
        info.naming = ", ".join(filter(None, [info.naming, "weights of one byte beside scales (scaled fp8)"]))
    return info


def _kind_of(path: Path, found: ModelFile) -> FileKind:
    parts = found.parts
    if index_of(path):
        return FileKind.FOLDER
    if "denoiser" in parts:
        return FileKind.MODEL if len(parts) > 1 else FileKind.DENOISER
    if parts == {"text encoder"}:
        return FileKind.TEXT_ENCODER
    return FileKind.AUTOENCODER if parts == {"autoencoder"} else FileKind.UNKNOWN


def _prediction_of(scheduler: Path) -> str:
    """What a folder's settings of the noise schedule say that its model predicts."""
    try:
        return str(load_json(scheduler).get("prediction_type", ""))
    except (OSError, InvalidConfigError):
        return ""


def _with_metadata(info: ModelInfo, metadata: Mapping[str, str]) -> ModelInfo:
    """What a file says of itself besides its model."""
    told = metadata.get("modelspec.prediction_type", "")
    return info.model_copy(
        update={
            "prediction": ", ".join(filter(None, [told, info.prediction])),
            "base_model": metadata.get(BASE_KEY) or metadata.get("ss_sd_model_name", ""),
            "given_title": metadata.get("modelspec.title") or metadata.get("ss_output_name", ""),
            "trigger_words": metadata.get("modelspec.trigger_phrase", info.trigger_words),
            "tags": _tags(metadata),
        }
    )


def _tags(metadata: Mapping[str, str]) -> list[str]:
    told = [tag.strip() for tag in metadata.get("modelspec.tags", "").split(",")]
    return list(filter(None, told)) or _commonest(metadata)


def _first_prompt(metadata: Mapping[str, str]) -> str:
    """What a file has learned for certain, else what it has seen most often."""
    return metadata.get("modelspec.trigger_phrase") or next(iter(_tags(metadata)), "")


def _commonest(metadata: Mapping[str, str]) -> list[str]:
    """The commonest tags by sd-scripts' count of them."""
    try:
        counts: Counter[str] = Counter()
        for own in json.loads(metadata.get("ss_tag_frequency", "{}")).values():
            counts.update({str(tag).strip(): int(number) for tag, number in own.items()})
    except (ValueError, TypeError, AttributeError, RecursionError):
        return []
    return [tag for tag, _ in counts.most_common(_MAX_TAGS)]


def _has_its_hash(path: Path, header: Header) -> bool:
    """Whether the bytes behind the header are those of its hash; also where it bears none."""
    told = header.metadata.get(_HASH, "").removeprefix("0x")
    if not told:
        return True
    digest = hashlib.sha256()
    with reading(path, follow=True) as file:
        file.seek(header.data_start)
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest() == told.lower()


def _unknown(keys: Sequence[str]) -> str:
    return f"{len(keys)} tensors ({count_kinds(keys)})" if keys else ""


def _names(model_types: Sequence[ModelType]) -> str:
    return " or ".join(dict.fromkeys(facts(name).label for name in model_types))


def _title(what: str, model_types: Sequence[ModelType]) -> str:
    if len(model_types) > _MAX_NAMES:
        return f"{what} of {facts(model_types[0]).label} or {len(model_types) - 1} like it"
    return f"{what} of {_names(model_types)}" if model_types else what
