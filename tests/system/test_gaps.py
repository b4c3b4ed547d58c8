"""The ledger of what was not recorded: recordings and gaps together leave no second out, and each gap
says why."""
import os
import signal
import time

import pytest

from corvette import SHORT_SEGMENTS, Corvette, base_config, recorded_camera, rtsp_camera, wait_for
from scenes import RtspCamera, scene

SLACK_S = 1.5  # a busy machine, and frames


def video():
    return scene("power", "--seed", 5, "--duration", 8, "--size", "320x180", "--fps", 10,
                 "--loopable", "--stamp")[0]


def gaps(corvette, camera="yard", after=None):
    return corvette.json(f"/api/{camera}/recordings/gaps?after={after or time.time() - 3600}")


def rows(corvette, camera="yard"):
    return corvette.json(f"/api/{camera}/recordings?after={time.time() - 3600}")


def assert_accounted(corvette, camera="yard"):
    """Recordings and gaps lie one after the other, without hole or overlap."""
    spans = sorted([(r["start_time"], r["end_time"], "recorded") for r in rows(corvette, camera)] +
                   [(g["start_time"], g["end_time"], g["cause"]) for g in gaps(corvette, camera)
                    if g["end_time"] is not None])
    for (_, end, a), (start, _, b) in zip(spans, spans[1:]):
        assert -0.1 < start - end < 0.6, f"{start - end:.2f} s between {a} and {b} at {end:.2f}"
    return spans


def settled(corvette, camera="yard", more=2):
    """More segments have come, and their rows."""
    count = len(rows(corvette, camera))
    wait_for(lambda: len(rows(corvette, camera)) >= count + more, f"more rows of {camera}", 90)


def test_a_camera_that_goes_away(tmp_path):
    camera = RtspCamera({"yard": video()}).start()
    config = rtsp_camera(camera.urls["yard"], 320, 180)
    config["ffmpeg"]["output_args"] = SHORT_SEGMENTS
    config["ffmpeg"]["retry_interval"] = 1
    with Corvette(base_config({"yard": config}), tmp_path) as corvette:
        settled(corvette)
        gone = time.time()
        camera.stop()
        running = wait_for(lambda: [g for g in gaps(corvette) if g["end_time"] is None],
                           "the gap that is running", 120)[0]
        assert running["start_time"] == pytest.approx(gone, abs=SLACK_S)
        port = camera.urls["yard"].split(":")[2].split("/")[0]
        again = RtspCamera({"yard": video()}, port=int(port)).start()
        back = time.time()
        try:
            settled(corvette)
            found = [g for g in gaps(corvette) if g["cause"] == "unreachable" and
                     g["start_time"] > gone - SLACK_S]
            assert found, gaps(corvette)
            assert found[0]["start_time"] == pytest.approx(gone, abs=SLACK_S)
            assert found[0]["detail"]
            assert found[-1]["end_time"] > back - SLACK_S
            assert_accounted(corvette)
        finally:
            again.stop()


def test_stops_and_deaths(tmp_path):
    config = base_config({"yard": recorded_camera(video(), 320, 180)})
    with Corvette(config, tmp_path) as corvette:
        settled(corvette)
        # A death of capture may be shorter than what counts as a gap, that of the server is none.
        os.kill(corvette.wait_pid("capture yard"), signal.SIGKILL)
        settled(corvette)
        corvette.url = None
        os.kill(corvette.wait_pid("server"), signal.SIGKILL)
        wait_for(lambda: corvette.url, "the server to listen again")
        settled(corvette)
        before = len([g for g in gaps(corvette) if g["cause"] == "stopped"])
        assert before <= 1
        assert_accounted(corvette)
        asked = time.time()
        corvette.stop()
        stopped = time.time()
    time.sleep(1)  # long enough to be a gap
    again = Corvette(config, tmp_path)
    with again:
        settled(again)
        found = [g for g in gaps(again) if g["cause"] == "stopped"]
        assert len(found) == before + 1
        assert asked - SLACK_S < found[-1]["start_time"] < stopped + SLACK_S
        spans = assert_accounted(again)
        assert {cause for _, _, cause in spans} <= {"recorded", "stopped", "unreachable", "no_keyframe"}
        assert again.get("/api/nocam/recordings/gaps").status_code == 404
