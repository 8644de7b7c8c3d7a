"""Pictures of everything and nothing, without captions: they teach the tiny autoencoder more than plain shapes."""

import random
from collections.abc import Callable

from PIL import Image, ImageChops, ImageFilter

from onetrainer_web.tiny.pictures import draw_picture
from onetrainer_web.tiny.shapes import PICTURE_SIZE_PX, SHAPES, SUPERSAMPLING, Canvas, Colour, Place


def draw_varied_picture(source: random.Random) -> Image.Image:
    """Draw a 64x64 RGB picture for the autoencoder: shapes, stripes, checkers, scribbles, gradients or noise."""
    return source.choices(_KINDS, _WEIGHTS)[0](source)


def _colour(source: random.Random) -> Colour:
    return source.randrange(256), source.randrange(256), source.randrange(256)


def _captioned(source: random.Random) -> Image.Image:
    return draw_picture(source).image


def _decorated(source: random.Random) -> Image.Image:
    """Draw a large shape with small ones and curved lines on it."""
    canvas = Canvas(_colour(source))
    x, y, radius = 32 + source.uniform(-5, 5), 32 + source.uniform(-5, 5), source.uniform(15, 26)
    SHAPES[source.choice(list(SHAPES))](canvas, Place(x, y, radius), _colour(source))
    for _ in range(source.randint(1, 5)):
        place = Place(
            x + source.uniform(-0.6, 0.6) * radius, y + source.uniform(-0.6, 0.6) * radius, source.uniform(2, 8)
        )
        if source.random() < 0.7:
            SHAPES[source.choice(list(SHAPES))](canvas, place, _colour(source))
        else:
            canvas.arc(
                place, (source.uniform(0, 90), source.uniform(120, 360)), source.uniform(1.5, 4), _colour(source)
            )
    return canvas.finish()


def _many_shapes(source: random.Random) -> Image.Image:
    canvas = Canvas(_colour(source))
    for _ in range(source.randint(2, 9)):
        place = Place(source.uniform(0, 64), source.uniform(0, 64), source.uniform(3, 24))
        SHAPES[source.choice(list(SHAPES))](canvas, place, _colour(source))
    turned = canvas.image.rotate(source.uniform(0, 360), Image.Resampling.BILINEAR, fillcolor=_colour(source))
    return turned.reduce(SUPERSAMPLING)


def _scribbles(source: random.Random) -> Image.Image:
    canvas = Canvas(_colour(source))
    for _ in range(source.randint(2, 10)):
        start, end = ((source.uniform(0, 64), source.uniform(0, 64)) for _ in range(2))
        if source.random() < 0.5:
            canvas.line(start, end, source.uniform(1, 5), _colour(source))
        else:
            angle = source.uniform(0, 360)
            arc = (angle, angle + source.uniform(60, 300))
            canvas.arc(Place(*start, source.uniform(3, 24)), arc, source.uniform(1, 4), _colour(source))
    return canvas.finish()


def _polygons(source: random.Random) -> Image.Image:
    canvas = Canvas(_colour(source))
    for _ in range(source.randint(1, 5)):
        corners = [(source.uniform(0, 64), source.uniform(0, 64)) for _ in range(source.randint(3, 6))]
        canvas.polygon(corners, _colour(source))
    return canvas.finish()


def _stripes_or_checkers(source: random.Random) -> Image.Image:
    first, second = _colour(source), _colour(source)
    canvas = Canvas(first)
    width = source.uniform(4, 14)
    checkered = source.random() < 0.5
    for row in range(-1, 16):
        for column in range(-1, 16) if checkered else (0,):
            if (row + column) % 2:
                left, right = (column * width, (column + 1) * width) if checkered else (0, 64)
                canvas.box((left, row * width), (right, (row + 1) * width), second)
    turned = canvas.image.rotate(source.choice((0, 90, source.uniform(0, 360))), fillcolor=first)
    return turned.reduce(SUPERSAMPLING)


def _gradient(source: random.Random) -> Image.Image:
    ramp = Image.linear_gradient("L").rotate(source.choice((0, 90, 180, 270)))
    if source.random() < 0.4:
        ramp = Image.radial_gradient("L")
    ramp = ramp.resize((PICTURE_SIZE_PX, PICTURE_SIZE_PX))
    first, second = (Image.new("RGB", ramp.size, _colour(source)) for _ in range(2))
    return Image.composite(first, second, ramp)


def _clouds(source: random.Random) -> Image.Image:
    cells = source.choice((4, 8, 16, 32))
    noise = Image.frombytes("RGB", (cells, cells), source.randbytes(cells * cells * 3))
    clouds = noise.resize((PICTURE_SIZE_PX, PICTURE_SIZE_PX), Image.Resampling.BICUBIC)
    if source.random() < 0.5:
        clouds = Image.blend(clouds, Image.new("RGB", clouds.size, _colour(source)), source.uniform(0.2, 0.7))
    return clouds.filter(ImageFilter.GaussianBlur(source.uniform(0, 2)))


def _mixture(source: random.Random) -> Image.Image:
    """Lay one picture over another through the brightness of a third, as in a photograph's light and texture."""
    over, under = (source.choice((_many_shapes, _clouds, _gradient, _captioned))(source) for _ in range(2))
    if source.random() < 0.4:
        return ImageChops.multiply(over, under)
    return Image.composite(over, under, source.choice((_clouds, _polygons, _gradient))(source).convert("L"))


_KINDS: list[Callable[[random.Random], Image.Image]] = [
    _captioned,
    _decorated,
    _many_shapes,
    _scribbles,
    _polygons,
    _stripes_or_checkers,
    _gradient,
    _clouds,
    _mixture,
]
_WEIGHTS = [36, 12, 12, 10, 7, 5, 3, 6, 9]
