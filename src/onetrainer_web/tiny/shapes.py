"""Outlines of the shapes the tiny model knows, drawn large and scaled down so that their edges are smooth."""

import math
from collections.abc import Callable
from typing import NamedTuple

from PIL import Image, ImageDraw

PICTURE_SIZE_PX = 64
SUPERSAMPLING = 4

Colour = tuple[int, int, int]
Point = tuple[float, float]


class Place(NamedTuple):
    """Centre and radius of a shape in pixels of the finished picture."""

    x: float
    y: float
    radius: float


class Canvas:
    """A square picture drawn at `SUPERSAMPLING` times its size; coordinates are those of the finished picture."""

    def __init__(self, background: Colour) -> None:
        size = PICTURE_SIZE_PX * SUPERSAMPLING
        self.image = Image.new("RGB", (size, size), background)
        self._draw = ImageDraw.Draw(self.image)

    def polygon(self, points: list[Point], colour: Colour) -> None:
        """Fill a polygon."""
        self._draw.polygon([(x * SUPERSAMPLING, y * SUPERSAMPLING) for x, y in points], fill=colour)

    def box(self, corner: Point, opposite: Point, colour: Colour) -> None:
        """Fill an upright rectangle between its upper left and lower right corner."""
        self._draw.rectangle(_scaled(corner, opposite), fill=colour)

    def ellipse(self, corner: Point, opposite: Point, colour: Colour) -> None:
        """Fill the ellipse that touches the rectangle between two corners."""
        self._draw.ellipse(_scaled(corner, opposite), fill=colour)

    def disc(self, place: Place, colour: Colour) -> None:
        """Fill a circle."""
        x, y, radius = place
        self.ellipse((x - radius, y - radius), (x + radius, y + radius), colour)

    def arc(self, place: Place, angles_deg: tuple[float, float], width: float, colour: Colour) -> None:
        """Draw a part of a circle's line; angles run clockwise from three o'clock."""
        x, y, radius = place
        corners = _scaled((x - radius, y - radius), (x + radius, y + radius))
        self._draw.arc(corners, *angles_deg, fill=colour, width=max(1, round(width * SUPERSAMPLING)))

    def line(self, start: Point, end: Point, width: float, colour: Colour) -> None:
        """Draw a straight line."""
        self._draw.line(_scaled(start, end), fill=colour, width=max(1, round(width * SUPERSAMPLING)))

    def finish(self) -> Image.Image:
        """Give the picture, scaled down to `PICTURE_SIZE_PX`."""
        return self.image.reduce(SUPERSAMPLING)


def _scaled(first: Point, second: Point) -> list[float]:
    return [value * SUPERSAMPLING for value in (*first, *second)]


def _around(place: Place, corners: list[Point]) -> list[Point]:
    return [(place.x + x * place.radius, place.y + y * place.radius) for x, y in corners]


def _circle(canvas: Canvas, place: Place, colour: Colour) -> None:
    canvas.disc(place, colour)


def _square(canvas: Canvas, place: Place, colour: Colour) -> None:
    canvas.polygon(_around(place, [(-0.88, -0.88), (0.88, -0.88), (0.88, 0.88), (-0.88, 0.88)]), colour)


def _triangle(canvas: Canvas, place: Place, colour: Colour) -> None:
    canvas.polygon(_around(place, [(0, -1), (1, 0.85), (-1, 0.85)]), colour)


def _diamond(canvas: Canvas, place: Place, colour: Colour) -> None:
    canvas.polygon(_around(place, [(0, -1.1), (0.75, 0), (0, 1.1), (-0.75, 0)]), colour)


def _star(canvas: Canvas, place: Place, colour: Colour) -> None:
    corners = [
        (math.sin(index * math.pi / 5) * reach, -math.cos(index * math.pi / 5) * reach)
        for index, reach in enumerate([1.15, 0.47] * 5)
    ]
    canvas.polygon(_around(place, corners), colour)


def _heart(canvas: Canvas, place: Place, colour: Colour) -> None:
    # The usual heart curve: x = 16 sin³t, y = 13 cos t - 5 cos 2t - 2 cos 3t - cos 4t.
    angles = [index * math.tau / 48 for index in range(48)]
    corners = [
        (
            math.sin(angle) ** 3,
            -(13 * math.cos(angle) - 5 * math.cos(2 * angle) - 2 * math.cos(3 * angle) - math.cos(4 * angle)) / 16,
        )
        for angle in angles
    ]
    canvas.polygon(_around(place, corners), colour)


def _cross(canvas: Canvas, place: Place, colour: Colour) -> None:
    canvas.polygon(_around(place, [(-0.33, -1), (0.33, -1), (0.33, 1), (-0.33, 1)]), colour)
    canvas.polygon(_around(place, [(-1, -0.33), (1, -0.33), (1, 0.33), (-1, 0.33)]), colour)


def _ring(canvas: Canvas, place: Place, colour: Colour) -> None:
    canvas.arc(place, (0, 360), place.radius * 0.42, colour)


Drawing = Callable[[Canvas, Place, Colour], None]

SHAPES: dict[str, Drawing] = {
    "circle": _circle,
    "square": _square,
    "triangle": _triangle,
    "star": _star,
    "heart": _heart,
    "diamond": _diamond,
    "cross": _cross,
    "ring": _ring,
}
"""How each shape is drawn, by the word that names it in a caption."""
