"""The resolution field: "512", "512,768" or "1024x768", read by the checks and by the trainer alike."""

from onetrainer_web.errors import InvalidConfigError

MAX_RESOLUTION_PX = 16384
_MAX_RESOLUTIONS = 100


def parse_sides(text: str) -> tuple[tuple[int, ...], ...]:
    """The sides of each resolution in pixels: one stands for the area of its square, two are width and height.

    Raises:
        InvalidConfigError: A part is neither a number nor WIDTHxHEIGHT, or out of range.
    """
    parts = text.lower().split(",")
    if len(parts) > _MAX_RESOLUTIONS:
        raise InvalidConfigError(f"The resolution has {len(parts)} parts; write at most {_MAX_RESOLUTIONS}.")
    return tuple(_sides(part, text) for part in parts)


def _sides(part: str, text: str) -> tuple[int, ...]:
    numbers = [number.strip() for number in part.split("x")]
    if len(numbers) > 2 or not all(number.isdecimal() for number in numbers):
        raise InvalidConfigError(f'{text[:40]!r} is no resolution; write "512", "512,768" or "1024x768".')
    if not all(len(number) < 10 and 1 <= int(number) <= MAX_RESOLUTION_PX for number in numbers):
        raise InvalidConfigError(f"The resolution {text[:40]!r} is outside 1 to {MAX_RESOLUTION_PX} pixels.")
    return tuple(map(int, numbers))
