"""Configuration, statistics, page, recordings, restart."""
import time

import pytest

from conftest import CONFIG, System
from corvette import wait_for


def test_config(system):
    config = system.json("/api/config")
    assert config["cameras"]["back"]["detect"]["width"] == 1280
    assert config["version"] == 0.14
    text = system.get("/api/config").text
    assert "s3cret" not in text and "rtsp://*:*@127.0.0.1:1/x" in text


def test_stats(system):
    stats = system.stats()
    for key in ("cameras", "cpu_usages", "detectors", "detection_fps", "processes", "service"):
        assert key in stats
    camera = stats["cameras"]["back"]
    for key in ("camera_fps", "process_fps", "skipped_fps", "detection_fps"):
        assert isinstance(camera[key], float)
    assert stats["service"]["version"] == system.get("/api/version").text
    assert "/media/frigate/recordings" in stats["service"]["storage"]


def test_requests_are_counted(system):
    wait_for(lambda: system.stats()["corvette"]["server"]["worker"]["counters"]["requests"] > 0,
             "the counter of requests")


def test_stats_history(system):
    rows = system.json("/api/stats/history?keys=service,nope")
    assert isinstance(rows, list)
    for row in rows:
        assert set(row) == {"service", "nope"} and row["nope"] is None


def test_the_page(system):
    page = system.get("/")
    assert page.headers["Content-Type"] == "text/html; charset=utf-8" and "app.js" in page.text
    assert "default-src 'self'" in page.headers["Content-Security-Policy"]
    for name, kind in (("app.js", "text/javascript"), ("style.css", "text/css"), ("icon.svg", "image/svg+xml")):
        answer = system.get("/" + name)
        assert answer.status_code == 200 and answer.headers["Content-Type"].startswith(kind)
        assert system.get("/" + name, headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
        plain = system.get("/" + name, headers={"Accept-Encoding": "identity"})
        assert plain.content == answer.content
    assert system.get("/some/where/else").text == page.text


def test_recordings(system):
    now = time.time()
    for i, (camera, start) in enumerate([("back", now - 100), ("back", now - 90), ("back", now - 7200),
                                         ("front_door", now - 50)]):
        system.run_sql("INSERT INTO recordings (id, camera, path, start_time, end_time, duration, "
                       "segment_size, motion) VALUES (?, ?, ?, ?, ?, 10, 1.5, 3)", f"r{i}", camera,
                       f"/media/frigate/recordings/{i}.mp4", start, start + 10)
    def names(query):
        return [row["id"] for row in system.json(f"/api/back/recordings{query}")]
    assert names("") == ["r0", "r1"]
    assert names("?after=abc&before=") == ["r0", "r1"]
    assert names(f"?after={now - 7300}&before={now - 7000}") == ["r2"]
    assert names(f"?after={now - 95}&before={now - 94}") == ["r0"]
    row = system.json("/api/back/recordings")[0]
    assert row == {"id": "r0", "start_time": row["start_time"], "end_time": row["end_time"],
                   "duration": 10.0, "segment_size": 1.5, "motion": 3, "objects": None}
    assert system.json("/api/nosuch/recordings") == []


@pytest.fixture
def own(tmp_path):
    with System(CONFIG, tmp_path) as system:
        yield system


def test_storage(system):
    """Every camera, in the order of the names, recorded or not."""
    now = time.time()
    system.run_sql("INSERT INTO recordings (id, camera, path, start_time, end_time, duration, "
                   "segment_size) VALUES ('s', 'back', '/media/frigate/recordings/s.mp4', ?, ?, 10, 2.5)",
                   now - 20, now - 10)
    answer = system.get("/api/recordings/storage")
    rows = answer.json()
    assert list(rows) == sorted(rows) == ["back", "front_door"]
    assert list(rows["back"]) == ["bandwidth", "usage", "usage_percent"] and rows["back"]["usage"] == 2.5
    assert rows["front_door"] == {"bandwidth": 0, "usage": None}


def test_restart(own):
    """A restart that was asked for over HTTP brings every worker up anew."""
    before = own.wait_pid("server")
    answer = own.request("POST", "/api/restart")
    assert answer.json() == {"success": True,
                             "message": "Restarting (this can take up to one minute)..."}
    own.wait_pid("server", other_than=before)
    wait_for(lambda: _answers(own), "the API after the restart")


def _answers(system):
    try:
        return system.get("/api/version").status_code == 200
    except OSError:
        return False
