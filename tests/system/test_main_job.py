"""The main job on drawn scenes: record, detect, track, answer."""
import time

import pytest

from corvette import Corvette, base_config, file_camera, wait_for
from pictures import assert_no_frame_missing, image, probe, stamps
from scenes import read_truth, scene


@pytest.fixture(scope="module")
def system(tmp_path_factory):
    yard, _ = scene("yard", "--seed", 1, "--duration", 40, "--loopable", "--stamp")
    street, _ = scene("street", "--seed", 2, "--duration", 40, "--loopable", "--stamp", "--night")
    config = base_config({"yard": file_camera(yard), "street": file_camera(street)})
    with Corvette(config, tmp_path_factory.mktemp("main-job")) as corvette:
        yield corvette


def truth_labels(name):
    _, truth = scene(name, *{"yard": ("--seed", 1, "--duration", 40, "--loopable", "--stamp"),
                             "street": ("--seed", 2, "--duration", 40, "--loopable", "--stamp",
                                        "--night")}[name])
    return {o["label"] for frame in read_truth(truth) for o in frame["objects"]}


def finished(system, camera):
    events = system.json(f"/api/events?cameras={camera}&include_thumbnails=0&limit=-1")
    return [e for e in events if e["end_time"] is not None]


def test_events_of_the_right_labels_within_a_minute(system):
    for camera in ("yard", "street"):
        events = wait_for(lambda: finished(system, camera), f"a finished event of {camera}", 90)
        assert {e["label"] for e in events} <= truth_labels(camera)


def test_running_events_are_shown_while_they_run(system):
    event = wait_for(lambda: system.json("/api/events?in_progress=1&include_thumbnails=0"),
                     "a running event", 90)[0]
    assert event["end_time"] is None


def test_snapshot_shows_the_box_on_the_object(system):
    event = wait_for(lambda: [e for e in finished(system, "yard") if e["has_snapshot"]],
                     "an event with a snapshot", 90)[0]
    picture = image(system.get(f"/api/events/{event['id']}/snapshot.jpg").content)
    clean = image(system.get(f"/api/events/{event['id']}/snapshot-clean.png").content)
    assert picture.shape == clean.shape == (720, 1280, 3)
    x, y, w, h = (v * s for v, s in zip(event["data"]["box"], (1280, 720, 1280, 720)))
    changed = abs(picture.astype(int) - clean.astype(int)).max(axis=2) > 60
    rows, columns = changed.nonzero()
    assert abs(columns.min() - x) < 12 and abs(columns.max() - (x + w)) < 120  # caption may stand out
    assert abs(rows.max() - (y + h)) < 12
    # The object itself is inside: more detail there than JPEG noise.
    inside = clean[int(y):int(y + h), int(x):int(x + w)]
    assert inside.std() > 8


def test_thumbnail_is_a_picture(system):
    event = wait_for(lambda: finished(system, "yard"), "a finished event", 90)[0]
    thumbnail = image(system.get(f"/api/events/{event['id']}/thumbnail.jpg").content)
    assert thumbnail.shape[0] == 175


def test_live_pictures_move(system):
    first = image(system.get("/api/yard/latest.jpg").content)
    assert first.shape == (720, 1280, 3)
    wait_for(lambda: (image(system.get("/api/yard/latest.jpg").content) != first).any(),
             "a new live picture")


def test_mjpeg_plays(system):
    with system.request("GET", "/api/yard?fps=5&h=240&bbox=1", stream=True) as answer:
        assert answer.headers["Content-Type"] == "multipart/x-mixed-replace; boundary=frame"
        data = b""
        for chunk in answer.iter_content(4096):
            data += chunk
            if data.count(b"--frame\r\n") >= 4:
                break
    part = data.split(b"--frame\r\n")[1]
    head, _, body = part.partition(b"\r\n\r\n")
    assert b"image/jpeg" in head
    assert image(body.rstrip(b"\r\n")).shape[0] == 240


def test_recordings_play_from_start_to_end_without_gaps(system):
    segments = wait_for(lambda: (s := system.segments("yard")) and len(s) >= 3 and s,
                        "three segments", 120)
    numbers = []
    for segment in segments:
        assert float(probe(segment, "-show_entries", "format=start_time")[0]) == pytest.approx(0, abs=0.06)
        numbers += stamps(segment)
    assert_no_frame_missing(numbers, 40 * 20)
    rows = wait_for(lambda: (r := system.json(
        f"/api/yard/recordings?after={time.time() - 600}")) and len(r) >= len(segments) and r,
        "rows of the segments")
    for a, b in zip(rows, rows[1:]):
        assert b["start_time"] == pytest.approx(a["end_time"], abs=0.06)


def test_statistics_are_measured(system):
    wait_for(lambda: system.stats()["cameras"]["yard"]["camera_fps"] > 0, "statistics", 60)
    stats = wait_for(lambda: (s := system.stats())["detectors"]["cpu"]["inference_speed"] > 0 and s,
                     "an inference speed")
    pids = system.pids()
    camera = stats["cameras"]["yard"]
    assert camera["capture_pid"] == pids["capture yard"]
    assert camera["pid"] == pids["analyse yard"]
    assert stats["detectors"]["cpu"]["pid"] == pids["detector cpu"]
    assert float(stats["cpu_usages"][str(pids["capture yard"])]["mem"]) > 0
    assert stats["service"]["storage"]["/media/frigate/recordings"]["total"] > 0


def test_page_is_served(system):
    answer = system.get("/")
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "<title>" in answer.text


def test_clean_stop_is_quick_and_loses_nothing(tmp_path):
    yard, _ = scene("yard", "--seed", 1, "--duration", 40, "--loopable", "--stamp")
    corvette = Corvette(base_config({"yard": file_camera(yard)}), tmp_path).start()
    wait_for(lambda: [f for f in tmp_path.glob("media/recordings/*/*/yard/.*")
                      if f.stat().st_size > 100000], "an open segment with something to lose")
    taken = corvette.stop()
    assert corvette.process.returncode == 0
    assert taken < 2.5
    segments = corvette.segments("yard")
    assert segments and not list(tmp_path.glob("media/recordings/*/*/yard/.*"))
    assert_no_frame_missing([n for s in segments for n in stamps(s)], 40 * 20)
