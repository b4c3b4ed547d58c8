"""The power goes: of what a camera sent, everything older than the sync bound is on disk, whatever the
disk did with the rest."""
import pathlib
import random
import subprocess

import pytest

from corvette import Corvette, base_config, recorded_camera, wait_for
from faults import Disk, Faults, read_journal, write_tree
from scenes import scene

pytestmark = pytest.mark.slow  # faults.c and the sanitizers exclude each other

BOUND_S = 2.0  # src/capture/recorder.h: SYNC_US
# Between a picture's capture time and the moment it counts as received: a frame, and this machine.
SLACK_S = 1.0
CUTS = 6


def unreachable():
    return {"ffmpeg": {"inputs": [{"path": "rtsp://127.0.0.1:9/none", "roles": ["detect", "record"]}]},
            "detect": {"enabled": False, "width": 640, "height": 360, "fps": 5}}


def pictures(path):
    """Times of a file's pictures in seconds from its beginning; fails when it does not decode."""
    result = subprocess.run(
        ["ffmpeg", "-v", "error", "-i", path, "-map", "0:v", "-f", "framecrc", "-"],
        capture_output=True, text=True, check=True)
    assert result.stderr == "", f"{path}: {result.stderr}"
    return [line for line in result.stdout.splitlines() if not line.startswith("#")]


def record(folder):
    """A recording of three segments with its journal, ended by kill -9."""
    faults = Faults(folder, journal=True)
    video = scene("power", "--seed", 5, "--duration", 8, "--size", "320x180", "--fps", 10,
                  "--loopable", "--stamp")[0]
    config = base_config({"yard": recorded_camera(video, 320, 180)})
    corvette = Corvette(config, folder / "data", env=faults.env)
    with corvette:
        wait_for(lambda: len(corvette.segments("yard")) >= 4, "some segments", 90)
        corvette.kill()
    return read_journal(faults.journal)


def newest(records, upto):
    """When the last picture data before that record was written: what was received by then."""
    return max((r[1] for r in records[:upto] if r[0] == "write"), default=None)


@pytest.mark.parametrize("luck", [0, 0.5])
def test_what_is_older_than_the_bound_survives(tmp_path, luck):
    records = record(tmp_path)
    writes = [i for i, r in enumerate(records) if r[0] == "write"]
    assert len(writes) > 12
    begin = records[writes[0]][1]
    root = tmp_path / "data/media"
    dice = random.Random(int(luck * 10))
    for cut in sorted(dice.sample(range(writes[5], len(records)), CUTS)):
        disk = Disk()
        for entry in records[:cut]:
            disk.take(entry)
        left = disk.after_power_cut(luck, seed=cut)
        data = tmp_path / f"cut-{cut}"
        write_tree(left, root, data / "media")
        received = records[cut - 1][1] - begin
        with Corvette(base_config({"yard": unreachable()}), data) as corvette:
            wait_for(lambda: not list(data.glob("media/recordings/*/*/yard/.*.part")),
                     "what was open to be finished")
            segments = corvette.segments("yard")
        frames = sum(len(pictures(path)) for path in segments)
        assert frames / 10 >= received - BOUND_S - SLACK_S, \
            f"cut at {received:.2f} s: {frames} frames are left"
        assert all(pathlib.Path(path).stat().st_size > 0 for path in segments)
