"""Streams and the graphics card looked into on demand."""
import glob
import json
import os
import signal
import http.server
import socket
import subprocess
import threading
import time
import urllib.parse

import pytest
import requests

from conftest import System, message
from corvette import base_config, file_camera, wait_for
from scenes import RtspCamera, scene

H264 = "H.264 / AVC / MPEG-4 AVC / MPEG-4 part 10"


class Pages(http.server.BaseHTTPRequestHandler):
    """A web server that leads astray."""
    def do_GET(self):
        if self.path == "/redirect":
            self.send_response(302)
            self.send_header("Location", "file:///etc/passwd")
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("Content-Type", "application/vnd.apple.mpegurl")
        self.end_headers()
        self.wfile.write(b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile://" +
                         self.server.secret.encode() + b"\n#EXT-X-ENDLIST\n")

    def log_message(self, *ignored):
        pass


@pytest.fixture(scope="module")
def video():
    return scene("probe", "--seed", 3, "--duration", 4, "--size", "320x180", "--fps", 5)[0]


@pytest.fixture(scope="module")
def silent():
    """Takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"rtsp://me:s3cret@127.0.0.1:{server.getsockname()[1]}/x"


@pytest.fixture(scope="module")
def web(video):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    server.secret = str(video)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture(scope="module")
def rtsp(video):
    with RtspCamera({"door": video}) as camera:
        yield camera.urls["door"]


@pytest.fixture(scope="module")
def running(tmp_path_factory, video, rtsp, silent):
    cameras = {"yard": file_camera(video, 320, 180), "door": file_camera(rtsp, 320, 180),
               "gone": file_camera(silent, 320, 180), "off": file_camera(video, 320, 180)}
    for name in ("door", "gone"):
        cameras[name]["ffmpeg"]["inputs"][0]["input_args"] = "preset-rtsp-generic"
        cameras[name]["enabled"] = name == "gone"
    cameras["door"]["enabled"] = True
    cameras["off"]["enabled"] = False
    cameras["yard"]["ffmpeg"]["inputs"].append({"path": "/nonexistent.mp4", "roles": ["audio"]})
    with System(base_config(cameras), tmp_path_factory.mktemp("probe")) as system:
        yield system


def probe(system, *paths):
    rows = system.json("/api/ffprobe?" + urllib.parse.urlencode({"paths": ",".join(map(str, paths))}))
    assert all(set(row) == {"return_code", "stderr", "stdout"} for row in rows)
    return rows


def failed(row, text):
    assert row["return_code"] != 0 and row["stdout"] == "" and text in row["stderr"], row


def test_a_camera(running):
    good, bad = probe(running, "camera:yard")
    assert good["return_code"] == 0 and good["stderr"] == ""
    assert good["stdout"]["programs"] == []
    stream, = good["stdout"]["streams"]
    assert stream == {"avg_frame_rate": "5/1", "bit_rate": stream["bit_rate"], "codec_long_name": H264,
                      "duration": "4.000000", "height": 180, "width": 320}
    assert int(stream["bit_rate"]) > 0
    failed(bad, "/nonexistent.mp4: cannot connect: No such file or directory")


@pytest.mark.parametrize("options", [
    "-f mp4 -c:v libx264 -vf setsar=1", "-f mp4 -c:v mpeg4 -vf setsar=4/3 -r 30000/1001",
    "-f matroska -c:v libx265 -x265-params log-level=none", "-f mpegts -c:v libx264",
    "-f mp4 -vn", "-f avi -c:v mjpeg -c:a pcm_s16le"])
def test_as_ffprobe_has_it(running, options):
    """What the program itself says of the same file."""
    file = running.data / "media/exports/made"
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", "testsrc=s=192x144:r=10:d=2",
                    "-f", "lavfi", "-i", "sine=d=2", "-c:a", "aac", *options.split(), file], check=True)
    wanted = subprocess.run(
        ["ffprobe", "-v", "quiet", "-print_format", "json", "-show_entries",
         "stream=codec_long_name,width,height,bit_rate,duration,display_aspect_ratio,avg_frame_rate",
         file], capture_output=True, check=True)
    row, = probe(running, "/media/frigate/exports/made")
    assert row["return_code"] == 0
    assert row["stdout"]["streams"] == json.loads(wanted.stdout)["streams"]


def test_the_answer_is_sorted(running):
    text = running.get("/api/ffprobe?paths=camera:yard").text
    assert text.startswith('[{"return_code":0,"stderr":"","stdout":{"programs":[],"streams":[{"avg_frame_rate":"5/1",')
    assert text.endswith("]\n")


def test_rtsp(running, rtsp):
    for row in probe(running, rtsp, rtsp):
        assert row["return_code"] == 0, row
        stream = row["stdout"]["streams"][0]
        assert (stream["codec_long_name"], stream["width"], stream["height"]) == (H264, 320, 180)
        assert stream["avg_frame_rate"] == "5/1"


def test_what_is_no_camera(running):
    for path, text in (("", "Path needs to be provided."), ("camera:nosuch", "nosuch is not a valid camera."),
                       ("camera", " is not a valid camera."), ("camera:off", "off is not enabled.")):
        answer = running.get("/api/ffprobe?paths=" + path)
        message(answer, 404, text)
    message(running.get("/api/ffprobe"), 404, "Path needs to be provided.")
    message(running.get("/api/ffprobe?paths=" + ",".join("x" * 40)), 400, "More than 32 paths at once")


def test_one_that_says_nothing(running, silent):
    begin = time.monotonic()
    row, masked = probe(running, silent, silent.replace("me:s3cret", "*:*"))
    assert time.monotonic() - begin < 20
    failed(row, "rtsp://*:*@127.0.0.1")
    failed(masked, "no answer")  # as /api/config shows it
    assert "s3cret" not in row["stderr"] + masked["stderr"]


@pytest.mark.parametrize("path", [
    "/etc/passwd", "file:/etc/passwd", "file:///etc/passwd", "concat:/etc/passwd", "data:text/plain,x",
    "subfile::/etc/passwd", "pipe:0", "/media/frigate/../../etc/passwd", "/media/frigate/nothing.mp4",
    "unix:/run/x", "gopher://127.0.0.1/", "x\ny", "async:file:/etc/passwd", "\u00e4"])
def test_what_is_none_of_theirs(running, path):
    for row in probe(running, path):
        failed(row, "can be neither")


def test_led_astray(running, web):
    failed(probe(running, web + "/redirect")[0], web)
    row, = probe(running, web + "/list.m3u8")
    assert row["return_code"] != 0 or row["stdout"]["streams"] == [], row


def test_a_recorded_file(running, video):
    exports = running.data / "media/exports"
    (exports / "some.mp4").write_bytes(video.read_bytes())
    (exports / "link.mp4").symlink_to(video)
    row, outside = probe(running, "/media/frigate/exports/some.mp4", "/media/frigate/exports/link.mp4")
    assert row["stdout"]["streams"][0]["width"] == 320
    failed(outside, "can be neither")  # leads out of the folder
    (exports / "some.mp4").write_bytes(b"\0" * 100000)
    failed(probe(running, "/media/frigate/exports/some.mp4")[0], "the file: ")
    (exports / "some.m3u8").write_text(f"#EXTM3U\n#EXTINF:10,\nfile://{video}\n#EXT-X-ENDLIST\n")
    (exports / "some.mp4").write_text(f"ffconcat version 1.0\nfile {video}\n")  # leads out as well
    for row in probe(running, "/media/frigate/exports/some.m3u8", "/media/frigate/exports/some.mp4"):
        failed(row, "the file: ")


def test_vainfo(running):
    row = running.json("/api/vainfo")
    assert set(row) == {"return_code", "stderr", "stdout"}
    if glob.glob("/dev/dri/renderD*"):
        assert "vainfo: " in row["stdout"] or row["return_code"] != 0
    else:
        assert row["return_code"] != 0 and row["stdout"] == "" and "no render node" in row["stderr"]


def test_too_many_at_once_and_a_stop(tmp_path, silent):
    """Two run, two wait, more are refused; nobody else waits, and a stop waits for none of them."""
    with System(base_config({"gone": file_camera(silent, 320, 180)}), tmp_path) as system:
        codes = []

        def ask():
            try:
                codes.append(system.get("/api/ffprobe?paths=camera:gone").status_code)
            except requests.RequestException:
                codes.append(None)
        threads = [threading.Thread(target=ask) for _ in range(6)]
        for thread in threads:
            thread.start()
        wait_for(lambda: len(codes) >= 2, "two that are refused")
        assert codes == [503, 503]
        assert system.get("/api/version").status_code == 200
        server, begin = system.wait_pid("server"), time.monotonic()
        os.kill(server, signal.SIGTERM)
        wait_for(lambda: not os.path.exists(f"/proc/{server}"), "the server's end")
        assert time.monotonic() - begin < 6  # the four would take eight seconds
        for thread in threads:
            thread.join()
