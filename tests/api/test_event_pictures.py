"""Pictures of events."""
import pytest

from conftest import jpeg, message, size_of

YEAR, MONTH, MINUTE = (f"private, max-age={s}" for s in (31536000, 2592000, 60))


@pytest.fixture
def event(system):
    system.add_event("1000.0-a", label="traffic light")
    return system


def test_thumbnail(event):
    answer = event.get("/api/events/1000.0-a/thumbnail.jpg")
    assert answer.headers["Content-Type"] == "image/jpeg" and answer.content == jpeg()
    assert answer.headers["Cache-Control"] == MONTH
    wide = event.get("/api/events/1000.0-a/thumbnail.jpg?format=android")
    assert size_of(wide) == (320, 120)
    message(event.get("/api/events/nope/thumbnail.jpg"), 404, "Event not found")


def test_a_running_events_pictures_are_not_kept(event):
    event.add_event("2000.0-b", end=None, files=False)
    assert event.get("/api/events/2000.0-b/thumbnail.jpg").headers["Cache-Control"] == "no-store"
    # Its object is unknown to this program, so there is no picture of it now.
    message(event.get("/api/events/2000.0-b/snapshot.jpg"), 404, "Event not found")
    message(event.get("/api/events/2000.0-b/snapshot-clean.png"), 404, "Clean snapshot not available")


def test_broken_thumbnails(event):
    event.run_sql("UPDATE event SET thumbnail = 'not base64!'")
    message(event.get("/api/events/1000.0-a/thumbnail.jpg"), 404, "Event not found")
    event.run_sql("UPDATE event SET thumbnail = 'QUJD'")
    assert event.get("/api/events/1000.0-a/thumbnail.jpg?format=android").content == b"ABC"


def test_snapshot(event):
    answer = event.get("/api/events/1000.0-a/snapshot.jpg?bbox=1&h=100")
    assert size_of(answer) == (1280, 720)
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.headers["Cache-Control"] == YEAR
    assert "Content-Disposition" not in answer.headers
    answer = event.get("/api/events/1000.0-a/snapshot.jpg?download=1")
    assert answer.headers["Content-Disposition"] == "attachment; filename=snapshot-1000.0-a.jpg"
    message(event.get("/api/events/nope/snapshot.jpg"), 404, "Event not found")
    event.run_sql("UPDATE event SET has_snapshot = 0")
    message(event.get("/api/events/1000.0-a/snapshot.jpg"), 404, "Snapshot not available")


def test_a_snapshot_whose_file_is_gone(event):
    (event.clips / "back-1000.0-a.jpg").unlink()
    (event.clips / "back-1000.0-a-clean.png").unlink()
    message(event.get("/api/events/1000.0-a/snapshot.jpg"), 404, "Event not found")
    message(event.get("/api/events/1000.0-a/snapshot-clean.png"), 404, "Clean snapshot not available")


def test_clean_snapshot(event):
    answer = event.get("/api/events/1000.0-a/snapshot-clean.png?download=1")
    assert size_of(answer) == (1280, 720)
    assert answer.headers["Content-Type"] == "image/png"
    assert answer.headers["Cache-Control"] == YEAR
    assert (answer.headers["Content-Disposition"]
            == "attachment; filename=snapshot-1000.0-a-clean.png")
    message(event.get("/api/events/nope/snapshot-clean.png"), 404, "Event not found")
    event.add_event("2000.0-b", camera="front_door")
    message(event.get("/api/events/2000.0-b/snapshot-clean.png"), 404,
            "Snapshots and clean_copy must be enabled in the config")
    event.add_event("3000.0-c", camera="gone_cam")
    message(event.get("/api/events/3000.0-c/snapshot-clean.png"), 404, "Camera not found")


@pytest.mark.parametrize("label", ["traffic%20light", "traffic%2520light", "any"])
def test_pictures_by_label(event, label):
    for name in ("thumbnail.jpg", "best.jpg"):
        answer = event.get(f"/api/back/{label}/{name}")
        assert answer.content == jpeg() and answer.headers["Cache-Control"] == MINUTE
    answer = event.get(f"/api/back/{label}/snapshot.jpg")
    assert size_of(answer) == (1280, 720) and answer.headers["Cache-Control"] == "no-store"


def test_pictures_by_label_when_there_is_none(event):
    for name in ("thumbnail.jpg", "best.jpg"):
        message(event.get(f"/api/back/cat/{name}"), 404, "Event not found")
        message(event.get(f"/api/nocam/any/{name}"), 404, "Event not found")
    answer = event.get("/api/back/cat/snapshot.jpg")
    assert answer.status_code == 200 and size_of(answer) == (1280, 720)


def test_the_greatest_id_and_the_newest_start(event):
    """Thumbnails go by id as text, snapshots by time."""
    event.add_event("900.0-z", start=900, thumbnail=jpeg(50, 50))
    event.add_event("1500.0-y", start=1500, thumbnail=jpeg(60, 60))
    assert size_of(event.get("/api/back/any/thumbnail.jpg")) == (50, 50)
    (event.clips / "back-1500.0-y.jpg").write_bytes(jpeg(64, 64))
    event.run_sql("UPDATE event SET start_time = 1000 WHERE id = '1000.0-a'")
    assert size_of(event.get("/api/back/any/snapshot.jpg")) == (64, 64)


def test_rows_cannot_reach_outside_the_folder(system):
    (system.data / "secret.jpg").write_bytes(jpeg())
    for id, camera in (("../../../secret", "x"), ("/../../../secret", "..")):
        system.add_event(id, camera=camera, files=False)
    for id in ("..%2F..%2F..%2Fsecret", "%2F..%2F..%2F..%2Fsecret"):
        message(system.get(f"/api/events/{id}/snapshot.jpg"), 404, "Event not found")
