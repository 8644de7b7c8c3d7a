"""Embeddings: which vectors learn, where they go, and what other programs make of their files."""

from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import StableDiffusionPipeline
from diffusers.pipelines.stable_diffusion_xl.pipeline_stable_diffusion_xl import StableDiffusionXLPipeline
from safetensors.torch import load_file, save_file
from tests.engine.conftest import Lab
from tests.engine.families.stable_diffusion_xl import CASES
from tests.engine.outcomes import assert_not_same, assert_same_picture, events, losses, pictures, result
from tests.engine.test_formats import DRAWING, SAMPLE, draw_here, draw_in_diffusers
from tests.engine.tiny_models import WIDTH
from torch import Tensor

from onetrainer_web.config.embeddings import TrainEmbeddingConfig
from onetrainer_web.config.enums import ModelFormat, ModelType
from onetrainer_web.config.recurring import Doing
from onetrainer_web.engine.families import family_of
from onetrainer_web.engine.runtime.errors import InvalidSettingError, WrongWeightsError
from onetrainer_web.engine.seams.embeddings import Embedding, Vectors
from onetrainer_web.engine.seams.interfaces import SaveTarget
from onetrainer_web.engine.weights.embeddings import bundled, read_embedding, write_embedding
from onetrainer_web.protocol.events import Warned, read_events

pytestmark = pytest.mark.slow

UUID = "11111111-2222-4333-8444-555555555555"
WORD = {"uuid": UUID, "placeholder": "<me>", "token_count": 2, "initial_embedding_text": "red"}
DRAWING_ME = {**DRAWING, "samples": [{**SAMPLE, "prompt": "a red <me> square"}]}
TRAINING: dict[str, Any] = {
    "training_method": "EMBEDDING",
    "output_model_format": "SAFETENSORS",
    "embedding": WORD,
    "embedding_learning_rate": 0.3,
    "epochs": 4,
}
LORA: dict[str, Any] = {
    "training_method": "LORA",
    "output_model_format": "DIFFUSERS_LORA",
    "additional_embeddings": [WORD],
    "embedding_learning_rate": 0.3,
    "learning_rate": 1e-2,
    "lora_alpha": 8,
    "text_encoder": {"train": True},
    "epochs": 4,
}


@pytest.fixture
def word_lab(lab: Lab) -> Lab:
    """A workspace in which every caption has the placeholder."""
    for caption in (lab.workspace / "datasets" / "squares").glob("*.txt"):
        caption.write_text(f"a <me> {caption.read_text()}")
    return lab


def draw_word(pipeline: Any, prompt: str = "a red <me> square") -> Any:
    """The sample with the placeholder in it, drawn by diffusers alone."""
    return draw_in_diffusers(pipeline, prompt=prompt)


def test_diffusers_draws_with_the_file(word_lab: Lab) -> None:
    folder = word_lab.train(**TRAINING, **DRAWING_ME)
    assert load_file(result(folder)).keys() == {"emb_params"}
    assert_not_same(pictures(folder)[0], pictures(folder)[-1])
    pipeline = StableDiffusionPipeline.from_pretrained(word_lab.model)
    pipeline.load_textual_inversion(str(result(folder)), token="<me>")
    assert_same_picture(pictures(folder)[-1], draw_word(pipeline))


def test_a_new_embedding_reads_as_its_initial_text(word_lab: Lab) -> None:
    word = {**WORD, "token_count": None, "initial_embedding_text": "red dog"}
    folder = word_lab.train(**{**TRAINING, "embedding": word}, **DRAWING_ME)
    pipeline = StableDiffusionPipeline.from_pretrained(word_lab.model)
    assert_same_picture(pictures(folder)[0], draw_word(pipeline, "a red red dog square"))


def test_each_text_encoder_of_xl_has_its_vectors(word_lab: Lab, tmp_path: Path) -> None:
    model = CASES[0].make(tmp_path / "xl")
    lab = Lab(word_lab.workspace, model, {"model_type": "STABLE_DIFFUSION_XL_10_BASE", "resolution": "64"})
    drawing: dict[str, Any] = {**DRAWING_ME, "samples": [{**DRAWING_ME["samples"][0], "width": 64, "height": 64}]}
    parts: dict[str, Any] = {"text_encoder": {"train": False}, "text_encoder_2": {"train": False}}
    folder = lab.train(**TRAINING, **drawing, **parts)
    tensors = load_file(result(folder))
    assert tensors.keys() == {"clip_l", "clip_g"}
    pipeline: Any = StableDiffusionXLPipeline.from_pretrained(model)
    for name, suffix in (("clip_l", ""), ("clip_g", "_2")):
        encoder, tokenizer = getattr(pipeline, f"text_encoder{suffix}"), getattr(pipeline, f"tokenizer{suffix}")
        pipeline.load_textual_inversion(tensors[name], token="<me>", text_encoder=encoder, tokenizer=tokenizer)
    assert_same_picture(pictures(folder)[-1], draw_in_diffusers(pipeline, prompt="a red <me> square", size=(64, 64)))
    fixed: dict[str, Any] = {**parts, "text_encoder_2": {"train": False, "train_embedding": False}}
    other = load_file(result(lab.train(**TRAINING, **fixed)))
    words = StableDiffusionXLPipeline.from_pretrained(model).text_encoder_2.get_input_embeddings().weight
    assert all((words == row).all(-1).any() for row in other["clip_g"])


def test_a_lora_brings_its_embeddings_along(word_lab: Lab) -> None:
    folder = word_lab.train(**LORA, **DRAWING_ME)
    tensors = load_file(result(folder))
    assert tensors["bundle_emb.<me>.clip_l"].shape[0] == 2
    assert_same_picture(
        pictures(folder)[-1], draw_here(word_lab, **{**LORA, **DRAWING_ME}, lora_model_name=str(result(folder)))
    )
    pipeline: Any = StableDiffusionPipeline.from_pretrained(word_lab.model)
    pipeline.load_lora_weights({key: own for key, own in tensors.items() if not key.startswith("bundle")})
    pipeline.load_textual_inversion(tensors["bundle_emb.<me>.clip_l"], token="<me>")
    assert_same_picture(pictures(folder)[-1], draw_word(pipeline))


def test_embeddings_can_stand_beside_the_lora(word_lab: Lab) -> None:
    file = result(word_lab.train(**LORA, bundle_additional_embeddings=False))
    assert not any(key.startswith("bundle") for key in load_file(file))
    assert load_file(file.with_name(f"{file.stem}_embeddings") / "me.safetensors").keys() == {"emb_params"}


def test_a_fine_tuned_model_is_saved_without_the_embeddings_and_they_beside_it(word_lab: Lab) -> None:
    settings = {**LORA, "training_method": "FINE_TUNE", "output_model_format": "DIFFUSERS", "learning_rate": 1e-3}
    folder = word_lab.train(**settings, **DRAWING_ME)
    pipeline = StableDiffusionPipeline.from_pretrained(result(folder))
    assert "embedding" not in "".join(pipeline.tokenizer.get_vocab())
    file = result(folder).with_name(f"{result(folder).stem}_embeddings") / "me.safetensors"
    pipeline.load_textual_inversion(str(file), token="<me>")
    assert_same_picture(pictures(folder)[-1], draw_word(pipeline))


def learned(folder: Any) -> Tensor:
    """The vectors that a run has saved."""
    return load_file(result(folder))["emb_params"]


def test_it_goes_on_from_a_file_or_a_backup(word_lab: Lab) -> None:
    first = word_lab.train(**TRAINING, backup_before_save=True)
    still = {**TRAINING, "embedding_learning_rate": 0, "epochs": 1}
    by_diffusers = word_lab.workspace / "diffusers.safetensors"
    save_file({"<me>": learned(first)}, by_diffusers)
    for place in (result(first), next(first.backups.iterdir()), by_diffusers):
        again = word_lab.train(**{**still, "embedding": {**WORD, "model_name": str(place)}})
        assert torch.equal(learned(again), learned(first))


@pytest.mark.parametrize(
    ("model_type", "file", "bundle", "others"),
    [
        (ModelType.STABLE_DIFFUSION_15, ["emb_params"], ["clip_l"], [["emp_params"], ["<cat>"], ["clip_l"]]),
        (ModelType.STABLE_DIFFUSION_21, ["emb_params"], ["clip_h"], [["emp_params"], ["clip_l"]]),
        (
            ModelType.STABLE_DIFFUSION_XL_10_BASE,
            ["clip_l", "clip_g"],
            ["clip_l", "clip_g"],
            [["text_encoders_0", "text_encoders_1"]],
        ),
        (ModelType.STABLE_DIFFUSION_35, ["clip_l", "clip_g", "t5xxl"], ["clip_l", "clip_g", "t5xxl"], []),
        (ModelType.FLUX_DEV_1, ["clip_l", "t5xxl"], ["clip_l", "t5xxl"], [["clip_l", "t5"]]),
        (ModelType.CHROMA_1, ["t5xxl"], ["t5xxl"], [["t5"], ["<cat>"]]),
    ],
)
def test_vectors_have_the_names_that_programs_look_for_and_are_read_by_others(
    model_type: ModelType, file: list[str], bundle: list[str], others: list[list[str]], tmp_path: Path
) -> None:
    # ComfyUI: comfy/sd1_clip.py load_embed, by the keys of its text encoders; InvokeAI: textual_inversion.py
    family, path = family_of(model_type), tmp_path / "embedding.safetensors"
    vectors = {
        encoder.name: Vectors([1, 2], torch.nn.Parameter(torch.full((2, 4), float(number))))
        for number, encoder in enumerate(family.text_encoders)
    }
    embedding = Embedding(TrainEmbeddingConfig(placeholder="<cat>"), vectors)
    write_embedding(SaveTarget(path, ModelFormat.SAFETENSORS, None, {}), embedding, family)
    written = load_file(path)
    assert written.keys() == set(file)
    assert list(bundled([embedding], family, None)) == [f"bundle_emb.<cat>.{name}" for name in bundle]
    for names in [file, *others]:
        save_file({other: written[name] for other, name in zip(names, file, strict=True)}, path)
        read = read_embedding(path, "none", family)
        assert all(torch.equal(read[part, "inputs"], own.inputs) for part, own in vectors.items()), names


def test_files_that_are_no_embedding_of_the_model_are_refused(word_lab: Lab) -> None:
    wrong = word_lab.workspace / "wrong.safetensors"
    save_file({"emb_params": torch.zeros(2, 5)}, wrong)
    with pytest.raises(WrongWeightsError, match="5 numbers"):
        word_lab.train(**{**TRAINING, "embedding": {**WORD, "model_name": str(wrong)}})
    save_file({"a": torch.zeros(2), "b": torch.zeros(2)}, wrong)
    with pytest.raises(WrongWeightsError, match="'a'"):
        word_lab.train(**{**TRAINING, "embedding": {**WORD, "model_name": str(wrong)}})


def test_vectors_that_a_run_does_not_use_and_those_that_a_file_lacks_are_named(word_lab: Lab) -> None:
    start = word_lab.workspace / "start.safetensors"
    save_file(
        {"clip_l": torch.zeros(2, WIDTH), "clip_g": torch.zeros(2, 8), "clip_l_out": torch.zeros(2, WIDTH)}, start
    )
    folder = word_lab.train(**{**TRAINING, "epochs": 1, "embedding": {**WORD, "model_name": str(start)}})
    said = [event.message for event in read_events(folder.events) if isinstance(event, Warned)]
    assert [("inputs of clip_g" in note, "outputs of text_encoder" in note, "lack" in note) for note in said] == [
        (True, True, True)
    ]
    save_file({"clip_l_out": torch.zeros(2, WIDTH)}, start)
    word = {**WORD, "model_name": str(start), "is_output_embedding": True}
    folder = word_lab.train(**{**TRAINING, "epochs": 1, "embedding": word})
    (said,) = [event.message for event in read_events(folder.events) if isinstance(event, Warned)]
    assert "no vectors for the inputs of text_encoder: they start anew" in said


def test_embeddings_whose_names_look_alike_have_files_of_their_own(word_lab: Lab) -> None:
    long = "a very long placeholder of an embedding"
    names = ["<cat>", "cat?", "CAT", f"{long} 1", f"{long} 2", "?!"]
    words = [{"placeholder": name, "token_count": 1, "uuid": f"{number}"} for number, name in enumerate(names)]
    settings = {**LORA, "additional_embeddings": words, "bundle_additional_embeddings": False, "epochs": 1}
    file = result(word_lab.train(**settings))
    found = {path.stem for path in file.with_name(f"{file.stem}_embeddings").iterdir()}
    assert found == {"cat", "cat 2", "CAT 3", long[:32].strip(), f"{long[:32].strip()} 2", "5"}
    with pytest.raises(InvalidSettingError, match="uuid"):
        word_lab.train(**{**settings, "additional_embeddings": [{**word, "uuid": "Same"} for word in words]})


def test_two_embeddings_with_one_placeholder_are_refused(word_lab: Lab) -> None:
    with pytest.raises(InvalidSettingError, match="placeholder"):
        word_lab.train(**TRAINING, additional_embeddings=[WORD])


def test_an_embedding_that_does_not_train_stays_and_its_prompts_are_cached(word_lab: Lab) -> None:
    word = {**WORD, "train": False}
    settings = {**LORA, "additional_embeddings": [word], "text_encoder": {"train": False}}
    folder = word_lab.train(**settings)
    found = load_file(result(folder))["bundle_emb.<me>.clip_l"]
    words = StableDiffusionPipeline.from_pretrained(word_lab.model).text_encoder.get_input_embeddings().weight
    assert all((words == row).all(-1).any() for row in found)
    texts = {event.doing for event in events(folder) if event.type == "activity"}
    assert Doing.ENCODING_PROMPTS in texts
    other = {**word, "initial_embedding_text": "blue"}
    again = word_lab.train(**{**settings, "additional_embeddings": [other]})
    assert Doing.ENCODING_PROMPTS in {event.doing for event in events(again) if event.type == "activity"}
    live = word_lab.train(**{**settings, "additional_embeddings": [WORD]})
    assert Doing.ENCODING_PROMPTS not in {event.doing for event in events(live) if event.type == "activity"}


def test_vectors_keep_the_length_of_words(word_lab: Lab) -> None:
    found = learned(word_lab.train(**TRAINING, preserve_embedding_norm=True))
    words = StableDiffusionPipeline.from_pretrained(word_lab.model).text_encoder.get_input_embeddings().weight
    assert torch.allclose(found.norm(dim=-1), words.norm(dim=-1).median().expand(2))
    assert not torch.allclose(found.norm(dim=-1), learned(word_lab.train(**TRAINING)).norm(dim=-1))


def test_an_embedding_stops_at_its_own_limit(word_lab: Lab) -> None:
    limited = {**WORD, "stop_training_after": 1, "stop_training_after_unit": "EPOCH"}
    whole = word_lab.train(**{**LORA, "additional_embeddings": [limited]})
    short = word_lab.train(**{**LORA, "epochs": 1})
    key = "bundle_emb.<me>.clip_l"
    assert len(losses(whole)) > len(losses(short))
    assert torch.equal(load_file(result(whole))[key], load_file(result(short))[key])


def test_output_embeddings_replace_what_the_encoder_makes(word_lab: Lab) -> None:
    word = {**WORD, "is_output_embedding": True}
    folder = word_lab.train(**{**TRAINING, "embedding": word}, **DRAWING_ME, preserve_embedding_norm=True)
    tensors = load_file(result(folder))
    assert tensors.keys() == {"emb_params", "emb_params_out"}
    pipeline: Any = StableDiffusionPipeline.from_pretrained(word_lab.model)
    pipeline.load_textual_inversion(tensors["emb_params"], token="<me>")
    tokens = pipeline.tokenizer(
        pipeline.maybe_convert_prompt("a red <me> square", pipeline.tokenizer),
        padding="max_length",
        return_tensors="pt",
    ).input_ids
    made = pipeline.text_encoder(tokens).last_hidden_state.detach()
    start = int((tokens[0] >= pipeline.tokenizer.convert_tokens_to_ids("<me>")).nonzero()[0])
    made[0, start : start + 2] = tensors["emb_params_out"]
    drawn = draw_in_diffusers(pipeline, prompt=None, prompt_embeds=made)
    assert_same_picture(pictures(folder)[-1], drawn)
    again = {**TRAINING, "embedding": {**word, "model_name": str(result(folder))}, "embedding_learning_rate": 0}
    assert torch.equal(load_file(result(word_lab.train(**again)))["emb_params_out"], tensors["emb_params_out"])


def test_the_untrained_model_reads_the_vectors_as_they_were(word_lab: Lab) -> None:
    word_lab.add_pictures("known", 4)
    for caption in (word_lab.workspace / "datasets" / "known").glob("*.txt"):
        caption.write_text("a <me>")
    prior = [{"path": "datasets/known", "type": "PRIOR_PREDICTION"}]
    optimizer = {"optimizer": "SGD"}
    settings = {**LORA, "learning_rate": 0, "concepts": prior, "optimizer": optimizer, "text_encoder": {"train": False}}
    at_start = losses(word_lab.train(**settings))
    assert max(at_start) == 0.0
    trained = result(word_lab.train(**LORA))
    moved = losses(word_lab.train(**settings, lora_model_name=str(trained)))
    assert max(moved) > 0.0
