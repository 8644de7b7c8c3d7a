"""Event files as TensorBoard reads them."""

from pathlib import Path
from typing import Any

from PIL import Image
from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
from tensorboard.compat.proto import event_pb2

from onetrainer_web.engine.runtime.curves import Curves


def test_tensorboard_reads_scalars_and_pictures(tmp_path: Path) -> None:
    curves = Curves(tmp_path / "new")
    curves.scalars({"loss": 0.5, "rate": 0.25}, 3)
    curves.picture("sample", Image.new("RGB", (40, 30)), 4)
    curves.close()
    (path,) = (tmp_path / "new").iterdir()
    messages: Any = event_pb2  # its classes are made as it is imported
    events = [messages.Event.FromString(record) for record in RawEventFileLoader(str(path)).Load()]
    assert events[0].file_version == "brain.Event:2"
    assert [(e.step, [(v.tag, v.simple_value) for v in e.summary.value]) for e in events[1:2]] == [
        (3, [("loss", 0.5), ("rate", 0.25)])
    ]
    image = events[2].summary.value[0].image
    assert (image.width, image.height) == (40, 30)
    assert image.encoded_image_string.startswith(b"\x89PNG")
