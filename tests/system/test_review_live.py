"""Review items made live from what a camera shows: rows, thumbnails, and what a crash leaves."""
import contextlib
import itertools
import os
import signal
import sqlite3
import time

import numpy
import pytest
from PIL import Image

from corvette import Corvette, base_config, file_camera, wait_for
from pictures import frames_of, image
from scenes import read_truth, scene

SECONDS, FPS = 20, 5


def clip():
    return scene("review", "--seed", 6, "--duration", SECONDS, "--loopable", "--objects",
                 "person=2,dog=1", "--stamp")


def config():
    """People are alerts anywhere in the picture; a zone that nobody reaches is no zone of theirs."""
    camera = file_camera(clip()[0], fps=FPS,
                         zones={"everywhere": {"coordinates": "0,0,1,0,1,1,0,1"},
                                "sky": {"coordinates": "0,0,0.01,0,0.01,0.01,0,0.01"}},
                         review={"alerts": {"labels": ["person"], "required_zones": ["everywhere"]}})
    return base_config({"yard": camera})


@pytest.fixture(scope="module")
def system(tmp_path_factory):
    with Corvette(config(), tmp_path_factory.mktemp("review")) as corvette:
        yield corvette


def items(system, **conditions):
    query = "&".join(f"{key}={value}" for key, value in {"reviewed": 1, **conditions}.items())
    return system.json(f"/api/review?{query}")


def wait_item(system, condition=lambda item: True):
    return wait_for(lambda: next((i for i in items(system) if condition(i)), None), "a review item",
                    90)


def thumbnail(system, item):
    return image(wait_for(lambda: (a := system.get(
        item["thumb_path"].removeprefix("/media/frigate"))).ok and a, "the thumbnail").content)


def test_an_item_appears_while_it_happens(system):
    item = wait_item(system, lambda i: i["severity"] == "alert")
    assert item["camera"] == "yard" and item["end_time"] is None
    assert item["has_been_reviewed"] is False
    assert item["thumb_path"] == f"/media/frigate/clips/review/thumb-yard-{item['id']}.webp"
    assert item["id"].startswith(f"{item['start_time']}-") and abs(time.time() - item["start_time"]) < 120
    assert "person" in item["data"]["objects"] and item["data"]["zones"] == ["everywhere"]
    assert set(item["data"]["objects"]) <= {"person", "dog"}
    assert system.json(f"/api/review/{item['id']}")["id"] == item["id"]


def test_it_holds_the_events_of_its_time(system):
    events = wait_for(lambda: system.json("/api/events?include_thumbnails=0&in_progress=0"),
                      "a finished event", 90)
    for event in events:
        assert system.json(f"/api/review/event/{event['id']}")["id"] == items(system)[0]["id"]


def test_the_thumbnail_shows_the_object(system):
    """16:9, and the part of a frame of the scene where the truth says that something moves: one
    object alone or all of them, whatever the detector had found by then, as exactly as it had."""
    item = wait_item(system, lambda i: i["severity"] == "alert")
    thumb = thumbnail(system, item)
    assert thumb.shape[0] == 180 and thumb.shape[1] == pytest.approx(320, abs=6)
    video, truth = clip()
    boxes = {f["frame"]: [o["box"] for o in f["objects"] if o["moving"]] for f in read_truth(truth)}
    found = []
    for number, frame in frames_of(video, 4):
        for shown in [boxes[number], *([box] for box in boxes[number])] if boxes[number] else []:
            found.append((difference(frame, around(shown), thumb), len(found), frame, around(shown)))
    whole = min(difference(frame, (0, 0, 1280, 720), thumb) for _, _, frame, _ in found)
    best = min(difference(frame, near, thumb)
               for _, _, frame, area in sorted(found)[:4] for near in nearby(area))
    assert best < 5 and best < whole / 2


def nearby(area):
    """Areas a little aside, a little larger and smaller."""
    x1, y1, x2, y2 = area
    for dx, dy in itertools.product(range(-18, 19, 6), repeat=2):
        for grow in (-20, 0, 20):
            yield (max(x1 + dx - grow, 0), max(y1 + dy - grow * 9 / 16, 0),
                   min(x2 + dx + grow, 1280), min(y2 + dy + grow * 9 / 16, 720))


def around(boxes):
    """Contract, pipeline section 13, for objects that do not fill the picture."""
    x1, y1, x2, y2 = (f(box[i] for box in boxes) for i, f in enumerate((min, min, max, max)))
    x, y = max(200, int(1.25 * (x2 - x1))), max(200, int(1.25 * (y2 - y1)))
    if 9 * x // 16 < y or 9 * x // 16 > 720:
        x = int(16 / 9 * y) // 4 * 4
    else:
        y = 9 * x // 16 // 4 * 4
    left = max(0, min(int((x1 + x2 - x) / 2), 1280 - x))
    top = max(0, min(int((y1 + y2 - y) / 2), 720 - y))
    return left, top, min(left + x, 1280), min(top + y, 720)


def difference(frame, area, thumb):
    """Mean difference at a size where a few pixels more or less do not count."""
    small = (64, 36)
    part = Image.fromarray(frame).resize(small, Image.Resampling.BOX, box=area)
    other = Image.fromarray(thumb).resize(small, Image.Resampling.BOX)
    return abs(numpy.asarray(part).astype(int) - numpy.asarray(other).astype(int)).mean()


def test_a_killed_server_goes_on_with_it(system):
    item = wait_item(system, lambda i: i["end_time"] is None)
    old = system.wait_pid("server")
    os.kill(old, signal.SIGKILL)
    system.wait_pid("server", other_than=old)

    def seen_again():
        with contextlib.suppress(Exception):
            return system.stats()["corvette"]["server"]["review"]["rows"] > 0
    wait_for(seen_again, "a row written by the new server", 90)
    found = items(system)
    assert [i["id"] for i in found] == [item["id"]] and found[0]["end_time"] is None


def test_what_a_crash_left_open_ends_once(tmp_path):
    """Killed in mid-item, and away for long: one closed item, with its last known activity."""
    corvette = Corvette(config(), tmp_path).start()
    item = wait_item(corvette)
    assert item["end_time"] is None
    corvette.kill()
    with sqlite3.connect(tmp_path / "corvette.db") as database:
        # As if it had happened an hour ago.
        database.execute("UPDATE reviewsegment SET start_time = start_time - 3600")
        database.execute("UPDATE corvette_review SET last_activity = last_activity - 3600")
        active, = database.execute("SELECT last_activity FROM corvette_review").fetchone()
    database.close()
    with Corvette(config(), tmp_path) as again:
        first = wait_for(lambda: (i := again.json(f"/api/review/{item['id']}"))["end_time"] and i,
                         "the end of the item")
        assert first["end_time"] == active and first["start_time"] == item["start_time"] - 3600
        other = wait_item(again, lambda i: i["id"] != item["id"])
        last = time.time()
    with sqlite3.connect(tmp_path / "corvette.db") as database:
        rows = database.execute("SELECT id, start_time, end_time FROM reviewsegment "
                                "ORDER BY start_time").fetchall()
        assert database.execute("SELECT count(*) FROM corvette_review").fetchone() == (0,)
    database.close()
    # A clean stop ends what runs, with its last activity.
    assert [row[0] for row in rows] == [item["id"], other["id"]]
    assert rows[1][1] <= rows[1][2] <= last + 60
