"""TensorBoard event files, written with tensorboard alone: one event holds all scalars of a step.

torch's SummaryWriter writes one event a scalar and imports much more. tensorboard's EventFileWriter hands each event to
a thread, which costs more than writing it.
"""

import io
import os
import socket
import time
from collections.abc import Mapping
from pathlib import Path

from PIL import Image
from tensorboard.compat.proto.event_pb2 import Event  # pyright: ignore[reportAttributeAccessIssue] - made at import
from tensorboard.compat.proto.summary_pb2 import Summary  # pyright: ignore[reportAttributeAccessIssue]
from tensorboard.summary.writer.record_writer import RecordWriter

FLUSH_AFTER_S = 30.0
"""How long what was written may stay invisible to TensorBoard, at most until the next step."""


class Curves:
    """One event file."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        now = time.time()
        name = f"events.out.tfevents.{int(now):010}.{socket.gethostname()}.{os.getpid()}.0"
        self._file = (folder / name).open("ab")
        self._records = RecordWriter(self._file)
        self._flushed = now
        self._records.write(Event(wall_time=now, file_version="brain.Event:2").SerializeToString())

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
        self._file.flush()

    def close(self) -> None:
        """Write out what is held back and close the file."""
        self._file.close()

    def _add(self, summary: Summary, step: int) -> None:
        now = time.time()
        self._records.write(Event(summary=summary, step=step, wall_time=now).SerializeToString())
        if now - self._flushed > FLUSH_AFTER_S:
            self._flushed = now
            self.flush()
