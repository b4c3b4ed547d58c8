"""Cameras that are no RTSP cameras: RTMP, MJPEG and single pictures over HTTP."""
import http.server
import itertools
import socket
import subprocess
import threading
import time

import pytest

from corvette import Corvette, base_config, rtsp_camera, wait_for
from pictures import assert_no_frame_missing, probe, stamps
from scenes import scene

CYCLE = 20 * 20
PICTURES, PICTURES_FPS = 100, 10


def clip():
    return scene("short", "--seed", 3, "--duration", 20, "--loopable", "--stamp")[0]


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@pytest.fixture
def rtmp():
    """A server that serves one caller a clip over and over; its URL."""
    url = f"rtmp://127.0.0.1:{free_port()}/live/yard"
    process = subprocess.Popen(["ffmpeg", "-v", "error", "-re", "-stream_loop", "-1", "-i", clip(),
                                "-c", "copy", "-f", "flv", "-listen", "1", url])
    yield url
    process.kill()
    process.wait()


class Pictures(http.server.BaseHTTPRequestHandler):
    """/video: multipart MJPEG, each picture once and in order; /still: the picture of the moment."""

    jpegs = []

    def log_message(self, *ignored):
        pass

    def send_still(self):
        picture = self.jpegs[int(time.monotonic() * PICTURES_FPS) % len(self.jpegs)]
        self.send_response(200)
        self.send_header("Content-Type", "image/jpeg")
        self.send_header("Content-Length", str(len(picture)))
        self.end_headers()
        self.wfile.write(picture)

    def send_video(self):
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=next")
        self.end_headers()
        due = time.monotonic()
        for picture in itertools.cycle(self.jpegs):
            self.wfile.write(b"--next\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n"
                             % len(picture) + picture + b"\r\n")
            due += 1 / PICTURES_FPS
            time.sleep(max(0, due - time.monotonic()))

    def do_GET(self):
        try:
            self.send_still() if self.path == "/still.jpg" else self.send_video()
        except ConnectionError:
            pass


@pytest.fixture
def pictures(tmp_path):
    """The base URL of a server of JPEG pictures."""
    folder = tmp_path / "jpegs"
    folder.mkdir()
    subprocess.run(["ffmpeg", "-v", "error", "-i", clip(), "-frames:v", str(PICTURES), "-vf",
                    "scale=640:360", "-q:v", "4", folder / "%04d.jpg"], check=True)
    Pictures.jpegs = [path.read_bytes() for path in sorted(folder.iterdir())]
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pictures)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def with_record_args(camera, arguments):
    camera["ffmpeg"]["output_args"] = {"record": arguments}
    return camera


def test_rtmp_mjpeg_and_stills_are_recorded_and_detected(tmp_path, rtmp, pictures):
    config = base_config({
        "rtmp": rtsp_camera(rtmp, 1280, 720, input_args="preset-rtmp-generic"),
        "mjpeg": with_record_args(
            rtsp_camera(f"{pictures}/video", 640, 360, input_args="preset-http-mjpeg-generic"),
            "preset-record-mjpeg"),
        "still": rtsp_camera(f"{pictures}/still.jpg", 640, 360, fps=2,
                             input_args="preset-http-jpeg-generic"),
    })
    with Corvette(config, tmp_path / "data") as corvette:
        for name in config["cameras"]:
            wait_for(lambda: len(corvette.segments(name)) >= 2, f"two segments of {name}", 90)
        fps = {name: camera["camera_fps"] for name, camera in corvette.stats()["cameras"].items()}
        assert fps["rtmp"] > 4 and fps["mjpeg"] > 4 and fps["still"] > 1, fps
        for name in config["cameras"]:
            assert not corvette.worker("capture", name)["trouble"]
    for name, cycle in ("rtmp", CYCLE), ("mjpeg", PICTURES):
        numbers = [n for segment in corvette.segments(name) for n in stamps(segment)]
        assert_no_frame_missing(numbers, cycle)
    for name in config["cameras"]:
        assert probe(corvette.segments(name)[0], "-show_entries", "stream=codec_name") == ["h264"]
