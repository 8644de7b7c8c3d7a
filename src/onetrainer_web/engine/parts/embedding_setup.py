"""Which embeddings a run has, what they start from, and how they become part of a model."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter

from onetrainer_web.config.embeddings import TrainEmbeddingConfig
from onetrainer_web.config.enums import TrainingMethod
from onetrainer_web.config.families import facts
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.engine.runtime.errors import UnsupportedSettingError, WrongWeightsError
from onetrainer_web.engine.seams.embeddings import Embedding, Embeddings, Vectors, read_as_words
from onetrainer_web.engine.seams.interfaces import Family, Limit, Model, ParameterGroup, TextEncoderPart
from onetrainer_web.engine.seams.precision import torch_dtype
from onetrainer_web.engine.weights.embeddings import StoredVectors, read_embedding, read_from_backup

FILLING = "*"
"""Words of the initial text are filled up with it."""


def wanted_embeddings(config: TrainConfig) -> list[TrainEmbeddingConfig]:
    """The embedding of the method EMBEDDING first, then the additional ones.

    Raises:
        UnsupportedSettingError: The model has no text encoder for which there are embeddings.
    """
    is_method = config.training_method is TrainingMethod.EMBEDDING
    wanted = [*([config.embedding] if is_method else []), *config.additional_embeddings]
    if wanted and TrainingMethod.EMBEDDING not in facts(config.model_type).methods:
        raise UnsupportedSettingError("additional_embeddings" if config.additional_embeddings else "embedding", "set")
    return wanted


def add_embeddings(
    family: Family, model: Model, config: TrainConfig, resolve: Callable[[str], Path], backup: Path | None
) -> list[ParameterGroup]:
    """Make the configuration's embeddings part of a model, before prompts are encoded.

    Args:
        family: Of the model.
        model: Gets the embeddings; the weights of its text encoders do not change.
        config: Says which.
        resolve: Makes a path of the configuration absolute.
        backup: Where their vectors lie; None starts from files and texts.

    Returns:
        The vectors that learn.

    Raises:
        WrongWeightsError: A file holds no embedding of this model.
        UnsupportedSettingError: The model knows no embeddings.
    """
    wanted = wanted_embeddings(config)
    encoders = model.text_encoders(family)
    if not wanted or not encoders:
        return []
    embeddings = model.embeddings = Embeddings()
    embeddings.all = [Embedding(settings) for settings in wanted]
    files = [_stored(settings, config, family, resolve) for settings in wanted]
    for encoder in encoders:
        _add_inputs(model, encoder, config, files)
    _add_outputs(family, model, config, files)
    model.notes += [note for word, file in zip(embeddings.all, files, strict=True) for note in _unlike(word, file)]
    if backup:
        _take_backup(embeddings, backup)
    if config.preserve_embedding_norm:
        embeddings.norms = {encoder.name: _usual_norm(model.module(encoder.name)) for encoder in encoders}
    return _groups(family, model, config)


def _stored(
    settings: TrainEmbeddingConfig, config: TrainConfig, family: Family, resolve: Callable[[str], Path]
) -> StoredVectors:
    """What an embedding starts from, if it starts from a file: its own, or one in which a LoRA has brought it along."""
    if settings.model_name:
        return read_embedding(resolve(settings.model_name), settings.uuid, family)
    if config.lora_model_name and config.training_method is TrainingMethod.LORA:
        return read_embedding(resolve(config.lora_model_name), settings.uuid, family, bundled=settings.placeholder)
    return {}


def _unlike(embedding: Embedding, file: StoredVectors) -> Iterator[str]:
    """What a file holds and the run does not use, and the other way round."""
    used = {(part, kind) for part, own in embedding.vectors.items() for kind in own.named()} if file else set()
    name, held = embedding.settings.placeholder, set(file)
    if unused := _in_words(held - used):
        yield f"The file of the embedding {name} holds {unused}, which this run does not use and its result will lack."
    if missing := _in_words(used - held):
        yield f"The file of the embedding {name} holds no {missing}: they start anew."


def _in_words(vectors: Iterable[tuple[str, str]]) -> str:
    return ", ".join(f"vectors for the {kind} of {part}" for part, kind in sorted(vectors))


def _add_inputs(model: Model, encoder: TextEncoderPart, config: TrainConfig, files: list[StoredVectors]) -> None:
    """Give one text encoder and its tokenizer the vectors of all embeddings."""
    embeddings, device = model.embeddings, model.precision.device
    network, tokenizer = model.module(encoder.name), model.components[encoder.tokenizer]
    dtype = torch_dtype("embedding_weight_dtype", config.embedding_weight_dtype)
    starts: dict[str, Parameter] = {}
    for embedding, file in zip(embeddings.all, files, strict=True):
        settings = embedding.settings
        usual = _word_vectors(network, tokenizer, settings)
        start = file.get((encoder.name, "inputs"), usual)
        if start.shape[1] != usual.shape[1]:
            expected = f"{usual.shape[1]} for the {encoder.name}"
            raise WrongWeightsError(Path(settings.model_name), f"vectors of {start.shape[1]} numbers", expected)
        starts[settings.placeholder] = _parameter(start, dtype, device)
    counts = {placeholder: len(start) for placeholder, start in starts.items()}
    ids = embeddings.add_tokens(model.components, encoder.tokenizer, counts)
    for embedding in embeddings.all:
        placeholder = embedding.settings.placeholder
        own = Vectors(ids[placeholder], starts[placeholder])
        own.initial["inputs"] = own.inputs.detach().clone()
        embedding.vectors[encoder.name] = own
    vectors = [embedding.vectors[encoder.name] for embedding in embeddings.all]
    read_as_words(network, vectors, tokenizer.eos_token_id)


def _word_vectors(network: Any, tokenizer: Any, settings: TrainEmbeddingConfig) -> Tensor:
    """The word vectors of the initial text, filled up or cut off to as many as are wanted."""
    ids = tokenizer(settings.initial_embedding_text, add_special_tokens=False).input_ids
    filling = tokenizer(FILLING, add_special_tokens=False).input_ids[-1:]
    number = settings.token_count or max(len(ids), 1)
    chosen = (list(ids) + list(filling) * number)[:number]
    return network.get_input_embeddings().weight.detach()[chosen].clone()


@torch.no_grad()
def _add_outputs(family: Family, model: Model, config: TrainConfig, files: list[StoredVectors]) -> None:
    """Output vectors start as what the encoder makes of the input vectors."""
    dtype = torch_dtype("embedding_weight_dtype", config.embedding_weight_dtype)
    for embedding, file in zip(model.embeddings.all, files, strict=True):
        if not embedding.settings.is_output_embedding:
            continue
        for part, tokens in family.tokenize(model, [embedding.settings.placeholder]).items():
            own = embedding.vectors.get(part)
            made = family.encode_tokens(model, part, tokens, family.layer_skip(config, part))
            rows = next((t for t in made.values() if t.ndim == 3 and t.shape[1] == tokens.shape[1]), None)
            if own is None or rows is None:
                continue
            places = torch.isin(tokens[0], torch.tensor(list(own.ids)))
            start = file.get((part, "outputs"), rows[0][places.to(rows.device)])
            own.outputs = _parameter(start, dtype, model.precision.device)
            own.initial["outputs"] = own.outputs.detach().clone()


def _parameter(start: Tensor, dtype: torch.dtype, device: torch.device) -> Parameter:
    return Parameter(start.detach().to(device, dtype).clone(), requires_grad=False)


@torch.no_grad()
def _take_backup(embeddings: Embeddings, backup: Path) -> None:
    for embedding in embeddings.all:
        stored = read_from_backup(backup, embedding.settings.uuid)
        for part, own in embedding.vectors.items():
            for kind, vectors in own.named().items():
                vectors.copy_(stored[part, kind])


def _usual_norm(network: Any) -> float:
    return float(network.get_input_embeddings().weight.detach().float().norm(dim=-1).median())


def _groups(family: Family, model: Model, config: TrainConfig) -> list[ParameterGroup]:
    rate = config.learning_rate if config.embedding_learning_rate is None else config.embedding_learning_rate
    parts = [encoder.name for encoder in family.text_encoders]
    groups: list[ParameterGroup] = []
    for embedding in model.embeddings.all:
        settings = embedding.settings
        for part in embedding.learning():
            if not family.part_config(config, part).train_embedding:
                continue
            kind = "outputs" if settings.is_output_embedding else "inputs"
            learned = model.embeddings.let_learn(part, embedding.vectors[part], kind)
            number = f"_{parts.index(part) + 1}" if len(parts) > 1 else ""
            groups.append(
                ParameterGroup(
                    f"embeddings{number}/{settings.placeholder}",
                    None,
                    rate,
                    {f"{settings.uuid}.{part}.{kind}": learned},
                    Limit(settings.stop_training_after, settings.stop_training_after_unit),
                )
            )
    return groups
