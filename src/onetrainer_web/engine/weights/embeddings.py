"""Embedding files: the names that OneTrainer, ComfyUI, A1111 and diffusers give to vectors, in and out."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import Tensor

from onetrainer_web.config.embeddings import TrainEmbeddingConfig
from onetrainer_web.config.tensor_names import ALONE, BUNDLE, OTHER_VECTOR_NAMES, OUTPUT_VECTORS
from onetrainer_web.engine.runtime.errors import BackupError, WrongWeightsError
from onetrainer_web.engine.runtime.paths import safe_prompt
from onetrainer_web.engine.seams.embeddings import Embedding
from onetrainer_web.engine.seams.interfaces import Family, SaveTarget, TextEncoderPart
from onetrainer_web.engine.weights.files import write_tensors

StoredVectors = Mapping[tuple[str, str], Tensor]
"""Vectors by part of a text encoder and kind: `inputs` or `outputs`."""


def write_embedding(target: SaveTarget, embedding: Embedding, family: Family) -> None:
    """Write one embedding as a file of its own."""
    write_tensors(target.path, _named(embedding, family, target.dtype), target.metadata, target.writer)


def write_beside(target: SaveTarget, embeddings: list[Embedding], family: Family) -> None:
    """Write embeddings into a folder beside a saved model, each under its placeholder."""
    folder = target.path.with_name(f"{target.path.stem}_embeddings")
    names = _file_names([embedding.settings for embedding in embeddings])
    for name, embedding in zip(names, embeddings, strict=True):
        write_embedding(replace(target, path=folder / f"{name}.safetensors"), embedding, family)


def _file_names(all_settings: Sequence[TrainEmbeddingConfig]) -> list[str]:
    """A name for each file, from the placeholders; those that file systems take for one are numbered."""
    names: list[str] = []
    for settings in all_settings:
        start = safe_prompt(settings.placeholder) or settings.uuid
        taken = {name.casefold() for name in names}
        tries = (start if number == 1 else f"{start} {number}" for number in count(1))
        names.append(next(name for name in tries if name.casefold() not in taken))
    return names


def bundled(embeddings: list[Embedding], family: Family, dtype: torch.dtype | None) -> dict[str, Tensor]:
    """Embeddings as a part of an adapter file."""
    return {
        f"{BUNDLE}.{embedding.settings.placeholder}.{name}": tensor
        for embedding in embeddings
        for name, tensor in _named(embedding, family, dtype, is_bundled=True).items()
    }


def bundled_by_others(path: Path, embeddings: list[Embedding]) -> dict[str, Tensor]:
    """The embeddings in an adapter file that are none of this run, as they stand there.

    Raises:
        WrongWeightsError: The file cannot be read.
    """
    own = tuple(f"{BUNDLE}.{embedding.settings.placeholder}." for embedding in embeddings)
    try:
        with safe_open(path, "pt") as file:
            names = [name for name in file.keys() if name.startswith(f"{BUNDLE}.") and not name.startswith(own)]  # noqa: SIM118 - no mapping
            return {name: file.get_tensor(name) for name in names}
    except (OSError, SafetensorError) as error:
        raise WrongWeightsError(path, f"no readable safetensors ({error})", "an adapter file") from error


def write_to_backup(backup: Path, embeddings: list[Embedding]) -> None:
    """Write embeddings into a backup, unchanged in type."""
    for embedding in embeddings:
        tensors = {
            f"{part}.{kind}": vectors
            for part, own in embedding.vectors.items()
            for kind, vectors in own.named().items()
        }
        write_tensors(_in_backup(backup, embedding.settings.uuid), tensors, {"format": "pt"})


def read_from_backup(backup: Path, uuid: str) -> StoredVectors:
    """The vectors of an embedding out of a backup.

    Raises:
        BackupError: It holds no such embedding.
    """
    try:
        tensors = load_file(_in_backup(backup, uuid))
    except (OSError, SafetensorError) as error:
        raise BackupError(f"{backup} holds no embedding {uuid}: {error}") from error
    return {(name.rpartition(".")[0], name.rpartition(".")[2]): tensor for name, tensor in tensors.items()}


def read_embedding(path: Path, uuid: str, family: Family, bundled: str | None = None) -> StoredVectors:
    """The vectors in a file, or in a backup.

    Args:
        path: A safetensors file or the folder of a backup.
        uuid: Of the embedding, which a backup knows it by; one that is alone there is taken in any case.
        family: Knows the text encoders.
        bundled: The placeholder to look for in an adapter file; nothing is found when it brings none along.

    Raises:
        WrongWeightsError: It is no embedding of this model.
    """
    if path.is_dir():
        return _read_by_hand(path, uuid)
    try:
        tensors = load_file(path)
    except (OSError, SafetensorError) as error:
        raise WrongWeightsError(path, f"no readable safetensors ({error})", "an embedding file") from error
    if bundled is not None:
        start = f"{BUNDLE}.{bundled}."
        own = {name.removeprefix(start): tensor for name, tensor in tensors.items() if name.startswith(start)}
        # A point would belong to a longer placeholder that begins like this one.
        tensors = {name: tensor for name, tensor in own.items() if "." not in name}
    found = _recognised(tensors, family)
    is_of_model = any(encoder.name == part for encoder in family.text_encoders for part, _ in found)
    if not is_of_model and bundled is None:
        first = next(iter(tensors), "nothing")
        raise WrongWeightsError(path, f"vectors such as {first!r}", f"an embedding of {family.architecture}")
    return found


def _recognised(tensors: Mapping[str, Tensor], family: Family) -> StoredVectors:
    """Vectors by the parts of the model; those of other text encoders stand under their own names."""
    parts = {name: encoder.name for encoder in family.text_encoders for name in _names(encoder, family)}
    # The scripts of diffusers number them.
    parts |= {f"text_encoders_{number}": encoder.name for number, encoder in enumerate(family.text_encoders)}
    # Diffusers names the vectors by their placeholder.
    only = family.text_encoders[0].name if len(tensors) == len(family.text_encoders) == 1 else None
    found: dict[tuple[str, str], Tensor] = {}
    for name, tensor in tensors.items():
        plain = name.removesuffix(OUTPUT_VECTORS)
        part = parts.get(OTHER_VECTOR_NAMES.get(plain, plain), only)
        if part or tensor.ndim <= 2:  # else vectors of a text encoder that the model does not have
            found[part or plain, "inputs" if plain == name else "outputs"] = _rows(tensor)
    return found


def _rows(tensor: Tensor) -> Tensor:
    return tensor[None] if tensor.ndim == 1 else tensor


def _read_by_hand(backup: Path, uuid: str) -> StoredVectors:
    files = sorted((backup / "embeddings").glob("*.safetensors"))
    if not _in_backup(backup, uuid).is_file() and len(files) != 1:
        raise WrongWeightsError(backup, f"{len(files)} embeddings", f"a backup with the embedding {uuid}")
    return read_from_backup(backup, uuid if _in_backup(backup, uuid).is_file() else files[0].stem)


def _in_backup(backup: Path, uuid: str) -> Path:
    return backup / "embeddings" / f"{Path(uuid).name}.safetensors"


def _named(
    embedding: Embedding, family: Family, dtype: torch.dtype | None, *, is_bundled: bool = False
) -> dict[str, Tensor]:
    tensors: dict[str, Tensor] = {}
    for encoder in family.text_encoders:
        own = embedding.vectors.get(encoder.name)
        name = _names(encoder, family)[0 if not is_bundled else -1]
        for kind, vectors in own.named().items() if own else ():
            tensors[name if kind == "inputs" else f"{name}{OUTPUT_VECTORS}"] = vectors.detach().to(
                dtype or vectors.dtype
            )
    return tensors


def _names(encoder: TextEncoderPart, family: Family) -> list[str]:
    """What the vectors of an encoder are called: the name in files of their own first, the one in bundles last."""
    is_alone = len(family.text_encoders) == 1 and encoder.comfy.startswith("clip")
    of_all_clips = ["clip_l"] if encoder.comfy == "clip_h" else []  # as OneTrainer calls that of Stable Diffusion 2
    return [*([ALONE] if is_alone else []), *of_all_clips, encoder.comfy]
