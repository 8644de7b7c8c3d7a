"""Without a network, what was downloaded is used and all else is refused at once: the hub is asked a single time."""

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from transformers.models.clip.tokenization_clip import CLIPTokenizer
from transformers.models.gemma.tokenization_gemma import GemmaTokenizer
from transformers.models.qwen2.tokenization_qwen2 import Qwen2Tokenizer
from transformers.models.t5.tokenization_t5 import T5Tokenizer

from onetrainer_web.engine.runtime.errors import ModelNotFoundError
from onetrainer_web.engine.weights.diffusers_folder import load_piece
from onetrainer_web.tiny.paths import tiny_model_folder

SCRIPT = """
import json
from transformers.models.clip.tokenization_clip import CLIPTokenizer
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from onetrainer_web.engine.runtime.errors import ModelNotFoundError
from onetrainer_web.engine.weights.diffusers_folder import load_piece
from onetrainer_web.engine.families.wuerstchen.efficient_net import load_encoder
import torch

found = [len(load_piece(CLIPTokenizer, "owner/name", "tokenizer", is_offline=False)("a glim").input_ids)]
for load in (
    lambda: load_piece(CLIPTokenizer, "owner/other", None, is_offline=False),
    lambda: load_piece(DDIMScheduler, "owner/other", "scheduler", is_offline=False),
    lambda: load_encoder("owner/other", torch.float32, is_offline=False),
):
    try:
        load()
    except ModelNotFoundError as error:
        found.append(str(error))
print(json.dumps(found))
"""


def test_an_unreachable_hub_is_asked_once(tmp_path: Path) -> None:
    cached = tmp_path / "models--owner--name"
    shutil.copytree(tiny_model_folder() / "tokenizer", cached / "snapshots" / "0123" / "tokenizer")
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text("0123")
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def hang_up() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                asked.append(connection.recv(1000))
                connection.close()

        threading.Thread(target=hang_up, daemon=True).start()
        endpoint = f"http://127.0.0.1:{server.getsockname()[1]}"
        settings = {"HF_ENDPOINT": endpoint, "HF_HUB_CACHE": str(tmp_path), "HF_HUB_OFFLINE": "0"}
        shown = subprocess.run(
            [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, env={**os.environ, **settings}
        )
    num_tokens, *refusals = json.loads(shown.stdout.splitlines()[-1])
    assert num_tokens
    assert len(refusals) == 3
    host = endpoint.removeprefix("http://")
    for refusal in refusals:
        assert f"has not been downloaded to this machine, and {host} cannot be reached" in refusal
    # What the library sends of itself is no question after a file.
    assert [request.split()[:2] for request in asked if request.startswith(b"HEAD")] == [[b"HEAD", b"/"]]


@pytest.mark.parametrize("kind", [CLIPTokenizer, T5Tokenizer, Qwen2Tokenizer, GemmaTokenizer])
def test_a_tokenizer_without_files_is_none(kind: Any, tmp_path: Path) -> None:
    assert kind.from_pretrained(tmp_path) is not None, "transformers makes one of no words"
    for location, is_offline in ((tmp_path, False), ("owner/nowhere", True)):
        with pytest.raises(ModelNotFoundError, match="there is no tokenizer"):
            load_piece(kind, location, None, is_offline=is_offline)
