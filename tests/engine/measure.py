"""Says in numbers whether samples look like a concept, with Pillow alone, so that a demo can be held honest."""

from collections.abc import Sequence

from PIL import Image, ImageChops, ImageFilter, ImageStat

COMPARED_SIZE_PX = 32
BLUR_RADIUS_PX = 1.0


def picture_distance(first: Image.Image, second: Image.Image) -> float:
    """Give the root mean square difference of two pictures' colours, in 0 … 255.

    Both are scaled to 32x32 and blurred a little first, so that a face two pixels aside still counts as a face.
    """
    difference = ImageChops.difference(_comparable(first), _comparable(second))
    squares = [value**2 for value in ImageStat.Stat(difference).rms]
    return (sum(squares) / len(squares)) ** 0.5


def mean_distance(samples: Sequence[Image.Image], wanted: Sequence[Image.Image]) -> float:
    """Give the mean `picture_distance` of samples to the pictures they should look like, pairwise; less is better.

    Args:
        samples: What a model made from the captions of `wanted`, in the same order.
        wanted: Pictures of the concept that the model was not trained on (`pictures.held_out_pictures`).

    Raises:
        ValueError: The two are not equally many, or none.
    """
    if not samples:
        raise ValueError("There are no samples to measure.")
    return sum(picture_distance(*pair) for pair in zip(samples, wanted, strict=True)) / len(samples)


def _comparable(image: Image.Image) -> Image.Image:
    small = image.convert("RGB").resize((COMPARED_SIZE_PX, COMPARED_SIZE_PX), Image.Resampling.BOX)
    return small.filter(ImageFilter.GaussianBlur(BLUR_RADIUS_PX))
