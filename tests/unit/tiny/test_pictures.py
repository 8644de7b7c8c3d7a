"""The drawn pictures: the same for the same seed, captioned truly, and the demos' own."""

import random
from pathlib import Path

import pytest
from PIL import Image
from scripts.tiny_model.varied_pictures import draw_varied_picture

from onetrainer_web.tiny.pictures import (
    BACKGROUND_COLOURS,
    COLOURS,
    DEMO_CONCEPT_PICTURE_COUNT,
    DEMO_CONCEPTS,
    DEMO_NAMES,
    draw_picture,
    held_out_pictures,
    write_demo_pictures,
)
from onetrainer_web.tiny.shapes import SHAPES


def test_the_same_seed_draws_the_same_picture_with_the_same_caption() -> None:
    first, again, other = (draw_picture(random.Random(seed)) for seed in (5, 5, 6))

    assert first.caption == again.caption
    assert first.image.tobytes() == again.image.tobytes()
    assert first.image.tobytes() != other.image.tobytes()


def test_every_picture_is_64_pixels_square_and_has_a_caption() -> None:
    source = random.Random(1)

    for _ in range(200):
        image, caption = draw_picture(source)
        assert (image.size, image.mode) == ((64, 64), "RGB")
        assert caption


def test_the_corner_has_the_colour_that_the_caption_names() -> None:
    source = random.Random(2)
    checked = 0
    for _ in range(200):
        image, caption = draw_picture(source)
        background = next((name for name in BACKGROUND_COLOURS if f"{name} background" in caption), None)
        if background is not None:
            corner = image.getpixel((0, 0))
            assert isinstance(corner, tuple)
            assert max(abs(a - b) for a, b in zip(corner, COLOURS[background], strict=True)) <= 10
            checked += 1

    assert checked > 150


def test_varied_pictures_are_the_same_for_the_same_seed() -> None:
    first, again = ([draw_varied_picture(source) for _ in range(60)] for source in (random.Random(3), random.Random(3)))

    assert [image.tobytes() for image in first] == [image.tobytes() for image in again]
    assert {(image.size, image.mode) for image in first} == {((64, 64), "RGB")}


@pytest.mark.parametrize("name", DEMO_NAMES)
def test_demo_pictures_lie_beside_their_captions_and_are_always_the_same(name: str, tmp_path: Path) -> None:
    paths = write_demo_pictures(tmp_path / "one", name)
    again = write_demo_pictures(tmp_path / "two", name)

    assert [path.read_bytes() for path in paths] == [path.read_bytes() for path in again]
    captions = [path.with_suffix(".txt").read_text(encoding="utf-8") for path in paths]
    assert sum(DEMO_CONCEPTS[name].trigger_word in caption for caption in captions) == DEMO_CONCEPT_PICTURE_COUNT
    assert all(any(shape in caption for caption in captions) for shape in SHAPES)
    for path in paths:
        with Image.open(path) as image:
            assert image.size == (64, 64)


@pytest.mark.parametrize("name", DEMO_NAMES)
def test_held_out_pictures_are_none_of_those_trained_on(name: str, tmp_path: Path) -> None:
    trained_on = set()
    for path in write_demo_pictures(tmp_path, name):
        with Image.open(path) as image:
            trained_on.add(image.tobytes())

    held_out = held_out_pictures(name)

    assert held_out[0].caption == held_out_pictures(name, 1)[0].caption
    assert trained_on.isdisjoint({picture.image.tobytes() for picture in held_out})


def test_the_base_model_never_saw_the_trigger_words() -> None:
    source = random.Random(4)
    captions = " ".join(draw_picture(source).caption for _ in range(2000)).split()

    assert {concept.trigger_word for concept in DEMO_CONCEPTS.values()}.isdisjoint(captions)
