"""Events made by hand on a camera that shows something, and the timeline of what it shows."""
import os
import signal
import time

import numpy
import pytest

from corvette import SHORT_SEGMENTS, Corvette, base_config, file_camera, wait_for
from pictures import image, probe
from scenes import scene

RED, GREEN = (255, 0, 0), (0, 255, 0)
STEPS = {"visible", "entered_zone", "stationary", "active", "gone"}


def clip():
    return scene("yard", "--seed", 1, "--duration", 40, "--loopable", "--stamp")[0]


@pytest.fixture(scope="module")
def system(tmp_path_factory):
    camera = file_camera(clip(), zones={
        "left": {"coordinates": "0,0,0.5,0,0.5,1,0,1", "inertia": 1},
        "right": {"coordinates": "0.5,0,1,0,1,1,0.5,1", "inertia": 1}})
    camera["detect"]["stationary"] = {"threshold": 5}
    camera["ffmpeg"]["output_args"] = SHORT_SEGMENTS
    # Nothing is kept for its own sake, and of events only what moves.
    config = base_config({"yard": camera}, record={
        "enabled": True, "retain": {"days": 0},
        "events": {"pre_capture": 3, "post_capture": 2, "retain": {"mode": "active_objects"}}})
    with Corvette(config, tmp_path_factory.mktemp("by-hand")) as corvette:
        wait_for(lambda: corvette.segments("yard"), "a segment")
        yield corvette


def create(system, label="bell", **body):
    answer = system.request("POST", f"/api/events/yard/{label}/create", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()["event_id"]


def is_coloured(picture, y, x, colour):
    """The pixel, up to what JPEG makes of two pixels of colour."""
    pixel = picture[y, x].astype(int)
    wanted = numpy.array(colour)
    return (pixel[wanted == 255] > 140).all() and (pixel[wanted == 0] < 110).all()


def test_boxes_are_drawn_where_and_as_asked(system):
    id = create(system, draw={"boxes": [{"box": [0.5, 0.5, 0.25, 0.25], "score": 100},
                                        {"box": [0.1, 0.6, 0.2, 0.3], "color": GREEN}]})
    picture = image(system.get(f"/api/events/{id}/snapshot.jpg").content)
    wait_for(lambda: system.get(f"/api/events/{id}/snapshot-clean.png").ok, "the clean copy")
    clean = image(system.get(f"/api/events/{id}/snapshot-clean.png").content)
    assert picture.shape == clean.shape == (720, 1280, 3)
    for y in range(380, 520, 20):
        assert is_coloured(picture, y, 640, RED) and is_coloured(picture, y, 960, RED)
    for x in range(660, 940, 20):
        assert is_coloured(picture, 540, x, RED)
    for y in range(460, 620, 20):
        assert is_coloured(picture, y, 128, GREEN) and is_coloured(picture, y, 384, GREEN)
    # Between the lines, below the captions, the picture is that of the camera.
    changed = abs(picture.astype(int) - clean.astype(int)).max(axis=2)
    assert changed[400:520, 660:940].mean() < 12 and changed[:300].mean() < 12
    assert clean.std() > 20
    thumbnail = image(system.get(f"/api/events/{id}/thumbnail.jpg").content)
    assert thumbnail.shape == (175, 311, 3)
    assert abs(thumbnail.mean() - clean.mean()) < 12
    # The label and its score stand above the box.
    caption = picture[340:358, 640:800]
    assert (caption[..., 0] > 150).mean() > 0.3 and (caption.max(axis=2) < 90).any()


def test_its_recording_is_kept_and_plays(system):
    id = create(system, duration=2)
    start = system.json(f"/api/events/{id}")["start_time"]
    end = system.json(f"/api/events/{id}")["end_time"]
    assert end - start == pytest.approx(3 + 2 + 2, abs=0.01)
    rows = wait_for(lambda: (r := [r for r in system.json(f"/api/yard/recordings?after={start}")
                                   if r["start_time"] < end])
                    and r[-1]["end_time"] >= end and r, "the recordings")
    assert all(row["objects"] >= 1 for row in rows)
    kept = system.json(f"/api/yard/recordings/retention?after={start}&before={end}")
    overlapping = [s for s in kept if s["end_time"] >= start and s["start_time"] <= end]
    assert overlapping and all("manual" in s["reasons"] for s in overlapping)
    video = system.data / "clip.mp4"
    video.write_bytes(system.get(f"/api/events/{id}/clip.mp4").content)
    assert float(probe(video, "-show_entries", "format=duration")[0]) == pytest.approx(end - start, abs=0.3)


def test_an_alert_holds_it(system):
    id = create(system, label="doorbell", sub_label="front", duration=1)
    item = wait_for(lambda: next((i for i in system.json("/api/review?reviewed=1")
                                  if id in i["data"]["detections"]), None), "the review item")
    assert item["severity"] == "alert" and "doorbell: front" in item["data"]["objects"]


def steps_of(system, event):
    return system.json(f"/api/timeline?source_id={event['id']}&limit=-1")


def tracked(system, **conditions):
    query = "&".join(f"{key}={value}" for key, value in conditions.items())
    events = system.json(f"/api/events?include_thumbnails=0&limit=-1&{query}")
    return [e for e in events if e["data"]["type"] == "object"]


def test_a_name_stays_while_the_object_is_followed(system):
    event = wait_for(lambda: tracked(system, in_progress=1), "a running event", 90)[0]
    answer = system.request("POST", f"/api/events/{event['id']}/sub_label",
                            json={"subLabel": "Zoë", "subLabelScore": 0.75})
    assert answer.status_code == 200

    def ended():
        row = system.json(f"/api/events/{event['id']}")
        assert row["sub_label"] == "Zoë" and row["data"]["sub_label_score"] == 0.75
        return row["end_time"]
    wait_for(ended, "its end", 90)
    steps = wait_for(lambda: (s := steps_of(system, event)) and s[-1]["class_type"] == "gone" and s,
                     "its last step")
    assert {tuple(step["data"]["sub_label"]) for step in steps} == {("Zoë", 0.75)}


def test_the_timeline_of_what_was_seen(system):
    def all_seen():
        seen = {step["class_type"] for event in tracked(system) for step in steps_of(system, event)}
        return STEPS <= seen
    wait_for(all_seen, "all kinds of steps", 120)
    finished = tracked(system, in_progress=0)
    assert finished
    for event in finished:
        steps = steps_of(system, event)
        names = [step["class_type"] for step in steps]
        assert names[0] == "visible" and names[-1] == "gone" and names.count("visible") == 1
        assert names.count("gone") == 1
        assert steps[0]["timestamp"] == pytest.approx(float(event["id"].split("-")[0]), abs=1e-4)
        assert steps[-1]["timestamp"] == pytest.approx(event["end_time"] - 2, abs=1e-4)
        entered = {zone for step in steps for zone in step["data"].get("zones", [])}
        assert entered <= set(event["zones"]) <= {"left", "right"}
        for a, b in zip((n for n in names if n in ("stationary", "active")),
                        [n for n in names if n in ("stationary", "active")][1:]):
            assert a != b
        for step in steps:
            assert step["source"] == "tracked_object" and step["data"]["label"] == event["label"]
            x, y, w, h = step["data"]["box"]
            assert 0 <= x <= 1 and 0 <= y <= 1 and 0 < w <= 1 and 0 < h <= 1
    # Whoever is not an event has no timeline.
    ids = {row["source_id"] for row in system.json("/api/timeline?limit=-1")}
    assert ids <= {event["id"] for event in system.json("/api/events?limit=-1&include_thumbnails=0")}


def test_an_open_one_outlives_the_server(system):
    id = create(system, duration=None)
    server = system.pids()["server"]
    os.kill(server, signal.SIGKILL)
    system.wait_pid("server", other_than=server)
    time_of_end = time.time() + 1

    def answered():
        try:
            return system.get(f"/api/events/{id}").ok
        except OSError:
            return False
    wait_for(answered, "the next server")
    assert system.json(f"/api/events/{id}")["end_time"] is None
    system.request("PUT", f"/api/events/{id}/end", json={"end_time": time_of_end})
    assert system.json(f"/api/events/{id}")["end_time"] == pytest.approx(time_of_end)
