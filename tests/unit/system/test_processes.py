"""What real processes use."""

import os
import subprocess
import sys
import time

import psutil
import pytest

from onetrainer_web.system.processes import ProcessMeter, ProcessNotFoundError

CHILD = "x = bytearray(64 * 2**20); print('ready', flush=True); input()"


def test_the_fields_are_those_of_the_contract() -> None:
    info = ProcessMeter().process_info(os.getpid())
    assert list(info.model_dump()) == ["pid", "cpu_percent", "memory_percent", "memory_mb", "num_threads", "status"]
    assert info.pid == os.getpid()
    assert info.num_threads >= 1
    assert info.status in {"running", "sleeping", "disk-sleep"}


def test_the_first_reading_of_a_process_covers_its_whole_life() -> None:
    assert ProcessMeter().process_info(os.getpid()).cpu_percent > 0


def test_later_readings_cover_the_time_between() -> None:
    meter = ProcessMeter()
    meter.process_info(os.getpid())
    end = time.process_time() + 0.4
    while time.process_time() < end:
        pass
    busy = meter.process_info(os.getpid()).cpu_percent
    assert busy > 5  # this process worked without a pause, however busy the others keep the machine
    assert meter.process_info(os.getpid()).cpu_percent == busy  # too soon for another


def test_children_are_summed_up() -> None:
    meter = ProcessMeter()
    before = meter.process_info(os.getpid())
    with subprocess.Popen([sys.executable, "-c", CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        resident = psutil.Process(child.pid).memory_info().rss / 2**20
        with_child = meter.process_info(os.getpid())
        assert with_child.memory_mb - before.memory_mb > 0.9 * resident
        assert with_child.num_threads > before.num_threads
        child.communicate(b"\n")


def test_a_process_that_ended_is_not_found() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    with pytest.raises(ProcessNotFoundError):
        ProcessMeter().process_info(child.pid)
