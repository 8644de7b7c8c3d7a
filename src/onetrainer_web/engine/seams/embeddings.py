"""Embeddings: vectors of their own that stand for a placeholder in prompts, while the text encoders stay as they are.

Each text encoder has its own vectors. Input vectors take the place of word vectors; output vectors replace what the
encoder makes of them. The tokenizer reads a placeholder as tokens that exist nowhere else.
"""

import copy
import hashlib
import re
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from tokenizers import AddedToken
from torch import Tensor, nn
from torch.nn import Parameter

from onetrainer_web.config.embeddings import TrainEmbeddingConfig

_OLD_CLIP_END = 2
"""As the id of the last token, it makes CLIP look for the largest id instead, which would be one of ours."""


@dataclass
class Vectors:
    """The vectors of one embedding in one text encoder: (tokens, width)."""

    ids: Sequence[int]
    """Of its tokens."""
    inputs: Parameter
    outputs: Parameter | None = None
    """None leaves what the encoder makes of the inputs."""
    initial: dict[str, Tensor] = field(default_factory=dict[str, Tensor])
    """What they were before training."""

    def named(self) -> dict[str, Parameter]:
        """`inputs` and, if there are some, `outputs`."""
        return {"inputs": self.inputs} | ({} if self.outputs is None else {"outputs": self.outputs})


@dataclass
class Embedding:
    """One placeholder and what stands for it, by the part of each text encoder."""

    settings: TrainEmbeddingConfig
    vectors: dict[str, Vectors] = field(default_factory=dict[str, Vectors])

    def learning(self) -> dict[str, Parameter]:
        """The vectors that learn, by part; which text encoders take part is not said here."""
        if not self.settings.train:
            return {}
        is_output = self.settings.is_output_embedding
        found = {part: own.outputs if is_output else own.inputs for part, own in self.vectors.items()}
        return {part: vectors for part, vectors in found.items() if vectors is not None}


class PlaceholderTokenizer:
    """A tokenizer that reads placeholders as tokens of their own."""

    def __init__(self, tokenizer: Any, spellings: Mapping[str, str]) -> None:
        """Put `spellings`, by placeholder, in front of `tokenizer`, which has those tokens."""
        self._tokenizer = tokenizer
        self._spellings = {name.lower(): tokens for name, tokens in spellings.items()} | dict(spellings)
        longest_first = sorted(self._spellings, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first)))

    def __call__(self, text: str | Sequence[str], **options: Any) -> Any:
        """The tokens of a text, or of several."""
        return self._tokenizer(
            self._spell(text) if isinstance(text, str) else [self._spell(t) for t in text], **options
        )

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tokenizer, name)

    def _spell(self, text: str) -> str:
        return self._pattern.sub(lambda match: self._spellings[match.group()], text)


class Embeddings:
    """All embeddings of a model; none, to begin with."""

    def __init__(self) -> None:
        self.all: list[Embedding] = []
        self.norms: dict[str, float] = {}
        """The usual length of word vectors of each text encoder, where lengths are to be kept."""
        self._learning: list[tuple[str, Vectors, str]] = []
        self._plain_tokenizers: dict[str, Any] = {}

    @property
    def is_learning(self) -> bool:
        """Whether what prompts mean changes while training."""
        return bool(self._learning)

    @property
    def identity(self) -> str:
        """What the cache knows the vectors by."""
        digest = hashlib.sha256()
        for embedding in self.all:
            digest.update(embedding.settings.placeholder.encode())
            for own in embedding.vectors.values():
                for vectors in own.named().values():
                    digest.update(vectors.detach().float().cpu().contiguous().numpy().tobytes())
        return digest.hexdigest() if self.all else ""

    def let_learn(self, part: str, vectors: Vectors, kind: str) -> Parameter:
        """Let the `inputs` or `outputs` of a text encoder learn."""
        self._learning.append((part, vectors, kind))
        learning = vectors.named()[kind]
        learning.requires_grad_(True)
        return learning

    def add_tokens(self, components: dict[str, Any], name: str, numbers: Mapping[str, int]) -> dict[str, list[int]]:
        """Give a tokenizer tokens for placeholders.

        Args:
            components: Where its place is taken.
            name: Its component.
            numbers: How many tokens each placeholder has.

        Returns:
            The ids of the tokens by placeholder.
        """
        plain = self._plain_tokenizers.setdefault(name, components[name])
        tokenizer = copy.deepcopy(plain)
        spellings: dict[str, str] = {}
        ids: dict[str, list[int]] = {}
        for index, (placeholder, number) in enumerate(numbers.items()):
            tokens = [f"<|embedding-{index}-{place}|>" for place in range(number)]
            tokenizer.add_tokens([AddedToken(token, lstrip=True, normalized=False) for token in tokens])
            spellings[placeholder] = "".join(tokens)
            ids[placeholder] = tokenizer.convert_tokens_to_ids(tokens)
        components[name] = PlaceholderTokenizer(tokenizer, spellings)
        return ids

    @contextmanager
    def put_aside(self, components: dict[str, Any]) -> Generator[None]:
        """The tokenizers as they were, for writing a whole model."""
        ours = {name: components[name] for name in self._plain_tokenizers}
        components.update(self._plain_tokenizers)
        try:
            yield
        finally:
            components.update(ours)

    def place_outputs(self, part: str, tokens_BL: Tensor, conditions: dict[str, Tensor]) -> dict[str, Tensor]:
        """What a text encoder made of tokens, with output vectors in their places."""
        placed = dict(conditions)
        for own in (embedding.vectors[part] for embedding in self.all if part in embedding.vectors):
            for name, tensor in placed.items():
                if own.outputs is not None and tensor.ndim == 3 and tensor.shape[1] == tokens_BL.shape[1]:
                    placed[name] = _with_rows(tensor, tokens_BL.to(tensor.device), own.ids, own.outputs)
        return placed

    @torch.no_grad()
    def keep_norms(self) -> None:
        """Give vectors their usual length again, if that is asked for: of a word, or what they varied at the start."""
        for part, own, kind in self._learning if self.norms else ():
            vectors = own.named()[kind]
            if kind == "inputs":
                vectors.mul_(self.norms[part] / vectors.norm(dim=-1, keepdim=True))
            else:
                vectors.mul_(own.initial[kind].std(dim=-1, keepdim=True) / vectors.std(dim=-1, keepdim=True))

    @contextmanager
    def untrained(self) -> Generator[None]:
        """The vectors as they were before training."""
        learned = [(own.named()[kind], own.initial[kind]) for _, own, kind in self._learning]
        now = [vectors.data for vectors, _ in learned]
        for vectors, initial in learned:
            vectors.data = initial
        try:
            yield
        finally:
            for (vectors, _), data in zip(learned, now, strict=True):
                vectors.data = data


def read_as_words(network: Any, vectors: Sequence[Vectors], end_token: int | None) -> None:
    """Let a text encoder know the vectors of tokens that it has no word vectors for; its weights stay as they are.

    Args:
        network: The text encoder.
        vectors: Of all embeddings.
        end_token: Id of the token behind a prompt.
    """
    words = network.get_input_embeddings()
    modules: Iterator[Any] = network.modules()
    for module in modules:
        if isinstance(module, nn.Embedding) and module.weight is words.weight:
            _extend(module, vectors)
        if getattr(module, "eos_token_id", None) == _OLD_CLIP_END and end_token is not None:
            setattr(module, "eos_token_id", end_token)  # noqa: B010 - torch types attributes of modules


def _extend(table: Any, vectors: Sequence[Vectors]) -> None:
    known = table.forward

    def forward(tokens: Tensor) -> Tensor:
        ours = [token for own in vectors for token in own.ids]
        is_ours = torch.isin(tokens, torch.tensor(ours, device=tokens.device))
        found = known(tokens.masked_fill(is_ours, 0))
        for own in vectors:
            found = _with_rows(found, tokens, own.ids, own.inputs)
        return found

    table.forward = forward


def _with_rows(rows_BLD: Tensor, tokens_BL: Tensor, ids: Sequence[int], vectors: Tensor) -> Tensor:
    """Rows with those of some tokens replaced."""
    places = (tokens_BL[..., None] == torch.tensor(list(ids), device=tokens_BL.device)).to(rows_BLD.dtype)
    # Exactly one product of each sum is not zero, so that the vectors come out unchanged.
    ours = places @ vectors.to(rows_BLD.device, rows_BLD.dtype)
    return torch.where(places.any(-1, keepdim=True), ours, rows_BLD)
