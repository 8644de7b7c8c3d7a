"""Crops and variations of pictures."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageStat

from onetrainer_web.config.concepts import ConceptImageConfig
from onetrainer_web.dataset.augment import PictureView, centred_view, choose_view, choose_window, place, render
from onetrainer_web.dataset.sizes import Size

SQUARE = Size(64, 64)
STILL = {"enable_crop_jitter": False}


def image_config(**settings: object) -> ConceptImageConfig:
    return ConceptImageConfig.model_validate(STILL | settings)


def view_of(settings: ConceptImageConfig, seed: int = 0, size: Size = SQUARE) -> PictureView:
    return choose_view(size, SQUARE, settings, random.Random(seed))


def gradient(size: Size) -> Image.Image:
    """Red grows to the right, green to the bottom."""
    red = Image.linear_gradient("L").transpose(Image.Transpose.ROTATE_90).resize(size)
    green = Image.linear_gradient("L").resize(size)
    return Image.merge("RGB", (red, green, Image.new("L", size, 60)))


def difference(a: Image.Image, b: Image.Image) -> float:
    """Mean absolute difference of the levels, 0 to 255."""
    means = ImageStat.Stat(ImageChops.difference(a, b)).mean
    return sum(means) / len(means)


@given(st.integers(1, 5000), st.integers(1, 5000), st.integers(0, 2**32))
def test_a_crop_lies_within_the_scaled_picture(width: int, height: int, seed: int) -> None:
    target = Size(96, 64)
    view = choose_view(Size(width, height), target, ConceptImageConfig(), random.Random(seed))
    assert 0 <= view.left <= view.scaled.width - target.width
    assert 0 <= view.top <= view.scaled.height - target.height


def test_jitter_reaches_both_ends_and_is_the_default() -> None:
    lefts = {view_of(ConceptImageConfig(), seed, Size(66, 64)).left for seed in range(50)}
    assert lefts == {0, 1, 2}


def test_without_jitter_the_middle_is_cut() -> None:
    view = view_of(image_config(), size=Size(128, 64))
    assert view == centred_view(Size(128, 64), Size(64, 64))
    assert (view.left, view.top) == (32, 0)


def test_scaling_and_cropping_at_once_equals_one_after_the_other() -> None:
    picture = gradient(Size(200, 100))
    view = PictureView(Size(64, 64), Size(128, 64), left=20, top=0)
    whole = picture.resize((128, 64), Image.Resampling.BILINEAR).crop((20, 0, 84, 64))
    assert difference(render(picture, view), whole) < 0.5


@pytest.mark.parametrize("size", [(1, 1), (20_000, 3), (3, 20_000)])
def test_extreme_pictures_are_rendered_at_the_target_size(size: tuple[int, int]) -> None:
    view = centred_view(Size(*size), Size(64, 32))
    assert render(Image.new("RGB", size, "red"), view).size == (64, 32)


def test_a_fixed_flip_always_flips_and_a_random_one_half_the_time() -> None:
    assert view_of(image_config(enable_fixed_flip=True)).is_flipped
    flips = sum(view_of(image_config(enable_random_flip=True), seed).is_flipped for seed in range(400))
    assert 150 < flips < 250


def test_a_flip_mirrors_left_and_right() -> None:
    picture = gradient(Size(64, 64))
    flipped = render(picture, view_of(image_config(enable_fixed_flip=True)))
    assert difference(flipped, picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)) == 0


@pytest.mark.parametrize("kind", ["brightness", "contrast", "saturation"])
def test_fixed_factors_are_one_plus_the_strength_and_random_ones_spread_around_one(kind: str) -> None:
    strength = f"random_{kind}_max_strength"
    fixed = view_of(image_config(**{f"enable_fixed_{kind}": True, strength: 0.25}))
    assert getattr(fixed, kind) == 1.25
    both = image_config(**{f"enable_fixed_{kind}": True, f"enable_random_{kind}": True, strength: 0.5})
    factors = [getattr(view_of(both, seed), kind) for seed in range(200)]
    assert 0.5 <= min(factors) < 0.55
    assert 1.45 < max(factors) <= 1.5


def test_a_factor_is_never_negative() -> None:
    config = image_config(enable_random_brightness=True, random_brightness_max_strength=5)
    assert min(view_of(config, seed).brightness for seed in range(50)) == 0


def test_hue_spreads_over_half_its_strength() -> None:
    assert view_of(image_config(enable_fixed_hue=True, random_hue_max_strength=0.5)).hue == 0.25
    config = image_config(enable_random_hue=True, random_hue_max_strength=0.5)
    hues = [view_of(config, seed).hue for seed in range(200)]
    assert -0.25 <= min(hues) < -0.22
    assert 0.22 < max(hues) <= 0.25


def test_rotation_is_fixed_at_its_maximum_or_random_up_to_it() -> None:
    assert view_of(image_config(enable_fixed_rotate=True, random_rotate_max_angle=30)).angle_deg == 30
    config = image_config(enable_random_rotate=True, random_rotate_max_angle=30)
    angles = [view_of(config, seed).angle_deg for seed in range(200)]
    assert -30 <= min(angles) < -27
    assert 27 < max(angles) <= 30


def test_switching_one_variation_on_leaves_the_others_as_they_were() -> None:
    with_flip = ConceptImageConfig(enable_random_flip=True)
    with_both = ConceptImageConfig(
        enable_random_flip=True, enable_random_brightness=True, random_brightness_max_strength=0.2
    )
    for seed in range(20):
        one, two = (view_of(config, seed, Size(100, 64)) for config in (with_flip, with_both))
        assert (one.left, one.is_flipped) == (two.left, two.is_flipped)


def test_brightness_saturation_and_hue_do_what_they_say() -> None:
    view = centred_view(Size(8, 8), Size(8, 8))
    orange = Image.new("RGB", (8, 8), (200, 100, 0))

    def first_pixel(**changes: float) -> object:
        changed = PictureView(view.target, view.scaled, 0, 0, **changes)  # pyright: ignore[reportArgumentType]
        return render(orange, changed).getpixel((0, 0))

    assert first_pixel(brightness=0.5) == (100, 50, 0)
    grey = first_pixel(saturation=0)
    assert isinstance(grey, tuple)
    assert len(set(grey)) == 1
    turned = first_pixel(hue=0.5)
    assert isinstance(turned, tuple)
    assert all(abs(a - b) <= 4 for a, b in zip(turned, (0, 100, 200), strict=True))


@pytest.mark.parametrize("angle", [10.0, -33.0, 90.0, 135.0])
@pytest.mark.parametrize("size", [(96, 64), (64, 64), (40, 96)])
def test_a_turned_picture_has_no_empty_corner(angle: float, size: tuple[int, int]) -> None:
    target = Size(*size)
    view = PictureView(target, target, 0, 0, angle_deg=angle)
    lowest = render(Image.new("RGB", size, "white"), view).getextrema()
    assert lowest == ((255, 255),) * 3


def test_a_positive_angle_turns_counter_clockwise() -> None:
    picture = gradient(Size(65, 65))
    view = PictureView(Size(65, 65), Size(65, 65), 0, 0, angle_deg=90)
    assert difference(render(picture, view), picture.rotate(90)) < 3


@settings(deadline=None)  # a busy machine is no failure
@given(st.integers(8, 400), st.integers(8, 400), st.tuples(*[st.floats(0, 1)] * 4), st.integers(0, 2**32))
def test_a_window_lies_within_the_picture(width: int, height: int, corners: tuple[float, ...], seed: int) -> None:
    left, right = sorted(int(share * (width - 1)) for share in corners[:2])
    top, bottom = sorted(int(share * (height - 1)) for share in corners[2:])
    window = choose_window(Size(width, height), (left, top, right + 1, bottom + 1), 64, random.Random(seed))
    view = PictureView(window.size, window.size, 0, 0, window=window)
    inside = place(Image.new("L", (width, height), 255), view)
    assert inside.size == window.size
    assert min(inside.tobytes()) >= 254


def test_a_window_shows_the_masked_area_with_something_around_it() -> None:
    mask = Image.new("L", (400, 300))
    mask.paste(255, (150, 100, 250, 160))
    angles = set[float]()
    for seed in range(50):
        window = choose_window(Size(400, 300), (150, 100, 250, 160), 64, random.Random(seed))
        cut = place(mask, PictureView(window.size, window.size, 0, 0, window=window))
        assert abs(ImageStat.Stat(cut).sum[0] / 255 - 6000) < 30
        assert 1.2 * 100 <= window.size.width <= 1.6 * 130
        assert 1.2 * 60 <= window.size.height <= 1.6 * 95
        angles.add(round(window.angle_deg))
    assert -20 <= min(angles) < -10 < 10 < max(angles) <= 20


def test_a_window_is_no_smaller_than_asked_for_and_turns_as_rotation_does() -> None:
    window = choose_window(Size(400, 300), (200, 150, 202, 152), 128, random.Random(1))
    assert window.size == Size(128, 128)
    picture = gradient(Size(400, 300))
    cut = place(picture, PictureView(window.size, window.size, 0, 0, window=window))
    turned = picture.rotate(window.angle_deg, Image.Resampling.BILINEAR, center=(201, 151))
    assert difference(cut, turned.crop((201 - 64, 151 - 64, 201 + 64, 151 + 64))) < 2
