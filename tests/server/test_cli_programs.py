"""`onetrainer-web sample` and `onetrainer-web doctor` as processes in a shell, with the real trainer."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image


def onetrainer_web(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the command as a shell does."""
    return subprocess.run(
        [sys.executable, "-m", "onetrainer_web.cli.main", *arguments],
        capture_output=True,
        text=True,
    )


@pytest.mark.slow
def test_a_sample_is_drawn_with_the_settings_given(tmp_path: Path) -> None:
    options = ["--config", "demo_lora", "--workspace", str(tmp_path / "workspace"), "--set", "diffusion_steps=2"]
    done = onetrainer_web("sample", "a red circle", *options, "--set", "width=96", "--set", "height=64")
    assert done.returncode == 0, done.stderr
    with Image.open(done.stdout.strip()) as picture:
        assert picture.size == (96, 64)


def test_a_sample_setting_that_does_not_exist_is_named(tmp_path: Path) -> None:
    options = ["--config", "demo_lora", "--workspace", str(tmp_path)]
    done = onetrainer_web("sample", "a red circle", *options, "--set", "colour=red")
    assert done.returncode == 1
    assert "A sample has no setting colour" in done.stderr


@pytest.mark.slow
def test_the_doctor_tells_what_is_here(tmp_path: Path) -> None:
    done = onetrainer_web("doctor", "--json", "--workspace", str(tmp_path / "workspace"))
    findings = {finding["subject"]: finding for finding in json.loads(done.stdout)}
    assert done.returncode == (0 if all(finding["is_fine"] for finding in findings.values()) else 1)
    assert findings["torch"]["is_fine"]
    assert findings["devices"]["is_fine"]
    assert "not made yet" in findings["workspace"]["text"]
    assert findings["secrets"]["text"] == "none set"
