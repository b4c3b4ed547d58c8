"""Review items thrown away with their recordings. On a system of its own: rows that a test puts into
the table of recordings are not in the sums that are kept of it."""
import time

import pytest

from conftest import CONFIG, System, message
from corvette import wait_for


@pytest.fixture(scope="module")
def module_system(tmp_path_factory):
    with System(CONFIG, tmp_path_factory.mktemp("review-delete")) as system:
        wait_for(lambda: delete(system, "x").status_code == 200, "the disk to be known")
        yield system


@pytest.fixture
def system(module_system):
    for table in ("event", "recordings", "reviewsegment"):
        module_system.run_sql(f"DELETE FROM {table}")
    return module_system


def add_segment(system, start, length=10, camera="back", path=None):
    """A row and its file."""
    name = time.strftime("%Y-%m-%d/%H", time.gmtime(start)) + f"/{camera}/" + time.strftime(
        "%M.%S.mp4", time.gmtime(start))
    file = system.data / "media/recordings" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"x" * 1000)
    system.run_sql("INSERT INTO recordings (id, camera, path, start_time, end_time, duration, "
                   "segment_size) VALUES (?, ?, ?, ?, ?, ?, 1)", f"{start}-{camera}", camera,
                   path or f"/media/frigate/recordings/{name}", start, start + length, length)
    return file


def add_item(system, id, start, end, thumb=None, camera="back"):
    folder = system.clips / "review"
    folder.mkdir(exist_ok=True)
    file = folder / f"thumb-{camera}-{id}.webp"
    file.write_bytes(b"x")
    system.run_sql("INSERT INTO reviewsegment (id, camera, start_time, end_time, has_been_reviewed, "
                   "severity, thumb_path, data) VALUES (?, ?, ?, ?, 0, 'alert', ?, '{}')", id, camera,
                   start, end, thumb or f"/media/frigate/clips/review/{file.name}")
    return file


def recordings(system, camera="back"):
    return [row[0] for row in system.run_sql("SELECT start_time FROM recordings WHERE camera = ? "
                                             "ORDER BY start_time", camera)]


def items(system):
    return [item["id"] for item in system.json("/api/review?reviewed=1&after=0")]


def delete(system, *ids):
    return system.request("POST", "/api/reviews/delete", json={"ids": list(ids)})


def test_thrown_away_with_all_recordings_that_overlap(system):
    begin = 1700000000
    files = {start: add_segment(system, start) for start in range(begin, begin + 60, 10)}
    other = add_segment(system, begin + 20, camera="front_door")
    thumb, kept = add_item(system, "a", begin + 15, begin + 39.5), add_item(system, "b", 5, 6)
    system.add_event("1700000020.5-event1", start=begin + 15, end=begin + 30)
    message(delete(system, "a", "nope"), 200, "Delete reviews", True)
    gone = {begin + 10, begin + 20, begin + 30}
    assert {start for start, file in files.items() if not file.exists()} == gone
    assert set(recordings(system)) == set(files) - gone
    assert recordings(system, "front_door") == [begin + 20] and other.exists()
    assert not thumb.exists() and kept.exists()
    assert system.get("/api/review/a").status_code == 404
    assert system.get("/api/review/b").status_code == 200
    assert system.get("/api/events/1700000020.5-event1").status_code == 200


def test_an_open_item_reaches_until_now(system):
    now = int(time.time())
    files = [add_segment(system, now - age) for age in (100, 50, 20)]
    add_item(system, "a", now - 60, None)
    assert delete(system, "a").status_code == 200
    assert [file.exists() for file in files] == [True, False, False]
    assert recordings(system) == [now - 100] and items(system) == []
    assert files[0].parent.exists()


def test_folders_that_become_empty_go(system):
    file = add_segment(system, 1600000000)
    add_item(system, "a", 1600000000, 1600000001)
    delete(system, "a")
    assert not file.parent.parent.parent.exists() and (system.data / "media/recordings").exists()


def test_rows_cannot_point_the_removal_elsewhere(system):
    victim = system.data / "media/victim.mp4"
    victim.write_bytes(b"x")
    add_segment(system, 1600000000, path="/media/frigate/recordings/../victim.mp4").unlink()
    add_item(system, "a", 1600000000, 1600000001, thumb="/media/frigate/clips/review/../../victim.mp4")
    add_item(system, "b", 1, 2, thumb="/media/frigate/victim.mp4")
    add_item(system, "c", 1, 2, thumb="/media/frigate/clips/none.webp")
    assert delete(system, "a", "b", "c").status_code == 200
    assert victim.exists() and items(system) == []


def test_rows_of_files_that_are_gone_go(system):
    for start in range(1600000000, 1600002500, 10):  # more than one batch
        add_segment(system, start).unlink()
    add_item(system, "a", 1600000000, 1600002499)
    assert delete(system, "a").status_code == 200
    assert recordings(system) == [] and delete(system, "a").status_code == 200


def test_what_cannot_be_thrown_away_now_does_not_stay_open(system):
    """The disk is away. Nothing is removed, and an item that ran, which nothing follows any more, ends."""
    now = int(time.time())
    file = add_segment(system, now - 50)
    add_item(system, "a", now - 60, None)
    marker = system.data / "media/recordings/.corvette-volume"
    identity = marker.read_text()
    marker.unlink()
    marker.mkdir()
    try:
        answer = delete(system, "a")
        assert answer.status_code == 503 and "Not everything" in answer.json()["message"]
        assert file.exists() and recordings(system) == [now - 50]
        end = wait_for(lambda: system.json("/api/review/a")["end_time"], "the item's end")
        assert now <= end <= time.time()
    finally:
        marker.rmdir()
        marker.write_text(identity)
    wait_for(lambda: delete(system, "a").status_code == 200, "the disk to be back")
    assert not file.exists() and items(system) == []
