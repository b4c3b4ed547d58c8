"""Playing and cutting over HTTP: what our own segments and those of an existing installation give."""
import os
import re
import sqlite3
import subprocess
import time

import pytest

from corvette import Corvette, base_config, recorded_camera, wait_for
from pictures import probe, stamps
from scenes import scene

FPS, PIECE, COUNT = 10, 2, 6
DAY = 86400


def video():
    return scene("power", "--seed", 5, "--duration", 8, "--size", "320x180", "--fps", FPS,
                 "--loopable", "--stamp")[0]


def plain_folder(data, start):
    """Six plain MP4 segments with sound, as Frigate 0.14 leaves them; their rows follow by themselves."""
    source = scene("media-0", "--seed", 5, "--duration", COUNT * PIECE, "--size", "320x180", "--fps",
                   FPS, "--stamp", "--gop", 1, "--b-frames", 0)[0]
    work = data / "work"
    work.mkdir(parents=True)
    subprocess.run(["ffmpeg", "-v", "error", "-i", source, "-f", "lavfi", "-i",
                    f"sine=440:duration={COUNT * PIECE}", "-map", "0:v", "-map", "1:a", "-c:v", "copy",
                    "-c:a", "aac", work / "whole.mp4"], check=True)
    subprocess.run(["ffmpeg", "-v", "error", "-i", work / "whole.mp4", "-c", "copy", "-f", "segment",
                    "-segment_time", str(PIECE), "-reset_timestamps", "1",
                    "-segment_format_options", "movflags=+faststart", work / "%d.mp4"], check=True)
    for i in range(COUNT):
        path = data / time.strftime("media/recordings/%Y-%m-%d/%H/old/%M.%S.mp4",
                                    time.gmtime(start + PIECE * i))
        path.parent.mkdir(parents=True, exist_ok=True)
        (work / f"{i}.mp4").rename(path)
        os.utime(path, (start, start))


class Recorded:
    def __init__(self, corvette, start):
        self.corvette, self.start = corvette, start

    def span(self, camera):
        if camera == "old":
            return self.start, self.start + COUNT * PIECE
        rows = self.corvette.json("/api/yard/recordings")
        return rows[0]["start_time"], rows[COUNT - 1]["end_time"]

    def first_stamp(self, camera):
        if camera == "old":
            return 0
        path = time.strftime("media/recordings/%Y-%m-%d/%H/yard/%M.%S.mp4",
                             time.gmtime(self.span(camera)[0]))
        return stamps(self.corvette.data / path)[0]

    def cycle(self, camera):
        return COUNT * PIECE * FPS if camera == "old" else 80


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    data = tmp_path_factory.mktemp("vod")
    start = int(time.time()) - 7200
    plain_folder(data, start)
    cameras = {"yard": recorded_camera(video(), 320, 180),
               "old": {**recorded_camera(video(), 320, 180), "enabled": False}}
    with Corvette(base_config(cameras), data) as corvette:
        wait_for(lambda: len(corvette.json("/api/yard/recordings")) > COUNT, "some recordings", 120)
        wait_for(lambda: len(corvette.json(f"/api/old/recordings?after={start - 1}")) == COUNT,
                 "rows for the old ones")
        yield Recorded(corvette, start)


def playlist(recorded, camera, query=""):
    start, end = recorded.span(camera)
    path = f"/vod/{camera}/start/{start}/end/{end - 0.5}"
    answer = recorded.corvette.get(f"{path}/index.m3u8{query}")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/vnd.apple.mpegurl"
    assert answer.headers["Cache-Control"] == "no-store"
    return path, answer.text


def segments(text):
    return [line for line in text.splitlines() if line.startswith("seg-")]


@pytest.mark.parametrize("camera", ["yard", "old"])
def test_every_frame_is_played_once(recorded, camera, tmp_path):
    path, text = playlist(recorded, camera)
    assert text.count("#EXT-X-MAP") == 1 and "DISCONTINUITY" not in text
    assert len(segments(text)) == COUNT and text.endswith("#EXT-X-ENDLIST\n")
    out = tmp_path / "played.mp4"
    result = subprocess.run(["ffmpeg", "-v", "warning", "-i",
                             f"{recorded.corvette.url}{path}/master.m3u8", "-c", "copy", out],
                            capture_output=True, text=True, check=True)
    assert result.stderr == ""
    first, cycle = recorded.first_stamp(camera), recorded.cycle(camera)
    assert stamps(out) == [(first + i) % cycle for i in range(COUNT * PIECE * FPS)]
    kinds = set(probe(out, "-show_entries", "stream=codec_type"))
    assert kinds == ({"video", "audio"} if camera == "old" else {"video"})


def test_the_query_is_on_every_address(recorded):
    query = "?authSig=a.b-c%20d&x=1"
    path, text = playlist(recorded, "yard", query)
    addresses = segments(text) + re.findall(r'URI="([^"]+)"', text)
    assert len(addresses) == COUNT + 1 and all(a.endswith(query) for a in addresses)
    master = recorded.corvette.get(f"{path}/master.m3u8{query}").text
    assert master.splitlines()[-1] == f"index-v1.m3u8{query}"
    assert 'CODECS="avc1.' in master and "RESOLUTION=320x180" in master


@pytest.mark.parametrize("camera", ["yard", "old"])
def test_ranges_of_what_is_made_up(recorded, camera):
    path, text = playlist(recorded, camera)
    start, end = recorded.span(camera)
    for address in (f"{path}/{segments(text)[2]}",
                    f"/api/{camera}/start/{start + 1.5}/end/{start + 7.2}/clip.mp4"):
        whole = recorded.corvette.get(address)
        assert whole.status_code == 200 and whole.headers["Content-Type"] == "video/mp4"
        size = len(whole.content)
        assert int(whole.headers["Content-Length"]) == size
        for header, begin, stop in (("bytes=0-0", 0, 1), (f"bytes={size // 2}-", size // 2, size),
                                    (f"bytes={size // 3}-{size // 3 + 999}", size // 3, size // 3 + 1000),
                                    ("bytes=-700", size - 700, size)):
            part = recorded.corvette.get(address, headers={"Range": header})
            assert part.status_code == 206, header
            assert part.content == whole.content[begin:stop]
            assert part.headers["Content-Range"] == f"bytes {begin}-{stop - 1}/{size}"
        assert recorded.corvette.get(address, headers={"Range": f"bytes={size}-"}).status_code == 416
        for bad in ("bytes=", "bytes=5-2", "lines=1-2", "bytes=1-2,4-5", "bytes=x-", "bytes=--5"):
            assert recorded.corvette.get(address, headers={"Range": bad}).content == whole.content
        etag = whole.headers["ETag"]
        assert recorded.corvette.get(address, headers={"If-None-Match": etag}).status_code == 304
        changed = recorded.corvette.get(address, headers={"Range": "bytes=0-9", "If-Range": '"other"'})
        assert changed.status_code == 200
        head = recorded.corvette.request("HEAD", address)
        assert head.content == b"" and int(head.headers["Content-Length"]) == size


@pytest.mark.parametrize("camera", ["yard", "old"])
@pytest.mark.parametrize("first,last", [(0, 120), (13, 71), (37, 43)])
def test_clips_are_exact(recorded, camera, first, last, tmp_path):
    start, _ = recorded.span(camera)
    answer = recorded.corvette.get(
        f"/api/{camera}/start/{start + first / FPS}/end/{start + last / FPS}/clip.mp4?download=1")
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"].startswith(f"attachment; filename=clip_{camera}_")
    path = tmp_path / "clip.mp4"
    path.write_bytes(answer.content)
    assert float(probe(path, "-show_entries", "format=duration")[0]) == pytest.approx(
        (last - first) / FPS, abs=0.5 / FPS)
    stamp, cycle = recorded.first_stamp(camera), recorded.cycle(camera)
    assert stamps(path) == [(stamp + i) % cycle for i in range(first, last)]


def test_an_old_installation_exports(recorded, tmp_path):
    start, _ = recorded.span("old")
    answer = recorded.corvette.request("POST", f"/api/export/old/start/{start + 1}/end/{start + 5}")
    id = answer.headers["X-Export-Id"]
    wait_for(lambda: recorded.corvette.json(f"/api/export/{id}/progress")["state"] == "finished",
             "the export")
    path = tmp_path / "export.mp4"
    path.write_bytes(recorded.corvette.get(f"/exports/{id}.mp4").content)
    assert stamps(path) == list(range(10, 50))


def test_events(recorded, tmp_path):
    start, _ = recorded.span("old")
    db = sqlite3.connect(recorded.corvette.data / "corvette.db", timeout=30)
    with db:
        for name, clip in (("1.0-withcl", 1), ("2.0-noclip", 0)):
            db.execute("INSERT INTO event (id, label, camera, start_time, end_time, zones, thumbnail, "
                       "has_clip, has_snapshot, retain_indefinitely, data) VALUES "
                       "(?,'person','old',?,?,'[]','',?,1,1,'{}')", (name, start + 2, start + 6, clip))
    db.close()
    get = recorded.corvette.get
    for address in ("/api/events/1.0-withcl/clip.mp4", "/api/old/person/clip.mp4", "/api/old/any/clip.mp4"):
        path = tmp_path / "clip.mp4"
        path.write_bytes(get(address).content)
        assert stamps(path) == list(range(20, 60))
    assert "seg-" in get("/vod/event/1.0-withcl/index.m3u8").text
    assert len(recorded.corvette.json("/api/vod/event/1.0-withcl")["durations"]) >= 2
    assert get("/api/events/2.0-noclip/clip.mp4").json()["message"] == "Clip not available"
    assert get("/vod/event/2.0-noclip/master.m3u8").status_code == 404
    assert get("/vod/event/nope/master.m3u8").json()["message"] == "Event not found."
    # What an older Frigate cut itself is sent as it is.
    legacy = recorded.corvette.data / "media/clips/old-1.0-withcl.mp4"
    legacy.write_bytes(path.read_bytes())
    assert get("/api/events/1.0-withcl/clip.mp4").content == path.read_bytes()
    listing = get("/vod/event/1.0-withcl/index.m3u8").text
    assert len(segments(listing)) == 1
    assert get(f"/vod/event/1.0-withcl/{segments(listing)[0]}").status_code == 200


def test_up_to_now(recorded, tmp_path):
    """The segment that is being written is played as far as it is there."""
    now = time.time()
    text = recorded.corvette.get(f"/vod/yard/start/{now - 8}/end/{now + 60}/index.m3u8").text
    path = tmp_path / "now.mp4"
    subprocess.run(["ffmpeg", "-v", "error", "-i",
                    f"{recorded.corvette.url}/vod/yard/start/{now - 8}/end/{now + 60}/index.m3u8", "-c",
                    "copy", path], check=True)
    shown = stamps(path)
    assert all((a + 1) % 80 == b for a, b in zip(shown, shown[1:]))
    assert len(shown) > (len(segments(text)) - 1) * PIECE * FPS - 1


def test_files_that_went_or_broke(recorded, tmp_path):
    """Playing goes on with what is there."""
    camera_files = sorted(recorded.corvette.data.glob("media/recordings/*/*/old/*.mp4"))
    kept = [p.read_bytes() for p in camera_files]
    path, before = playlist(recorded, "old")
    try:
        camera_files[1].unlink()
        camera_files[3].write_bytes(kept[3][:len(kept[3]) // 2])
        camera_files[4].write_bytes(b"")
        _, text = playlist(recorded, "old")
        assert len(segments(text)) == COUNT - 1
        assert recorded.corvette.get(f"{path}/{segments(before)[1]}").status_code == 404
        broken = recorded.corvette.get(f"{path}/{segments(before)[4]}")
        assert broken.status_code == 404 and "damaged" in broken.json()["message"]
        start, end = recorded.span("old")
        clip = tmp_path / "clip.mp4"
        clip.write_bytes(recorded.corvette.get(f"/api/old/start/{start}/end/{end}/clip.mp4").content)
        shown = stamps(clip)
        assert shown[:40] == [*range(20), *range(40, 60)] and shown[-20:] == list(range(100, 120))
    finally:
        for file, content in zip(camera_files, kept):
            file.write_bytes(content)


@pytest.mark.parametrize("path,status", [
    ("/vod/nocam/start/1/end/2/master.m3u8", 404), ("/vod/yard/start/9/end/2/master.m3u8", 404),
    ("/vod/yard/start/99999999999/end/99999999999999/index.m3u8", 400),
    ("/vod/yard/start/1/end/x/index.m3u8", 404), ("/vod/2026-13/01/01/yard/utc/index.m3u8", 400),
    ("/vod/2026-11/01/24/yard/utc/index.m3u8", 400), ("/vod/2026-11/01/01/yard/No,Zone/index.m3u8", 400),
    ("/vod/2026-11/01/01/yard/utc/other.txt", 404), ("/vod/yard/index.m3u8", 404), ("/vod/x", 404),
    ("/vod/..%2f..%2fetc/start/1/end/2/master.m3u8", 404), ("/vod/a%00b/start/1/end/2/index.m3u8", 400),
    ("/vod/" + "%C3%BC" * 700 + "/start/1/end/2/index.m3u8", 404),
    ("/vod/yard/start/1/end/2/seg-1-0-v1.m4s", 404),
    ("/vod/yard/start/1/end/2/seg-99999999999999999999-0-v1.m4s", 404),
    ("/api/yard/start/1/end/2/clip.mp4", 500), ("/api/yard/start/5/end/2/clip.mp4", 500),
    ("/api/yard/start/1/end/99999999/clip.mp4", 400), ("/api/nocam/start/1/end/2/clip.mp4", 500),
    ("/api/yard/start/1e5/end/2/clip.mp4", 404),
])
def test_bad_addresses(recorded, path, status):
    answer = recorded.corvette.get(path)
    assert answer.status_code == status, answer.text[:300]


def test_a_stream_that_changes(tmp_path):
    """A discontinuity where the parameters change, with the init section of what follows; none
    elsewhere, a restart included."""
    other = scene("wide", "--seed", 7, "--duration", 4, "--size", "640x360", "--fps", FPS, "--loopable",
                  "--stamp")[0]
    begin = time.time()
    counts = []
    for source, width, height in ((video(), 320, 180), (video(), 320, 180), (other, 640, 360)):
        config = base_config({"yard": recorded_camera(source, width, height)})
        with Corvette(config, tmp_path) as corvette:
            rows = f"/api/yard/recordings?after={begin - 1}"
            known = len(corvette.json(rows))
            wait_for(lambda: len(corvette.json(rows)) >= known + 2, "more rows", 90)
            if width == 640:
                path = f"/vod/yard/start/{begin}/end/{time.time()}"
                text = corvette.get(f"{path}/index.m3u8").text
                assert text.count("#EXT-X-DISCONTINUITY\n") == 1 and text.count("#EXT-X-MAP") == 2
                maps = re.findall(r'URI="([^"]+)"', text)
                sizes = []
                for name, half in zip(maps, text.split("#EXT-X-DISCONTINUITY\n")):
                    film = tmp_path / "half.mp4"
                    film.write_bytes(b"".join(corvette.get(f"{path}/{part}").content
                                              for part in [name, *segments(half)]))
                    sizes.append(probe(film, "-select_streams", "v", "-show_entries",
                                       "stream=width,height")[0])
                    shown = stamps(film)
                    counts.append(len(shown))
                    assert None not in shown
                assert sizes == ["320,180", "640,360"]
    assert min(counts) >= 2 * PIECE * FPS
