"""How sample pictures are shown: the contract's words for what the journal says."""

import re
from typing import Any

from onetrainer_web.protocol.workspace import Workspace
from onetrainer_web.runs.errors import SampleNotFoundError
from onetrainer_web.runs.views import SampleView
from onetrainer_web.storage.rows import SampleRow

_ID = re.compile(r"sample_([0-9]{3}|[1-9][0-9]{3,17})")
_SETTINGS = {
    "prompt": "prompt",
    "negative_prompt": "negative_prompt",
    "seed": "seed",
    "steps": "diffusion_steps",
    "cfg_scale": "cfg_scale",
    "width": "width",
    "height": "height",
}
"""The contract's words for the settings of a sample, and the configuration's."""


def sample_view(workspace: Workspace, sample: SampleRow) -> SampleView:
    """A sample in the contract's words."""
    event = sample.event
    metadata: dict[str, Any] = {word: event.settings.get(setting) for word, setting in _SETTINGS.items()}
    metadata |= {
        "kind": event.kind,
        "run_id": sample.run_id,
        "global_step": event.progress.global_step,
        "epoch": event.progress.epoch,
    }
    return SampleView(
        id=f"sample_{sample.number:03d}",
        timestamp=event.time,
        path=str(workspace.run_folder(sample.run_id).path / event.path),
        metadata=metadata,
    )


def sample_number(sample_id: str) -> int:
    """The number in an id such as sample_001.

    Raises:
        SampleNotFoundError: It is no such id.
    """
    match = _ID.fullmatch(sample_id)
    if not match:
        raise SampleNotFoundError(sample_id)
    return int(match[1])
