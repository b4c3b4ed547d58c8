"""Recordings in a real browser: hls.js plays, seeks and comes to the end."""
import http.server
import pathlib
import subprocess
import threading

import pytest
import requests

from corvette import ROOT, Corvette, base_config, recorded_camera, wait_for
from scenes import scene

PAGE = """<!doctype html><title>playing</title><video id=video muted width=640></video>
<script src=/hls.js></script><script>
const video = document.getElementById("video"), errors = [];
const hls = new Hls();
hls.on(Hls.Events.ERROR, (name, data) => errors.push(data.details + (data.fatal ? " fatal" : "")));
hls.loadSource(location.hash.slice(1));
hls.attachMedia(video);
</script>"""


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    video = scene("power", "--seed", 5, "--duration", 8, "--size", "320x180", "--fps", 10,
                  "--loopable", "--stamp")[0]
    with Corvette(base_config({"yard": recorded_camera(video, 320, 180)}),
                  tmp_path_factory.mktemp("playing")) as corvette:
        wait_for(lambda: len(corvette.json("/api/yard/recordings")) >= 8, "some recordings", 120)
        yield corvette


@pytest.fixture
def site(recorded):
    """A page of the same origin as the recordings, as any player's page has it: /vod/ is passed on."""
    script = pathlib.Path(subprocess.run([ROOT / "script/hlsjs"], capture_output=True, text=True,
                                         check=True).stdout.strip()).read_bytes()
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            if self.path.startswith("/vod/"):
                asked.append(self.path)
                answer = requests.get(recorded.url + self.path, timeout=60)
                body, kind, status = answer.content, answer.headers["Content-Type"], answer.status_code
            else:
                is_script = self.path == "/hls.js"
                body = script if is_script else PAGE.encode()
                kind, status = ("text/javascript" if is_script else "text/html"), 200
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *ignored):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()


def test_plays_seeks_and_ends(recorded, browser, site):
    url, asked = site
    rows = recorded.json("/api/yard/recordings")
    start, end = rows[0]["start_time"], rows[-1]["start_time"] + 0.5
    length = sum(row["duration"] for row in rows)
    browser.get(f"{url}/#/vod/yard/start/{start}/end/{end}/master.m3u8?token=abc")

    def video(expression):
        return browser.execute_script(f"const v = video; return {expression}")
    wait_for(lambda: video("v.readyState") >= 2, "the first picture")
    assert video("v.duration") == pytest.approx(length, abs=0.2)
    assert video("v.videoWidth") == 320
    middle = length / 2
    browser.execute_script(f"video.currentTime = {middle}")
    wait_for(lambda: not video("v.seeking") and video("v.readyState") >= 2, "the picture in the middle")
    assert video("v.currentTime") == pytest.approx(middle, abs=0.1)
    browser.execute_script("video.currentTime = 0; video.playbackRate = 4; video.play()")
    wait_for(lambda: video("v.ended"), "the end", 120)
    assert video("v.currentTime") == pytest.approx(length, abs=0.3)
    quality = browser.execute_script("const q = video.getVideoPlaybackQuality();"
                                     "return [q.totalVideoFrames, q.corruptedVideoFrames]")
    assert quality[0] > 20 and quality[1] == 0
    assert browser.execute_script("return errors") == []
    # One buffered stretch: nothing is missing between the segments.
    assert video("v.buffered.length") == 1
    assert all("token=abc" in path for path in asked), "an address without the query"
    assert sum(".m4s" in path for path in asked) >= len(rows)
