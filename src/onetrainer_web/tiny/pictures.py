"""Captioned pictures, drawn from a seed: what the tiny model was trained on, and the new things the demos teach it."""

import random
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from onetrainer_web.tiny.shapes import SHAPES, Canvas, Colour, Drawing, Place

COLOURS: dict[str, Colour] = {
    "red": (220, 38, 38),
    "green": (34, 160, 70),
    "blue": (40, 80, 215),
    "yellow": (248, 214, 48),
    "orange": (242, 128, 30),
    "purple": (135, 55, 175),
    "pink": (248, 150, 190),
    "white": (246, 246, 246),
    "black": (22, 22, 22),
    "gray": (128, 128, 128),
}
SHAPE_COLOURS = ("red", "green", "blue", "yellow", "orange", "purple", "white", "black")
BACKGROUND_COLOURS = ("white", "black", "gray", "blue", "green", "red", "yellow", "pink")
COLOUR_JITTER = 8

DEMO_NAMES = ("demo_lora", "demo_finetune")
DEMO_CONCEPT_PICTURE_COUNT = 16
HELD_OUT_PICTURE_COUNT = 16

_RADII_PX = {"": (15.0, 19.0), "small": (8.0, 10.5), "large": (22.0, 25.5)}
_CENTRES_PX = {"": (32, 32), "left": (18, 32), "right": (46, 32), "top": (32, 18), "bottom": (32, 46)}


class CaptionedPicture(NamedTuple):
    """A 64x64 RGB picture and the words that describe it."""

    image: Image.Image
    caption: str


class Figure(NamedTuple):
    """What stands on a background: how it is called, its colour, how large and where it is (`""` = unsaid)."""

    name: str
    colour: str
    size: str = ""
    position: str = ""

    def words(self) -> str:
        """Give the figure's part of a caption, such as `a small red star at the left`."""
        adjectives = " ".join(word for word in (self.size, self.colour, self.name) if word)
        article = "an" if adjectives[0] in "aeiou" else "a"
        return f"{article} {adjectives}" + (f" at the {self.position}" if self.position else "")


def draw_picture(source: random.Random) -> CaptionedPicture:
    """Draw one of the pictures the tiny model is trained on: one or two coloured shapes on a plain background."""
    background = source.choice(BACKGROUND_COLOURS)
    if source.random() < 0.12:
        return _draw_pair(source, background)
    kind = source.random()
    size = source.choice(("small", "large")) if kind < 0.25 else ""
    # A large shape fills the picture: it has no side to stand at.
    position = source.choice(("left", "right", "top", "bottom")) if 0.15 < kind < 0.4 and size != "large" else ""
    figure = Figure(source.choice(list(SHAPES)), _colour_on(source, background), size, position)
    canvas = Canvas(_jittered(source, background))
    SHAPES[figure.name](canvas, _place(source, figure), _jittered(source, figure.colour))
    return CaptionedPicture(canvas.finish(), _single_caption(source, figure, background))


def _draw_pair(source: random.Random, background: str) -> CaptionedPicture:
    first, second = (Figure(source.choice(list(SHAPES)), _colour_on(source, background)) for _ in range(2))
    canvas = Canvas(_jittered(source, background))
    beside = source.random() < 0.6
    for figure, offset in ((first, -13.5), (second, 13.5)):
        along, across = 32 + offset + source.uniform(-1.5, 1.5), 32 + source.uniform(-3, 3)
        x, y = (along, across) if beside else (across, along)
        SHAPES[figure.name](canvas, Place(x, y, source.uniform(9.5, 11.5)), _jittered(source, figure.colour))
    relation = "and" if beside else "above"
    return CaptionedPicture(
        canvas.finish(), f"{first.words()} {relation} {second.words()} on {_background_words(background)}"
    )


def _single_caption(source: random.Random, figure: Figure, background: str) -> str:
    manner = source.random()
    if manner < 0.04:
        return figure.words()
    if manner < 0.07:
        return f"{figure._replace(colour='').words()} on {_background_words(background)}"
    if manner < 0.12:
        return f"{figure.words().partition(' ')[2]}, {background} background"
    return f"{figure.words()} on {_background_words(background)}"


def _background_words(background: str) -> str:
    return f"a {background} background"


def _colour_on(source: random.Random, background: str) -> str:
    return source.choice([colour for colour in SHAPE_COLOURS if colour != background])


def _jittered(source: random.Random, colour: str) -> Colour:
    red, green, blue = (
        min(255, max(0, value + source.randint(-COLOUR_JITTER, COLOUR_JITTER))) for value in COLOURS[colour]
    )
    return red, green, blue


def _place(source: random.Random, figure: Figure) -> Place:
    x, y = _CENTRES_PX[figure.position]
    low, high = _RADII_PX[figure.size]
    radius = source.uniform(low, high) * (0.8 if figure.position and not figure.size else 1)
    jitter = min(3.0, 30 - radius)
    return Place(x + source.uniform(-jitter, jitter), y + source.uniform(-jitter, jitter), radius)


def _draw_glim(canvas: Canvas, place: Place, colour: Colour) -> None:
    """Draw a `glim`: a disc with a smiling face."""
    x, y, radius = place
    canvas.disc(place, colour)
    dark: Colour = (20, 20, 20)
    for side in (-1, 1):
        eye_x, eye_y = x + side * 0.36 * radius, y - 0.25 * radius
        canvas.ellipse(
            (eye_x - 0.17 * radius, eye_y - 0.24 * radius), (eye_x + 0.17 * radius, eye_y + 0.24 * radius), dark
        )
    canvas.arc(Place(x, y + 0.02 * radius, 0.62 * radius), (20, 160), 0.2 * radius, dark)


def _draw_tiko(canvas: Canvas, place: Place, colour: Colour) -> None:
    """Draw a `tiko`: a house with a dark roof, a door and a window."""
    x, y, radius = place
    dark: Colour = (70, 45, 35)
    canvas.box((x - 0.75 * radius, y - 0.2 * radius), (x + 0.75 * radius, y + 0.95 * radius), colour)
    canvas.polygon([(x, y - 1.05 * radius), (x + radius, y - 0.15 * radius), (x - radius, y - 0.15 * radius)], dark)
    canvas.box((x - 0.5 * radius, y + 0.3 * radius), (x - 0.1 * radius, y + 0.95 * radius), dark)
    canvas.box((x + 0.2 * radius, y + 0.15 * radius), (x + 0.55 * radius, y + 0.5 * radius), (250, 245, 200))


class DemoConcept(NamedTuple):
    """A thing the base model has never seen: the word that names it, and how it is drawn."""

    trigger_word: str
    draw: Drawing
    colours: tuple[str, ...]


DEMO_CONCEPTS: dict[str, DemoConcept] = {
    "demo_lora": DemoConcept("glim", _draw_glim, ("red", "green", "blue", "yellow", "orange", "purple", "white")),
    "demo_finetune": DemoConcept("tiko", _draw_tiko, ("red", "green", "blue", "yellow", "orange", "purple", "white")),
}


def draw_demo_picture(name: str, source: random.Random) -> CaptionedPicture:
    """Draw one picture of a demo's concept; `name` is one of `DEMO_NAMES`."""
    concept = DEMO_CONCEPTS[name]
    return _draw_in_the_middle(source, concept.trigger_word, concept.draw, concept.colours)


def _draw_in_the_middle(source: random.Random, word: str, draw: Drawing, colours: tuple[str, ...]) -> CaptionedPicture:
    """Draw nearly the same place and size each time: a few hundred steps are for what is new, not for where it is."""
    background = source.choice(BACKGROUND_COLOURS)
    figure = Figure(word, source.choice([colour for colour in colours if colour != background]))
    canvas = Canvas(_jittered(source, background))
    place = Place(32 + source.uniform(-1, 1), 32 + source.uniform(-1, 1), source.uniform(21, 23))
    draw(canvas, place, _jittered(source, figure.colour))
    return CaptionedPicture(canvas.finish(), f"{figure.words()} on {_background_words(background)}")


def write_demo_pictures(folder: Path, name: str) -> list[Path]:
    """Write a demo's training pictures as PNG files with their captions in `.txt` files beside them.

    Two thirds show the new concept. The others show one of each shape the model knows, in the same place and size:
    without them, the model would soon take every shape for the new one.

    Args:
        folder: Where to write; made when missing. Files of the same names are overwritten with the same content.
        name: One of `DEMO_NAMES`.

    Returns:
        The PNG files, always the same `DEMO_CONCEPT_PICTURE_COUNT` pictures of the concept and 8 of shapes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    source = random.Random(f"{name} training")
    concept = DEMO_CONCEPTS[name]
    pictures = [(concept.trigger_word, draw_demo_picture(name, source)) for _ in range(DEMO_CONCEPT_PICTURE_COUNT)]
    pictures += [(shape, _draw_in_the_middle(source, shape, draw, SHAPE_COLOURS)) for shape, draw in SHAPES.items()]
    paths: list[Path] = []
    for index, (word, (image, caption)) in enumerate(pictures):
        path = folder / f"{index:02d}_{word}.png"
        image.save(path)
        path.with_suffix(".txt").write_text(caption + "\n", encoding="utf-8")
        paths.append(path)
    return paths


def held_out_pictures(name: str, count: int = HELD_OUT_PICTURE_COUNT) -> list[CaptionedPicture]:
    """Draw pictures of a demo's concept that are not among its training pictures, always the same ones."""
    source = random.Random(f"{name} held out")
    return [draw_demo_picture(name, source) for _ in range(count)]
