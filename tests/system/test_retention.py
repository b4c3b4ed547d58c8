"""What is deleted and what stays: by age and events, when the disk is full, and when the disk is not
the one it was. Files and rows are real; old ones are recordings moved to where they would lie."""
import calendar
import os
import shutil
import sqlite3
import subprocess
import time

import pytest

from corvette import Corvette, base_config, recorded_camera, wait_for
from pictures import assert_no_frame_missing, stamps
from scenes import scene

DAY = 86400


def clip():
    return scene("power", "--seed", 5, "--duration", 8, "--size", "320x180", "--fps", 10,
                 "--loopable", "--stamp")[0]


def config(**record):
    return base_config({"yard": recorded_camera(clip(), 320, 180)},
                       record={"enabled": True, **record})


class Past:
    """Recordings of earlier days in a data folder whose Corvette is not running."""

    def __init__(self, data, database="corvette.db"):
        self.data, self.database = data, database
        self.pattern = next(data.glob("media/recordings/*/*/yard/*.mp4"))
        self.pattern = shutil.copy(self.pattern, data / "pattern.mp4")

    def __enter__(self):
        self.db = sqlite3.connect(self.data / self.database)
        return self

    def __exit__(self, *ignored):
        self.db.commit()
        self.db.close()

    def recording(self, age_days, motion=1, objects=0, row=True, camera="yard"):
        """A recording of ten seconds that began so long ago; returns its path."""
        start = int(time.time() - age_days * DAY)
        path = time.strftime(f"recordings/%Y-%m-%d/%H/{camera}/%M.%S.mp4", time.gmtime(start))
        file = self.data / "media" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        # Plain MP4, as an existing installation has it: its time is its name.
        subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", self.pattern, "-c", "copy", file],
                       check=True)
        os.utime(file, (start, start))
        if row:
            self.db.execute(
                "INSERT INTO recordings VALUES (?,?,?,?,?,?,?,?,?,?,?)",
                (f"{start}.0-abcdef", camera, f"/media/frigate/{path}", start, start + 2, 2.0, objects,
                 motion, 0.1, 0, 0))
        return file

    def event(self, name, age_days, label="person", favorite=0, has_snapshot=1, camera="yard",
              kind="object"):
        start = time.time() - age_days * DAY
        self.db.execute(
            "INSERT INTO event (id, label, camera, start_time, end_time, zones, thumbnail, has_clip, "
            "has_snapshot, retain_indefinitely, data) VALUES (?,?,?,?,?,'[]','',1,?,?,?)",
            (name, label, camera, start - 5, start + 5, has_snapshot, favorite,
             f'{{"type":"{kind}"}}'))
        for suffix in (".jpg", "-clean.png"):
            (self.data / f"media/clips/{camera}-{name}{suffix}").write_bytes(b"picture")


def record_some(data, **record):
    with Corvette(config(**record), data) as corvette:
        wait_for(lambda: len(corvette.segments("yard")) >= 2, "some segments", 90)
        wait_for(lambda: len(corvette.json("/api/yard/recordings")) >= 2, "their rows")


def pass_done(corvette):
    """Waits until everything was looked at once."""
    wait_for(lambda: corvette.stats()["corvette"]["server"]["keeper"]["passes"] >= 1, "a pass")


def test_age_and_events(tmp_path):
    record_some(tmp_path, retain={"days": 3})
    with Past(tmp_path) as past:
        gone = [past.recording(4), past.recording(30), past.recording(40, camera="removed")]
        stays = [past.recording(2), past.recording(2.5, motion=0), past.recording(5),
                 past.recording(6), past.recording(50), past.recording(7, motion=0)]
        past.event("5.0-person", 5)
        past.event("6.0-nobody", 6)
        past.event("50.0-favour", 50, favorite=1)
        past.event("7.0-manual", 7, kind="api")
        quiet = past.recording(8, motion=0)  # events keep what has motion
        past.event("8.0-quietx", 8)
        past.event("12.0-oldold", 12, label="person")
        past.event("4.5-carcar", 4.5, label="car")
        early = past.recording(4.5)
    record = {"retain": {"days": 3}, "events": {"retain": {"default": 10, "mode": "motion",
                                                          "objects": {"car": 4}}}}
    with Corvette(config(**record) | {"snapshots": {"enabled": True, "retain": {"default": 11}}},
                  tmp_path) as corvette:
        pass_done(corvette)
        for path in gone + [quiet, early]:
            wait_for(lambda: not path.exists(), f"{path} to go")
        assert all(path.exists() for path in stays)
        rows = corvette.json(f"/api/yard/recordings?after=0&before={time.time()}")
        assert sum(row["start_time"] < time.time() - DAY for row in rows) == len(stays)
        assert not any(path.parent.exists() for path in gone), "empty folders are left"
        ids = {e["id"]: e for e in corvette.json("/api/events?include_thumbnails=0&limit=-1")}
        assert "12.0-oldold" not in ids and not (tmp_path / "media/clips/yard-12.0-oldold.jpg").exists()
        assert ids["4.5-carcar"]["has_clip"] is False and ids["4.5-carcar"]["has_snapshot"] is True
        assert ids["50.0-favour"]["has_clip"] is True
        why = corvette.json(f"/api/yard/recordings/retention?after=0&before={time.time()}")
        assert {r["id"] for r in why} == {r["id"] for r in rows}
        reasons = {r["events"][0]: r for r in why if r["events"]}
        assert reasons["50.0-favour"]["expires"] is None
        assert set(reasons["50.0-favour"]["reasons"]) == {"event", "favorite"}
        assert reasons["7.0-manual"]["reasons"] == ["manual"]
        assert reasons["5.0-person"]["expires"] == pytest.approx(time.time() + 5 * DAY, abs=300)
        assert all(r["reasons"] for r in why)


def test_an_old_disk_with_a_new_database(tmp_path):
    """Nothing is known of its footage: it is taken in, told, and kept."""
    record_some(tmp_path, retain={"days": 1})
    with Past(tmp_path) as past:
        old = [past.recording(days, row=False) for days in (2, 20, 200)]
    for file in tmp_path.glob("corvette.db*"):
        file.unlink()
    (tmp_path / "media/recordings/.corvette-volume").unlink()
    with Corvette(config(retain={"days": 0}), tmp_path) as corvette:
        corvette.wait_log("this database does not know")
        wait_for(lambda: len([r for r in corvette.json("/api/yard/recordings?after=0")
                              if r["start_time"] < time.time() - DAY]) == 3, "rows for the old ones")
        pass_done(corvette)
        assert all(path.exists() for path in old)
        why = corvette.json(f"/api/yard/recordings/retention?after=0&before={time.time() - DAY}")
        assert [r["reasons"] for r in why] == [["adopted"]] * 3


def test_an_empty_disk_and_the_right_one_again(tmp_path):
    record_some(tmp_path, retain={"days": 30})
    with Past(tmp_path) as past:
        past.recording(2)
    right = tmp_path / "right"
    os.rename(tmp_path / "media/recordings", right)
    with Corvette(config(retain={"days": 1}, sync_recordings=True), tmp_path) as corvette:
        corvette.wait_log("is a disk missing")
        pass_done(corvette)
        wait_for(lambda: corvette.segments("yard"), "recording on the disk that is there", 90)
        rows = corvette.json("/api/yard/recordings?after=0")
        assert sum(r["start_time"] < time.time() - DAY for r in rows) == 1, "a row went with its disk"
    shutil.rmtree(tmp_path / "media/recordings")
    os.rename(right, tmp_path / "media/recordings")
    with Corvette(config(retain={"days": 30}), tmp_path) as corvette:
        pass_done(corvette)
        assert corvette.stats()["corvette"]["server"]["keeper"]["volume"] == "known"
        assert len(list(tmp_path.glob("media/recordings/*/*/yard/*.mp4"))) >= 3


def test_rows_whose_file_is_gone(tmp_path):
    """Only when asked for, and never most of them."""
    record_some(tmp_path, retain={"days": 30})
    with Past(tmp_path) as past:
        files = [past.recording(days) for days in (2, 3, 4, 5)]
    files[0].unlink()

    def old_rows(corvette):
        rows = corvette.json("/api/yard/recordings?after=0")
        return sum(row["start_time"] < time.time() - DAY for row in rows)
    with Corvette(config(retain={"days": 30}), tmp_path) as corvette:
        pass_done(corvette)
        assert old_rows(corvette) == 4
    with Corvette(config(retain={"days": 30}, sync_recordings=True), tmp_path) as corvette:
        wait_for(lambda: old_rows(corvette) == 3, "the row to go")
    for path in tmp_path.glob("media/recordings/*/*/yard/*.mp4"):
        path.unlink()
    with Corvette(config(retain={"days": 30}, sync_recordings=True), tmp_path) as corvette:
        corvette.wait_log("that many are not removed")
        assert old_rows(corvette) == 3


@pytest.fixture
def small_disk(tmp_path):
    """A file system of a few MiB for the recordings."""
    where = tmp_path / "media/recordings"
    where.mkdir(parents=True)
    result = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16M", "tmpfs", where],
                            capture_output=True, text=True)
    if result.returncode != 0:
        pytest.skip(f"no file system can be mounted here: {result.stderr.strip()}")
    yield where
    subprocess.run(["umount", "-l", where], check=True)


def test_a_full_disk_loses_the_oldest_and_nothing_new(tmp_path, small_disk):
    heavy = scene("heavy", "--seed", 6, "--duration", 8, "--size", "640x360", "--fps", 10,
                  "--loopable", "--stamp", "--bitrate", 5000)[0]
    cameras = {"yard": recorded_camera(heavy, 640, 360), "door": recorded_camera(clip(), 320, 180)}
    with Corvette(base_config(cameras, record={"enabled": True, "retain": {"days": 30}}),
                  tmp_path) as corvette:
        wait_for(lambda: len(corvette.segments("yard")) >= 3, "some segments", 90)
        first = [corvette.segments("yard")[0], *corvette.segments("door")[:1]]
        start = calendar.timegm(time.strptime(
            "/".join(first[0].parts[-4:-2]) + first[0].name, "%Y-%m-%d/%H%M.%S.mp4"))
        with sqlite3.connect(tmp_path / "corvette.db", timeout=30) as db:
            db.execute("INSERT INTO event (id, label, camera, start_time, end_time, zones, thumbnail, "
                       "has_clip, has_snapshot, retain_indefinitely, data) VALUES "
                       "('1.0-favour','person','yard',?,?,'[]','',1,0,1,'{}')", (start - 1, start + 1))
        db.close()

        def freed():
            return corvette.stats()["corvette"]["server"]["keeper"]["freed_unprotected"]
        wait_for(lambda: freed() >= 8, "room to be made more than once", 180)
        keeper = corvette.stats()["corvette"]["server"]["keeper"]
        assert keeper["freed_events"] == keeper["freed_favorites"] == 0
        assert first[0].exists(), "what is to be kept for ever went"
        assert first[1].exists(), "the small camera paid for the flood of the other"
        assert os.statvfs(small_disk).f_bavail > 0
        corvette.stop()
    yard = corvette.segments("yard")
    numbers = [n for path in yard if path != first[0] for n in stamps(path)]
    assert_no_frame_missing(numbers, 80)
