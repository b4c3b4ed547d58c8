"""Events made by hand, on cameras that have no picture. What is drawn on real ones is in
tests/system/test_made_by_hand.py."""
import concurrent.futures
import re
import time

import pytest
from PIL import Image

from conftest import message, size_of
from corvette import wait_for


@pytest.fixture(autouse=True)
def no_files_left(system):
    yield
    for path in system.clips.glob("*-*.*"):
        path.unlink(missing_ok=True)  # a clean copy goes by itself with its JPEG


def create(system, camera="back", label="bell", body=None, **options):
    options = options or {"json": body if body is not None else {}}
    return system.request("POST", f"/api/events/{camera}/{label}/create", **options)


def made(system, **options):
    answer = create(system, **options)
    assert answer.status_code == 200, answer.text
    assert re.fullmatch(r'\{"event_id":"\d+\.\d+-[a-z0-9]{6}",'
                        r'"message":"Successfully created event.","success":true\}\n', answer.text)
    return answer.json()["event_id"]


def test_an_event_is_there_at_once(system):
    before = time.time()
    id = made(system)
    event = system.json(f"/api/events/{id}")
    instant = float(id.rsplit("-", 1)[0])
    assert before - 0.01 <= instant <= time.time()
    assert event["start_time"] == pytest.approx(instant - 5, abs=1e-5)
    assert event["end_time"] == pytest.approx(instant + 30 + 5, abs=1e-5)
    assert event["data"] == {"type": "api", "score": 0, "top_score": 0}
    assert (event["label"], event["camera"], event["zones"]) == ("bell", "back", [])
    assert event["sub_label"] is None
    assert event["has_snapshot"] and not event["has_clip"]  # the camera does not record
    assert system.json("/api/events?labels=bell")[0]["id"] == id
    # Its camera has no picture, and says so.
    snapshot = system.get(f"/api/events/{id}/snapshot.jpg")
    assert size_of(snapshot) == (1280, 720)
    assert size_of(system.get(f"/api/events/{id}/thumbnail.jpg")) == (311, 175)
    clean = system.clips / f"back-{id}-clean.png"
    wait_for(clean.exists, "the clean copy")
    assert Image.open(clean).size == (1280, 720)
    assert size_of(system.get(f"/api/events/{id}/snapshot-clean.png")) == (1280, 720)
    assert system.json(f"/api/timeline?source_id={id}") == [{
        "camera": "back", "class_type": "external", "source": "api", "source_id": id,
        "timestamp": pytest.approx(instant), "data": {"label": "bell", "sub_label": None}}]


def test_an_open_one_and_its_end(system):
    id = made(system, body={"duration": None, "sub_label": "left", "score": 0.5})
    event = system.json(f"/api/events/{id}")
    assert event["end_time"] is None and event["sub_label"] == "left"
    assert event["data"]["score"] == 0.5
    assert [e["id"] for e in system.json("/api/events?in_progress=1")] == [id]
    snapshot = system.get(f"/api/events/{id}/snapshot.jpg")
    assert snapshot.status_code == 200 and snapshot.headers["Cache-Control"] == "no-store"
    url = f"/api/events/{id}/end"
    message(system.request("PUT", url, json={"end_time": 1700000000.25}), 200,
            "Event successfully ended.", True)
    assert system.json(f"/api/events/{id}")["end_time"] == 1700000000.25
    before = time.time()
    message(system.request("PUT", url), 200, "Event successfully ended.", True)
    assert before - 0.01 <= system.json(f"/api/events/{id}")["end_time"] <= time.time()
    snapshot = system.get(f"/api/events/{id}/snapshot.jpg")
    assert snapshot.headers["Cache-Control"] == "private, max-age=31536000"
    message(system.request("PUT", "/api/events/nope/end"), 200, "Event successfully ended.", True)


@pytest.mark.parametrize("body, begin", [
    ({"end_time": "5"}, "end_time: not a number"), ({"end_time": True}, "end_time: not a number"),
    ({"end_time": -1}, "end_time: -1 is"), ({"end_time": 1e300}, "end_time: 1e+300 is"),
    ([5], "The body is not"),
])
def test_ends_that_cannot_be(system, body, begin):
    id = made(system, body={"duration": None})
    answer = system.request("PUT", f"/api/events/{id}/end", json=body)
    assert answer.status_code == 400 and answer.json()["message"].startswith(begin)
    assert system.json(f"/api/events/{id}")["end_time"] is None


def test_a_body_is_not_needed(system):
    for options in ({}, {"data": b"{not json", "headers": {"Content-Type": "text/plain"}},
                    {"data": b"", "headers": {"Content-Type": "application/json"}},
                    {"json": {"duration": 0, "draw": {}, "sub_label": None, "score": None,
                              "source_type": None, "include_recording": None, "unknown": 1}}):
        made(system, **(options or {"data": b""}))
    assert len(system.json("/api/events?labels=bell")) == 4


BOX = [0.1, 0.1, 0.5, 0.5]


@pytest.mark.parametrize("body, begin", [
    ({"duration": "5"}, "duration: not a number"), ({"duration": -0.5}, "duration: -0.5 is"),
    ({"duration": 1e9}, "duration: 1e+09 is"), ({"duration": True}, "duration: not a number"),
    ({"score": "high"}, "score: not a number"), ({"score": -1}, "score: -1 is"),
    ({"score": 101}, "score: 101 is"),
    ({"sub_label": 5}, "sub_label: not a text"), ({"sub_label": "ü" * 101}, "sub_label: longer"),
    ({"source_type": ""}, "source_type: "), ({"source_type": []}, "source_type: not a text"),
    ({"include_recording": "yes"}, "include_recording: "),
    ({"draw": [1]}, "draw: not an object"), ({"draw": {"boxes": {}}}, "draw.boxes: not a list"),
    ({"draw": {"boxes": [5]}}, "draw.boxes[0]: not an object"),
    ({"draw": {"boxes": [{"box": BOX}, {}]}}, "draw.boxes[1].box: not four numbers"),
    ({"draw": {"boxes": [{"box": BOX[:3]}]}}, "draw.boxes[0].box: not four numbers"),
    ({"draw": {"boxes": [{"box": BOX + [1]}]}}, "draw.boxes[0].box: not four numbers"),
    ({"draw": {"boxes": [{"box": [0, 0, "1", 1]}]}}, "draw.boxes[0].box: not four numbers"),
    ({"draw": {"boxes": [{"box": [0, 0, 1.01, 1]}]}}, "draw.boxes[0].box: 1.01 is"),
    ({"draw": {"boxes": [{"box": [-0.1, 0, 1, 1]}]}}, "draw.boxes[0].box: -0.1 is"),
    ({"draw": {"boxes": [{"box": BOX, "color": "red"}]}}, "draw.boxes[0].color: "),
    ({"draw": {"boxes": [{"box": BOX, "color": [1, 2]}]}}, "draw.boxes[0].color: "),
    ({"draw": {"boxes": [{"box": BOX, "color": [1, 2, 256]}]}}, "draw.boxes[0].color: "),
    ({"draw": {"boxes": [{"box": BOX, "score": "x"}]}}, "draw.boxes[0].score: not a number"),
    ({"draw": {"boxes": [{"box": BOX}] * 65}}, "draw.boxes: 65"),
    ([1], "The body is not a JSON object"), ("text", "The body is not a JSON object"),
])
def test_bodies_that_cannot_be(system, body, begin):
    answer = create(system, body=body)
    assert answer.status_code == 400 and answer.json()["success"] is False
    assert answer.json()["message"].startswith(begin), answer.text
    assert system.json("/api/events") == [] and not list(system.clips.glob("back-*.jpg"))


@pytest.mark.parametrize("data", [b"{bad", b'{"duration": NaN}', b'{"duration": 1e999}',
                                  b'{"a":1,"a":2}', b'"\xff"', b"[" * 100000, b"{}{}"])
def test_bodies_that_are_not_json(system, data):
    answer = create(system, data=data, headers={"Content-Type": "application/json"})
    message(answer, 400, "The body is not a JSON object")
    assert system.json("/api/events") == []


def test_cameras_and_labels(system):
    message(create(system, camera="nocam"), 404, "nocam is not a valid camera.")
    for label in ("any%20thing", "..%2F..%2Fx", "L%C3%A4ufer", "%25", "x" * 100, "a%0Ab"):
        made(system, label=label)
    labels = {event["label"] for event in system.json("/api/events")}
    assert labels == {"any thing", "../../x", "Läufer", "%", "x" * 100, "a\nb"}
    assert {path.name.split("-")[0] for path in system.clips.glob("*.jpg")} == {"back"}
    message(create(system, label="x" * 101), 400, "label: has 101 characters, 1 to 100 are allowed")
    message(create(system, label="%FF"), 400, "label: not UTF-8")


def test_a_camera_without_snapshots(system):
    id = made(system, camera="front_door")
    assert system.json(f"/api/events/{id}")["has_snapshot"]  # one made by hand has one always
    assert size_of(system.get(f"/api/events/{id}/snapshot.jpg")) == (640, 480)
    assert size_of(system.get("/api/front_door/bell/snapshot.jpg")) == (640, 480)


def test_naming_and_deleting_an_open_one(system):
    id = made(system, body={"duration": None})
    system.request("POST", f"/api/events/{id}/sub_label", json={"subLabel": "bob"})
    assert system.json(f"/api/events/{id}")["sub_label"] == "bob"
    assert system.json(f"/api/timeline?source_id={id}")[0]["data"]["sub_label"] == ["bob", None]
    wait_for((system.clips / f"back-{id}-clean.png").exists, "the clean copy")
    assert system.request("DELETE", f"/api/events/{id}").status_code == 200
    assert not list(system.clips.glob(f"back-{id}*"))
    assert system.json(f"/api/timeline?source_id={id}") == []
    system.request("PUT", f"/api/events/{id}/end")
    assert system.get(f"/api/events/{id}").status_code == 404


def test_sounds(system):
    id = made(system, label="bark", body={"source_type": "audio", "score": 0.75})
    row = system.json(f"/api/timeline?source_id={id}")[0]
    assert (row["class_type"], row["source"]) == ("heard", "audio")
    assert system.json(f"/api/events/{id}")["data"]["type"] == "audio"


def test_many_at_once(system):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        ids = set(pool.map(lambda _: made(system), range(40)))
    assert len(ids) == 40
    # An answer does not wait for the database for ever: on a slow machine rows may come later.
    events = wait_for(lambda: len(e := system.json("/api/events?limit=-1&include_thumbnails=0")) >= 40 and e,
                      "the rows")
    assert {event["id"] for event in events} == ids
    assert all(event["has_snapshot"] for event in events)


def test_statistics(system):
    made(system)
    server = system.stats()["corvette"]["server"]
    assert server["manual"]["refused"] == 0 and server["timeline"]["dropped"] == 0
