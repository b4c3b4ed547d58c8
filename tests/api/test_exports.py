"""Exports over HTTP: exact films, time lapses, pictures out of recordings; progress, cancelling, crashes."""
import io
import os
import signal
import subprocess
import time

import numpy
import pytest
from PIL import Image

from corvette import Corvette, base_config, recorded_camera, wait_for
from pictures import decode_stamp, image, luma, probe, stamps
from scenes import scene

FPS = 10


def video():
    return scene("power", "--seed", 5, "--duration", 8, "--size", "320x180", "--fps", FPS,
                 "--loopable", "--stamp")[0]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """A running Corvette with some segments of `yard`, and their rows."""
    data = tmp_path_factory.mktemp("exports")
    with Corvette(base_config({"yard": recorded_camera(video(), 320, 180)}), data) as corvette:
        wait_for(lambda: len(corvette.json("/api/yard/recordings")) >= 6, "some recordings", 120)
        yield corvette


def rows(corvette):
    return corvette.json("/api/yard/recordings")


def begin(corvette, start, end, body=None):
    answer = corvette.request("POST", f"/api/export/yard/start/{start}/end/{end}", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"success": True, "message": "Starting export of recording."}
    return answer.headers["X-Export-Id"]


def listed(corvette, id):
    return next((e for e in corvette.json("/api/exports") if e["id"] == id), None)


def finished(corvette, id):
    return wait_for(lambda: (e := listed(corvette, id)) and not e["in_progress"] and e, "the export", 120)


def film(corvette, export, folder):
    path = folder / "film.mp4"
    answer = corvette.get(export["video_path"].removeprefix("/media/frigate"))
    assert answer.status_code == 200 and answer.headers["Content-Type"] == "video/mp4"
    path.write_bytes(answer.content)
    return path


def first_stamp(corvette, start):
    """What the recorded file itself shows at its beginning."""
    row = next(r for r in rows(corvette) if r["start_time"] == start)
    path = time.strftime("media/recordings/%Y-%m-%d/%H/yard/%M.%S.mp4", time.gmtime(start))
    return stamps(corvette.data / path)[0], row


def test_real_time(recorded, tmp_path):
    first = rows(recorded)[0]["start_time"]
    stamp, _ = first_stamp(recorded, first)
    id = begin(recorded, first + 1.3, first + 7.1, {"name": "Ein Ausflug"})
    export = finished(recorded, id)
    assert export["name"] == "Ein Ausflug" and export["camera"] == "yard"
    assert export["date"] == pytest.approx(first + 1.3)
    path = film(recorded, export, tmp_path)
    assert float(probe(path, "-show_entries", "format=duration")[0]) == pytest.approx(5.8, abs=0.1)
    assert stamps(path) == [(stamp + 13 + i) % 80 for i in range(58)]
    thumb = recorded.get(export["thumb_path"].removeprefix("/media/frigate"))
    assert thumb.status_code == 200
    picture = Image.open(io.BytesIO(thumb.content))
    assert picture.size == (320, 180)
    assert decode_stamp(luma(numpy.asarray(picture.convert("RGB")))) == (stamp + 13) % 80


def test_time_lapse(recorded, tmp_path):
    all_rows = rows(recorded)
    first, last = all_rows[0]["start_time"], all_rows[-1]["end_time"]
    export = finished(recorded, begin(recorded, first, last, {"playback": "timelapse_25x"}))
    path = film(recorded, export, tmp_path)
    length = float(probe(path, "-show_entries", "format=duration")[0])
    assert length == pytest.approx((last - first) / 25, abs=0.15)
    shown = stamps(path)
    stamp, _ = first_stamp(recorded, first)
    assert shown[0] == stamp and len(set(shown)) > 1
    assert probe(path, "-show_entries", "stream=codec_type") == ["video"]


def test_default_name(recorded):
    first = rows(recorded)[0]["start_time"]
    export = finished(recorded, begin(recorded, int(first), int(first) + 2))
    text = time.strftime("%Y/%m/%d %H:%M", time.gmtime(first))
    assert export["name"].startswith(f"yard {text} ")


def test_rename_and_delete_by_every_key(recorded):
    first = rows(recorded)[0]["start_time"]
    ids = [begin(recorded, first, first + 1) for _ in range(4)]
    for id in ids:
        finished(recorded, id)
    keys = [ids[0], ids[1] + ".mp4", ids[2], "Möwe 3"]
    assert recorded.request("PATCH", f"/api/export/{ids[3]}/M%C3%B6we%203").json()["success"]
    assert recorded.request("PATCH", f"/api/export/{ids[3]}/M%F6we").status_code == 400  # no UTF-8
    assert listed(recorded, ids[3])["name"] == "Möwe 3"
    for id, key in zip(ids, keys):
        path = recorded.data / f"media/exports/{id}.mp4"
        assert path.exists()
        answer = recorded.request("DELETE", f"/api/export/{key}")
        assert answer.json() == {"success": True, "message": "Successfully deleted export."}
        assert not path.exists() and listed(recorded, id) is None
    assert recorded.request("DELETE", f"/api/export/{ids[0]}").status_code == 404
    assert recorded.request("PATCH", "/api/export/nope/x").status_code == 404


@pytest.mark.parametrize("path,body,status", [
    ("nocam/start/1/end/2", None, 404), ("yard/start/1/end/2", None, 400),
    ("yard/start/9/end/2", None, 400), ("yard/start/1e3/end/2", None, 404),
    ("yard/start/NOW/end/NOW", {"name": "x" * 257}, 401),
    ("yard/start/NOW/end/NOW", {"name": 5}, 400),
    ("yard/start/NOW/end/NOW", {"playback": ["x"]}, 400),
])
def test_bad_wishes(recorded, path, body, status):
    path = path.replace("NOW", str(rows(recorded)[0]["start_time"]))
    answer = recorded.request("POST", f"/api/export/{path}", json=body)
    assert answer.status_code == status, answer.text


def test_snapshot_of_every_instant(recorded, tmp_path):
    first = rows(recorded)[1]["start_time"]
    stamp, row = first_stamp(recorded, first)
    for into in (0, 0.05, 0.31, 1.2, 1.95):
        answer = recorded.get(f"/api/yard/recordings/{first + into}/snapshot.png")
        assert answer.status_code == 200 and answer.headers["Content-Type"] == "image/png"
        assert decode_stamp(luma(image(answer.content))) == (stamp + int(into * FPS + 0.001)) % 80, into
    assert recorded.get("/api/yard/recordings/12/snapshot.png").json()["message"] == \
        "Recording not found at 12.0"
    assert recorded.get("/api/nocam/recordings/12/snapshot.png").status_code == 404
    assert recorded.get("/api/yard/recordings/x/snapshot.png").status_code == 400


def test_films_without_a_row_are_taken_in_and_stuck_ones_end(tmp_path):
    exports = tmp_path / "media/exports"
    exports.mkdir(parents=True)
    subprocess.run(["ffmpeg", "-v", "error", "-i", video(), "-c", "copy", exports / "yard@old.mp4"],
                   check=True)
    (exports / ".yard_zzzzzz.mp4.part").write_bytes(b"half")
    config = base_config({"yard": recorded_camera(video(), 320, 180)})
    with Corvette(config, tmp_path) as corvette:
        found = wait_for(lambda: corvette.json("/api/exports"), "the old film")
        assert [(e["name"], e["camera"], e["thumb_path"]) for e in found] == [("yard@old", "yard", "")]
        assert not (exports / ".yard_zzzzzz.mp4.part").exists()
        subprocess.run(["sqlite3", tmp_path / "corvette.db",
                        "INSERT INTO export VALUES ('yard_aaaaaa','yard','stuck',1,"
                        "'/media/frigate/exports/yard_aaaaaa.mp4','',1)"], check=True)
    with Corvette(config, tmp_path) as corvette:
        wait_for(lambda: len(corvette.json("/api/exports")) == 1, "the stuck one to go")


def test_interrupted_exports_are_made_by_the_next_server(tmp_path):
    """The server dies at any moment of an export: it is made in the end, once."""
    with Corvette(base_config({"yard": recorded_camera(video(), 320, 180)}), tmp_path) as corvette:
        wait_for(lambda: len(rows(corvette)) >= 4, "some recordings", 120)
        all_rows = rows(corvette)
        first, last = all_rows[0]["start_time"], all_rows[-1]["end_time"]
        ids = [begin(corvette, first, last, {"playback": "timelapse_25x"}) for _ in range(4)]
        corvette.url = None
        os.kill(corvette.wait_pid("server"), signal.SIGKILL)
        wait_for(lambda: corvette.url, "the server to listen again")
        for id in ids:
            assert finished(corvette, id)
        assert len(corvette.json("/api/exports")) == 4
        assert corvette.json("/api/exports/progress") == []
        assert corvette.json(f"/api/export/{ids[0]}/progress")["state"] == "finished"
        assert not list(tmp_path.glob("media/exports/.*"))


def test_cancel(tmp_path):
    with Corvette(base_config({"yard": recorded_camera(video(), 320, 180)}), tmp_path) as corvette:
        wait_for(lambda: len(rows(corvette)) >= 3, "some recordings", 120)
        all_rows = rows(corvette)
        first, last = all_rows[0]["start_time"], all_rows[-1]["end_time"]
        # More than can be made at once: the last is waiting when it is cancelled.
        ids = [begin(corvette, first, last, {"playback": "timelapse_25x"}) for _ in range(8)]
        waiting = corvette.json("/api/exports/progress")
        assert waiting[-1]["id"] == ids[-1]
        assert corvette.request("DELETE", f"/api/export/{ids[-1]}").json()["message"] == \
            "Can not delete in progress export."
        assert corvette.request("POST", f"/api/export/{ids[-1]}/cancel").status_code == 200
        wait_for(lambda: listed(corvette, ids[-1]) is None, "the cancelled one to go")
        for id in ids[:-1]:
            finished(corvette, id)
        assert corvette.request("POST", f"/api/export/{ids[0]}/cancel").status_code == 400
        assert corvette.request("POST", "/api/export/nope/cancel").status_code == 404
