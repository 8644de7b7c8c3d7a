"""TensorBoard event files, written with tensorboard alone: one event holds all scalars of a step.

torch's SummaryWriter writes one event a scalar and imports much more.
"""

import io
import time
from collections.abc import Mapping
from pathlib import Path

from PIL import Image
from tensorboard.compat.proto.event_pb2 import Event  # pyright: ignore[reportAttributeAccessIssue] - made at import
from tensorboard.compat.proto.summary_pb2 import Summary  # pyright: ignore[reportAttributeAccessIssue]
from tensorboard.summary.writer.event_file_writer import EventFileWriter


class Curves:
    """One event file."""

    def __init__(self, folder: Path) -> None:
        self._writer = EventFileWriter(str(folder))

    def scalars(self, values: Mapping[str, float], step: int) -> None:
        """Add numbers at a step."""
        summary = Summary(value=[Summary.Value(tag=tag, simple_value=value) for tag, value in values.items()])
        self._add(summary, step)

    def picture(self, tag: str, picture: Image.Image, step: int) -> None:
        """Add a picture at a step."""
        encoded = io.BytesIO()
        picture.convert("RGB").save(encoded, "PNG")
        image = Summary.Image(
            width=picture.width, height=picture.height, colorspace=3, encoded_image_string=encoded.getvalue()
        )
        self._add(Summary(value=[Summary.Value(tag=tag, image=image)]), step)

    def flush(self) -> None:
        """Write out what is held back."""
        self._writer.flush()

    def close(self) -> None:
        """Write out what is held back and close the file."""
        self._writer.close()

    def _add(self, summary: Summary, step: int) -> None:
        self._writer.add_event(Event(summary=summary, step=step, wall_time=time.time()))
