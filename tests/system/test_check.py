"""Rows and files agree after any crash, `corvette check` tells where they do not, and `corvette reindex`
mends it."""
import os
import sqlite3
import subprocess
import time

import pytest

from corvette import PROGRAM, Corvette, base_config, recorded_camera, wait_for
from scenes import scene


def config():
    video = scene("power", "--seed", 5, "--duration", 8, "--size", "320x180", "--fps", 10,
                  "--loopable", "--stamp")[0]
    return base_config({"yard": recorded_camera(video, 320, 180)})


def run(command, data, *options):
    return subprocess.run([PROGRAM, command, "--data", data, *options], capture_output=True, text=True)


@pytest.fixture
def data(tmp_path):
    """A folder in which something was recorded, in a clean state."""
    with Corvette(config(), tmp_path) as corvette:
        wait_for(lambda: len(corvette.segments("yard")) >= 5, "some segments", 90)
        wait_for(lambda: len(corvette.json("/api/yard/recordings")) >= 5, "their rows")
    return tmp_path


def age(path):
    """Older than what may still be on its way."""
    os.utime(path, (time.time() - 100, time.time() - 100))


def test_clean_after_a_stop_and_after_a_crash(data):
    assert run("check", data).returncode == 0
    with Corvette(config(), data) as corvette:
        assert run("check", data).returncode == 0, "beside a running one"
        wait_for(lambda: len(corvette.segments("yard")) >= 7, "more segments", 90)
        corvette.kill()
    with Corvette(config(), data) as corvette:
        wait_for(lambda: len(corvette.segments("yard")) >= 9, "more segments", 90)
    result = run("check", data)
    assert result.returncode == 0, result.stdout


def test_faults_are_named_and_mended(data):
    files = sorted(data.glob("media/recordings/*/*/yard/*.mp4"))
    gone, cut, empty = files[0], files[1], files[2]
    strange = files[3].with_name("59.58.mp4")
    strange.write_bytes(files[3].read_bytes())
    left = files[3].with_name(".59.59.mp4.part")
    left.write_bytes(files[3].read_bytes()[:2000])
    age(strange), age(left)
    gone.unlink()
    cut.write_bytes(cut.read_bytes()[:cut.stat().st_size * 9 // 10])
    empty.write_bytes(b"")
    result = run("check", data)
    assert result.returncode == 1
    lines = result.stdout.splitlines()
    assert any(l.startswith("row without file") and gone.name in l for l in lines)
    assert any(l.startswith("row and file disagree") and cut.name in l for l in lines)
    assert any(l.startswith("unreadable file") and empty.name in l for l in lines)
    assert any(l.startswith("file without row") and strange.name in l for l in lines)
    assert any(l.startswith("left open") and left.name in l for l in lines)
    assert len(lines) == 6  # and the sum

    empty.unlink()
    left.unlink()
    strange.unlink()
    result = run("reindex", data)
    assert result.returncode == 0, result.stderr
    assert "1 mended, 2 removed" in result.stdout
    assert run("check", data).returncode == 0
    assert "0 added, 0 mended, 0 removed" in run("reindex", data).stdout


def test_reindex_makes_a_lost_database_anew(data):
    before = {r[0]: r[1:] for r in sqlite3.connect(data / "corvette.db").execute(
        "SELECT path, start_time, duration FROM recordings")}
    for file in data.glob("corvette.db*"):
        file.unlink()
    result = run("reindex", data)
    assert result.returncode == 0, result.stderr
    after = {r[0]: r[1:] for r in sqlite3.connect(data / "corvette.db").execute(
        "SELECT path, start_time, duration FROM recordings")}
    assert after.keys() == before.keys()
    for path in before:
        assert after[path] == pytest.approx(before[path], abs=0.001)
    assert run("check", data).returncode == 0


def test_reindex_refuses_beside_a_running_one(data):
    with Corvette(config(), data):
        result = run("reindex", data)
        assert result.returncode == 2 and "in use" in result.stderr


def test_rows_of_another_disk_stay(data, tmp_path_factory):
    """Nothing says that files which are not here are gone."""
    (data / "media/recordings").rename(tmp_path_factory.mktemp("disk") / "recordings")
    (data / "media/recordings").mkdir()
    result = run("reindex", data)
    assert result.returncode == 0 and "may lie on another disk" in result.stdout
    assert "0 removed" in result.stdout
    assert ", 0 removed" not in run("reindex", data, "--prune").stdout


def test_bad_folders(tmp_path):
    assert run("check", tmp_path / "nowhere").returncode == 2
    assert run("check", tmp_path).returncode == 2  # no database
    (tmp_path / "corvette.db").write_bytes(b"this is no database" * 100)
    result = run("check", tmp_path)
    assert result.returncode == 2 and "corvette.db" in result.stderr
