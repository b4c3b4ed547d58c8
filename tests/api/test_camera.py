"""Pictures of what a camera sees, with a camera that works (a drawn scene) and one that does not."""
import re
import threading
import time

import pytest

from conftest import System, message, size_of
from corvette import base_config, file_camera, wait_for
from pictures import image
from scenes import scene


@pytest.fixture(scope="module")
def live(tmp_path_factory):
    video, _ = scene("yard", "--seed", 1, "--duration", 40, "--loopable", "--stamp")
    config = base_config({
        "yard": file_camera(video, zones={"lawn": {"coordinates": "0.1,0.5,0.9,0.5,0.9,1,0.1,1"}}),
        "dead": {"ffmpeg": {"inputs": [{"path": "rtsp://127.0.0.1:1/x", "roles": ["detect"]}]},
                 "detect": {"width": 640, "height": 360, "fps": 5}},
    })
    with System(config, tmp_path_factory.mktemp("camera")) as system:
        wait_for(lambda: system.stats()["cameras"]["yard"]["camera_fps"] > 0, "pictures of the camera")
        yield system


def test_latest(live):
    answer = live.get("/api/yard/latest.jpg")
    assert answer.headers["Content-Type"] == "image/jpg" and size_of(answer) == (1280, 720)
    assert answer.headers["Cache-Control"] == "no-store"
    answer = live.get("/api/yard/latest.webp?h=180&cache=123")
    assert answer.headers["Content-Type"] == "image/webp" and size_of(answer) == (320, 180)
    assert image(answer.content).std() > 5  # it shows something


def test_quality_counts(live):
    for kind in ("jpg", "webp"):
        good, bad = (len(live.get(f"/api/yard/latest.{kind}?quality={q}").content) for q in (95, 10))
        assert good > 1.5 * bad


@pytest.mark.parametrize("height", ["0", "-5", "99999", "1"])
def test_absurd_heights(live, height):
    answer = live.get(f"/api/yard/latest.jpg?h={height}")
    if height == "1":
        assert answer.status_code == 200
    else:
        assert answer.status_code == 400
        assert answer.headers["Content-Type"].startswith("text/html")
        assert answer.text.startswith(f"Invalid height / width requested :: {height} / ")


@pytest.mark.parametrize("path", ["latest.jpg?h=abc", "latest.jpg?h=", "?fps=0", "?fps=x", "?h=0", "?h=abc",
                                  "?fps=-1"])
def test_bad_numbers_are_named(live, path):
    answer = live.get("/api/yard" + ("/" if path[0] != "?" else "") + path)
    name = re.search(r"\?(\w+)=", path)[1]
    assert answer.status_code == 400 and answer.json()["message"].startswith(name + ":")


def test_overlays(live):
    def mean(query):
        return image(live.get("/api/yard/latest.jpg?h=360&" + query).content).astype(int)
    # The scene moves, so only what an overlay must change for certain is looked at.
    assert live.get("/api/yard/latest.jpg?bbox=1&timestamp=1&zones=1&mask=1&motion=1&regions=1").status_code == 200
    difference = abs(mean("zones=1") - mean("")).max()
    assert difference > 60


def test_a_camera_without_pictures_shows_a_card(live):
    answer = live.get("/api/dead/latest.jpg")
    assert answer.status_code == 200 and size_of(answer) == (640, 360)
    assert size_of(live.get("/api/dead/latest.jpg?h=100")) == (177, 100)


def test_grid(live):
    answer = live.get("/api/dead/grid.jpg")
    assert answer.status_code == 500 and answer.json()["message"].startswith("Unable to get")
    cells = [[{"sizes": []} for _ in range(8)] for _ in range(8)]
    cells[3][4] = {"sizes": [0.2, 0.3], "x": 3, "y": 4, "std_dev": 0.05, "mean": 0.25}
    import json
    live.run_sql("INSERT OR REPLACE INTO regions (camera, last_update, grid) VALUES ('yard', 1, ?)",
                 json.dumps(cells))
    for query in ("", "?color=red&font_scale=1", "?color=nonsense&font_scale=abc"):
        answer = live.get("/api/yard/grid.jpg" + query)
        assert answer.headers["Content-Type"] == "image/jpeg" and size_of(answer) == (1280, 720)
    live.run_sql("UPDATE regions SET grid = '[1,2' WHERE camera = 'yard'")
    assert live.get("/api/yard/grid.jpg").status_code == 500


def read_parts(answer, count):
    """Pictures of a multipart stream, with when each was complete."""
    data, parts = b"", []
    for chunk in answer.iter_content(16384):
        data += chunk
        while (end := data.find(b"\r\n\r\n--frame\r\n")) >= 0:
            head, _, picture = data[:end].partition(b"\r\n\r\n")
            assert head.lstrip(b"\r\n").startswith((b"--frame\r\nContent-Type: image/jpeg", b"Content-Type"))
            parts.append((time.monotonic(), picture))
            data = data[end + 4:]
        if len(parts) >= count:
            return parts
    raise AssertionError("the stream ended")


def test_stream(live):
    with live.get("/api/yard?fps=5&h=200&bbox=1", stream=True) as answer:
        assert answer.headers["Content-Type"] == "multipart/x-mixed-replace; boundary=frame"
        parts = read_parts(answer, 6)
    assert image(parts[-1][1]).shape == (200, 355, 3)
    assert len({picture for _, picture in parts}) > 2
    rate = (len(parts) - 1) / (parts[-1][0] - parts[0][0])
    assert rate < 8  # never faster than asked; how slow a loaded machine is, is its own affair


def test_stream_without_pictures_is_black(live):
    with live.get("/api/dead?h=90&fps=10", stream=True) as answer:
        picture = image(read_parts(answer, 2)[0][1])
    assert picture.shape == (90, 160, 3) and picture.max() < 16


def test_slow_clients_harm_nobody(live):
    """Streams nobody reads, and ones that are dropped in the middle: everyone else is served."""
    held = [live.get("/api/yard?fps=30&h=720", stream=True) for _ in range(12)]
    for answer in held[::2]:
        next(answer.iter_content(1000))
    worst = 0
    for _ in range(20):
        began = time.monotonic()
        assert live.get("/api/version").status_code == 200
        worst = max(worst, time.monotonic() - began)
    assert worst < 5
    for answer in held:
        answer.close()
    with live.get("/api/yard?fps=5&h=90", stream=True) as answer:
        read_parts(answer, 3)


def test_many_streams_at_once(live):
    done = []

    def watch():
        with live.get("/api/yard?fps=10&h=120", stream=True) as answer:
            done.append(len(read_parts(answer, 4)))
    threads = [threading.Thread(target=watch) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(done) == 20


def test_a_running_objects_pictures(live):
    """While an object runs, its pictures come from the tracker, drawn as asked."""
    def running():
        events = live.json("/api/events?in_progress=1&include_thumbnails=0")
        return events[0] if events else None
    for _ in range(5):
        event = wait_for(running, "a running event", 120)
        url = f"/api/events/{event['id']}/"
        whole = live.get(url + "snapshot.jpg?bbox=1")
        small = live.get(url + "snapshot.jpg?h=100&crop=1")
        clean = live.get(url + "snapshot-clean.png")
        thumbnail = live.get(url + "thumbnail.jpg")
        if running() and running()["id"] == event["id"]:
            break
    assert size_of(whole) == (1280, 720) and whole.headers["Cache-Control"] == "no-store"
    assert size_of(small)[1] == 100
    assert size_of(clean) == (1280, 720) and clean.headers["Content-Type"] == "image/png"
    assert thumbnail.headers["Cache-Control"] == "no-store"
    message(live.get("/api/events/1.0-nope/snapshot.jpg"), 404, "Event not found")


def test_a_clean_stop_with_streams_open(tmp_path):
    config = base_config({"dead": {"ffmpeg": {"inputs": [{"path": "rtsp://127.0.0.1:1/x", "roles": ["detect"]}]},
                                   "detect": {"width": 640, "height": 360, "fps": 5}}})
    with System(config, tmp_path) as system:
        streams = [system.get("/api/dead?fps=10", stream=True) for _ in range(5)]
        read_parts(streams[0], 1)
        assert system.stop() < 5
        assert system.process.returncode == 0
