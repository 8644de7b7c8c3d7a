"""What the bridge repeats of ours, because it must not import it, is the same; and paths find their way."""

import json
from pathlib import Path

from onetrainer_web.bridge import config, journal, session
from onetrainer_web.config.training import EMBEDDED_MODEL_NAME, TrainConfig
from onetrainer_web.protocol import commands, events, lock
from onetrainer_web.tiny.paths import tiny_model_folder


def test_repeated_words_are_the_same() -> None:
    defaults = TrainConfig()
    assert {name: getattr(defaults, name) for name in config.DEFAULT_FOLDERS} == config.DEFAULT_FOLDERS
    assert defaults.output_model_destination == config.DEFAULT_DESTINATION
    assert (EMBEDDED_MODEL_NAME, tiny_model_folder()) == (config.EMBEDDED_MODEL_NAME, config.EMBEDDED_MODEL)
    assert lock.LOCK_DESCRIPTOR_VARIABLE == journal.LOCK_DESCRIPTOR_VARIABLE
    assert {event.model_fields["type"].default for event in events.END_EVENTS} == set(journal.END_EVENTS)


def test_what_lies_in_the_workspace_is_found_from_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "datasets" / "cats").mkdir(parents=True)
    (tmp_path / "vae").mkdir()
    asked = {
        "base_model_name": "tiny",
        "vae": {"model_name": "vae"},
        "lora_model_name": "some/repository",
        "concepts": [{"path": "datasets/cats", "text": {"prompt_path": ""}}],
    }
    data = {**asked}
    config.resolve_inputs(data, tmp_path)
    assert data["base_model_name"] == str(tiny_model_folder())
    assert data["vae"] == {"model_name": str(tmp_path / "vae")}
    assert data["lora_model_name"] == "some/repository"
    assert data["concepts"] == [{"path": str(tmp_path / "datasets" / "cats"), "text": {"prompt_path": ""}}]
    assert asked["vae"] == {"model_name": "vae"}, "the caller's own is left alone"


def test_a_torn_line_is_ended_and_numbers_go_on(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b'{"type": "started", "seq": 7, "pid": 1, "time": "2026-01-01T00:00:00Z"}\n{"type": "st')
    written = journal.Journal(path)
    written.write("stopped")
    written.write("completed")
    assert [(event.type, event.seq) for event in events.read_events(path)] == [("started", 7), ("stopped", 8)]


def test_both_trainers_take_the_device_that_was_chosen_at_the_start() -> None:
    launches = [commands.Launch(), commands.Launch(devices=["cuda:1"]), commands.Launch(devices=["cuda:0", "cuda:1"])]
    for number in range(1, 4):
        for device in ("cuda", "cuda:0", "cpu"):
            said = [json.loads(launch.model_dump_json()) for launch in launches[:number]]
            chosen = {"train_device": device} | session.chosen_device({"train_device": device}, said)
            assert chosen == commands.config_of_today({"train_device": device}, launches[:number])
