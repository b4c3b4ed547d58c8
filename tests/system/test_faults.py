"""Each role is killed, hung or starved; the others go on, and not one recorded frame is missing."""
import os
import signal
import time

import pytest

from corvette import Corvette, base_config, file_camera, wait_for
from pictures import assert_no_frame_missing, stamps
from scenes import scene

CYCLE = 20 * 20


def clip():
    return scene("short", "--seed", 3, "--duration", 20, "--loopable", "--stamp")[0]


@pytest.fixture
def system(tmp_path):
    with Corvette(base_config({"yard": file_camera(clip())}), tmp_path) as corvette:
        wait_for(lambda: list(tmp_path.glob("media/recordings/*/*/yard/.*")), "a recording")
        yield corvette


def kill(system, role, signal_number=signal.SIGKILL):
    old = system.wait_pid(role)
    os.kill(old, signal_number)
    return old


def test_killed_workers_are_back_in_two_seconds(system):
    for role in ("analyse yard", "detector cpu", "server", "capture yard"):
        old = kill(system, role)
        begin = time.monotonic()
        system.wait_pid(role, other_than=old)
        assert time.monotonic() - begin < 2, role


def test_recording_misses_no_frame_while_the_others_die(system):
    """kill -9 of analyse, detector and server in turn, many times."""
    begin = len(system.segments("yard"))
    roles = ["analyse yard", "detector cpu", "server"]
    turns = 0
    while len(system.segments("yard")) < begin + 2:
        role = roles[turns % len(roles)]
        old = kill(system, role)
        system.wait_pid(role, other_than=old)
        turns += 1
    assert turns >= 6
    system.stop()
    assert_no_frame_missing([n for s in system.segments("yard") for n in stamps(s)], CYCLE)


def test_last_death_is_told(system):
    kill(system, "analyse yard")
    wait_for(lambda: "signal 9" in (system.worker("analyse", "yard")["last_death"] or ""),
             "the reason of the death in the statistics")


def test_a_hung_detector_is_replaced_and_detection_goes_on(system):
    wait_for(lambda: system.stats()["detection_fps"] > 0, "detections", 90)
    old = kill(system, "detector cpu", signal.SIGSTOP)
    system.wait_pid("detector cpu", other_than=old)
    wait_for(lambda: system.stats()["detectors"]["cpu"]["inference_speed"] > 0 and
             system.stats()["detection_fps"] > 0, "detections of the new detector", 90)


def test_killed_capture_loses_at_most_the_open_fragment(system):
    wait_for(lambda: system.segments("yard"), "a finished segment")
    kill(system, "capture yard")
    before = len(system.segments("yard"))
    wait_for(lambda: len(system.segments("yard")) > before, "the adopted segment")
    wait_for(lambda: len(system.segments("yard")) > before + 1, "a segment of the new capture")
    system.stop()
    numbers = [n for s in system.segments("yard") for n in stamps(s)]
    assert None not in numbers
    breaks = [i for i, (a, b) in enumerate(zip(numbers, numbers[1:])) if (a + 1) % CYCLE != b]
    assert len(breaks) == 1  # where capture died; each run before and after is whole


def test_the_whole_tree_killed_starts_again(tmp_path):
    corvette = Corvette(base_config({"yard": file_camera(clip())}), tmp_path).start()
    wait_for(lambda: corvette.segments("yard"), "a finished segment")
    corvette.kill()
    again = Corvette(base_config({"yard": file_camera(clip())}), tmp_path)
    with again:
        wait_for(lambda: len(again.segments("yard")) >= 3, "adopted and new segments", 90)
        rows = wait_for(lambda: (r := again.json(f"/api/yard/recordings?after={time.time() - 600}"))
                        and len(r) >= 2 and r, "rows for all of them")
        assert len({r["id"] for r in rows}) == len(rows)
        events = again.json("/api/events?in_progress=1&include_thumbnails=0")
        assert all(e["start_time"] > time.time() - 60 for e in events)


def test_restart_by_the_api(system):
    old = system.wait_pid("server")
    answer = system.request("POST", "/api/restart")
    assert answer.status_code == 200 and answer.json()["success"] is True
    system.url = None
    system.wait_pid("server", other_than=old)
    wait_for(lambda: system.url, "the server to listen again")
    assert system.get("/api/version").status_code == 200
