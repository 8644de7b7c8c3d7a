"""The distance between samples and the pictures they should look like."""

import pytest
from PIL import Image
from tests.engine.measure import mean_distance, picture_distance

from onetrainer_web.tiny.pictures import held_out_pictures


def _plain(colour: tuple[int, int, int]) -> Image.Image:
    return Image.new("RGB", (64, 64), colour)


def test_equal_pictures_have_no_distance() -> None:
    assert picture_distance(_plain((9, 8, 7)), _plain((9, 8, 7))) == 0


def test_the_distance_is_the_root_mean_square_of_the_colour_difference() -> None:
    assert picture_distance(_plain((0, 0, 0)), _plain((30, 30, 30))) == pytest.approx(30)
    assert picture_distance(_plain((0, 0, 0)), _plain((30, 0, 0))) == pytest.approx((30**2 / 3) ** 0.5)


def test_a_picture_of_another_size_is_compared_all_the_same() -> None:
    assert picture_distance(_plain((1, 2, 3)), _plain((1, 2, 3)).resize((128, 128))) == 0


def test_pictures_of_the_concept_are_nearer_than_plain_backgrounds() -> None:
    wanted = [picture.image for picture in held_out_pictures("demo_lora", 8)]
    moved = [image.transform(image.size, Image.Transform.AFFINE, (1, 0, 1, 0, 1, 0)) for image in wanted]
    corners = [image.crop((0, 0, 2, 2)).resize((64, 64)) for image in wanted]

    assert mean_distance(moved, wanted) < mean_distance(corners, wanted) / 2


def test_measuring_nothing_is_an_error() -> None:
    with pytest.raises(ValueError, match="no samples"):
        mean_distance([], [])
