"""Disks that fail while a camera is being recorded, and clocks that jump: nothing dies, it is told, the
ledger says what is missing, and recording goes on by itself."""
import subprocess
import time

import pytest

from corvette import Corvette, base_config, recorded_camera, wait_for
from faults import Faults
from scenes import scene

pytestmark = pytest.mark.slow  # faults.c and the sanitizers exclude each other


@pytest.fixture
def video():
    return scene("power", "--seed", 5, "--duration", 8, "--size", "320x180", "--fps", 10,
                 "--loopable", "--stamp")[0]


@pytest.fixture
def faults(tmp_path):
    return Faults(tmp_path)


@pytest.fixture
def system(tmp_path, faults, video):
    cameras = {"yard": recorded_camera(video, 320, 180), "door": recorded_camera(video, 320, 180)}
    with Corvette(base_config(cameras), tmp_path / "data", env=faults.env) as corvette:
        for camera in cameras:
            wait_for(lambda: corvette.segments(camera), f"a segment of {camera}", 90)
        yield corvette


def decodes(path):
    result = subprocess.run(["ffmpeg", "-v", "error", "-i", path, "-f", "null", "-"],
                            capture_output=True, text=True)
    return result.returncode == 0 and result.stderr == ""


def rows(system, camera):
    return system.json(f"/api/{camera}/recordings?after={time.time() - 7200}&before={time.time() + 7200}")


@pytest.mark.parametrize("ops,error", [(["write"], "ENOSPC"), (["write"], "EIO"),
                                       (["create", "write", "sync", "mkdir"], "EROFS"),
                                       (["sync"], "EIO"), (["create", "mkdir"], "ENOSPC")])
def test_a_disk_that_fails_for_one_camera(system, faults, ops, error):
    pids = system.pids()
    faults.fail(ops, error, below="/yard")
    wait_for(lambda: faults.failed >= 3, "calls that fail", 90)
    door = len(system.segments("door"))
    wait_for(lambda: len(system.segments("door")) > door, "the other camera to go on", 90)
    faults.heal()
    yard = len(system.segments("yard"))
    wait_for(lambda: len(system.segments("yard")) >= yard + 2, "recording to go on", 90)
    assert system.pids() == pids, "a process died of it"
    system.stop()
    for camera in ("yard", "door"):
        assert all(decodes(path) for path in system.segments(camera))


def test_one_call_in_many_fails(system, faults):
    """Each write and each sync of its own, one after the other."""
    pids = system.pids()
    for number in range(6):
        before = faults.failed
        faults.fail(["write"] if number % 2 else ["sync"], "EIO", after=number, count=1)
        wait_for(lambda: faults.failed > before, "the call that fails", 90)
    faults.heal()
    yard = len(system.segments("yard"))
    wait_for(lambda: len(system.segments("yard")) >= yard + 2, "recording to go on", 90)
    assert system.pids() == pids
    system.stop()
    assert all(decodes(path) for path in system.segments("yard"))


@pytest.mark.parametrize("jump", [3600, -3600])
def test_the_clock_jumps_by_an_hour(system, faults, jump):
    pids = system.pids()
    before = {row["id"] for row in rows(system, "yard")}
    faults.set_clock(jump)
    moved = time.time() + jump

    def new():
        return [r for r in rows(system, "yard") if abs(r["start_time"] - moved) < 300]
    wait_for(lambda: len(new()) >= 2, "segments of the new time", 90)
    assert system.pids() == pids
    found = rows(system, "yard")
    assert before <= {row["id"] for row in found}, "a row went with the jump"
    assert all(0 < row["duration"] < 60 and row["end_time"] > row["start_time"] for row in found)
    system.stop()
    assert all(decodes(path) for path in system.segments("yard"))
