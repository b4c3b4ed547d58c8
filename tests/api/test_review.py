"""Review items, timeline, summaries and activity. What they answer to good requests over a large
database is in tests/conformance; here are changes and bad input."""
import json
import time

import pytest

from conftest import message


@pytest.fixture
def items(system):
    now = time.time()
    for i, severity in enumerate(["alert", "detection"]):
        system.run_sql("INSERT INTO reviewsegment (id, camera, start_time, end_time, "
                       "has_been_reviewed, severity, thumb_path, data) VALUES (?, 'back', ?, ?, 0, ?, "
                       "'/media/frigate/clips/review/x.webp', ?)", f"r{i}", now - 100 + i,
                       now - 50 if i == 0 else None, severity,
                       json.dumps({"detections": [f"event{i}"], "objects": ["person"], "sub_labels": [],
                                   "zones": ["yard"], "audio": []}))
    return system


def ids(system, query=""):
    return [item["id"] for item in system.json("/api/review" + query)]


def test_marking(items):
    assert ids(items) == ["r1", "r0"]
    message(items.request("POST", "/api/reviews/viewed", json={"ids": ["r0", "nope"]}), 200,
            "Reviewed multiple items", True)
    assert ids(items) == ["r1"] and ids(items, "?reviewed=1") == ["r1", "r0"]
    message(items.request("DELETE", "/api/review/r0/viewed"), 200, "Reviewed r0 not viewed", True)
    assert ids(items) == ["r1", "r0"]
    items.request("POST", "/api/reviews/viewed", json={"ids": ["r0", "r1"]})
    assert ids(items) == []
    items.request("POST", "/api/reviews/viewed", json={"ids": ["r1"], "reviewed": False})
    assert ids(items) == ["r1"]
    message(items.request("POST", "/api/review/r1/viewed"), 200, "Reviewed r1 viewed", True)
    assert ids(items) == []


@pytest.mark.parametrize("path", ["viewed", "delete"])
@pytest.mark.parametrize("body", [None, {}, {"ids": []}, {"ids": "r0"}, {"ids": None}, [1], {"ids": {}}])
def test_bad_lists_of_ids(items, path, body):
    message(items.request("POST", f"/api/reviews/{path}", json=body), 404, "Not a valid list of ids")


def test_odd_ids_do_nothing(items):
    for path in ("viewed", "delete"):
        answer = items.request("POST", f"/api/reviews/{path}",
                               json={"ids": [1, None, {}, "' OR 1=1 --"]})
        assert answer.status_code == 200 and ids(items) == ["r1", "r0"]


def test_single_items(items):
    assert items.json("/api/review/r1")["end_time"] is None
    answer = items.get("/api/review/nope")
    assert (answer.status_code, answer.text) == (404, "Review item not found")
    for method in ("POST", "DELETE"):
        message(items.request(method, "/api/review/nope/viewed"), 404, "Review nope not found")
    items.add_event("event0", files=False, start=time.time() - 100, end=time.time() - 60)
    assert items.json("/api/review/event/event0")["id"] == "r0"
    assert items.get("/api/review/event/nope").status_code == 404


def test_the_item_of_an_event_that_was_deleted(system):
    now = time.time()
    event = f"{now - 80}-abcdef"
    for id, start, end in (("old", now - 200, now - 90), ("right", now - 85, now - 40), ("new", now - 30, None)):
        system.run_sql("INSERT INTO reviewsegment (id, camera, start_time, end_time, "
                       "has_been_reviewed, severity, thumb_path, data) VALUES (?, 'back', ?, ?, 0, "
                       "'alert', '', ?)", id, start, end,
                       json.dumps({"detections": [event] if id == "right" else ["x"]}))
    assert system.json(f"/api/review/event/{event}")["id"] == "right"
    system.run_sql("DELETE FROM reviewsegment WHERE id = 'right'")
    assert system.get(f"/api/review/event/{event}").status_code == 404


def test_summary(items):
    last = items.json("/api/review/summary")["last24Hours"]
    assert last["total_alert"] == 1 and last["total_detection"] == 1 and last["reviewed_alert"] == 0
    empty = items.json("/api/review/summary?cameras=nosuch")["last24Hours"]
    assert set(empty.values()) == {None}


@pytest.mark.parametrize("path, name", [
    ("review/summary?timezone=Bad/Zone", "timezone"), ("review/activity/motion?scale=0", "scale"),
    ("review/activity/audio?scale=x", "scale"), ("review/activity/motion?scale=-5", "scale"),
    ("timeline?limit=x", "limit"), ("timeline/hourly?limit=", "limit"),
    ("timeline/hourly?timezone=Bad", "timezone"), ("back/recordings/summary?timezone=", "timezone"),
])
def test_bad_parameters_are_named(system, path, name):
    answer = system.get("/api/" + path)
    assert answer.status_code == 400 and answer.json()["message"].startswith(name + ":")


def test_activity(system):
    assert system.json("/api/review/activity/motion") == []
    assert system.json("/api/review/activity/audio") == []
    for i, (start, motion) in enumerate([(1000020, 5), (1000080, 25), (1000085, 10)]):
        system.run_sql("INSERT INTO recordings (id, camera, path, start_time, end_time, duration, "
                       "segment_size, motion, objects, dBFS) VALUES (?, 'back', ?, ?, ?, 5, 1, ?, 0, -20)",
                       f"r{i}", f"/{i}.mp4", start, start + 5, motion)
    rows = system.json("/api/review/activity/motion?after=0&before=2000000")
    assert rows == [{"camera": "back", "motion": 20.0, "start_time": 1000020},
                    {"camera": "", "motion": 0.0, "start_time": 1000050},
                    {"camera": "back", "motion": 100.0, "start_time": 1000080}]
    rows = system.json("/api/review/activity/audio?after=0&before=2000000")
    assert [row["audio"] for row in rows] == [-100.0, 0.0, -100.0]
    for kind in ("motion", "audio"):
        query = f"review/activity/{kind}?after=0&before=2000000"
        assert system.json("/" + query) == system.json("/api/" + query) != []


def test_activity_over_ages_is_bounded(system):
    for i, start in enumerate((1000, 4000000000)):
        system.run_sql("INSERT INTO recordings (id, camera, path, start_time, end_time, duration, "
                       "segment_size, motion) VALUES (?, 'back', ?, ?, ?, 5, 1, 5)",
                       f"r{i}", f"/{i}.mp4", start, start + 5)
    answer = system.get("/api/review/activity/motion?after=0&before=5000000000&scale=1")
    assert answer.status_code == 400 and answer.json()["message"].startswith("scale:")


def test_an_empty_timeline(system):
    assert system.json("/api/timeline") == []
    assert system.json("/api/timeline/hourly") == {"start": 0, "end": 0, "count": 0, "hours": {}}
    assert system.json("/api/back/recordings/summary") == []
