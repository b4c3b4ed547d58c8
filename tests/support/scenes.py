"""Videos for tests: drawn once per machine into the build folder, and RTSP cameras that show them."""
import contextlib
import fcntl
import json
import pathlib
import signal
import subprocess
import threading

from corvette import ROOT, SCENE, wait_for

FOLDER = ROOT / "build/test-scenes"
RTSP_CAMERA = ROOT / "tests/rtsp-camera"


def scene(name, *options):
    """(video, truth) of a drawn scene; options go to corvette-scene. Made once."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    video, truth = FOLDER / f"{name}.mp4", FOLDER / f"{name}.jsonl"
    recipe = FOLDER / f"{name}.options"
    wanted = json.dumps(options)
    with once(name):
        if not video.exists() or not recipe.exists() or recipe.read_text() != wanted:
            part = FOLDER / f"{name}.part.mp4"
            subprocess.run([SCENE, *map(str, options), "--truth", truth, "-o", part], check=True)
            part.rename(video)
            recipe.write_text(wanted)
    return video, truth


@contextlib.contextmanager
def once(name):
    """Files are tested side by side: one makes what several need, the others wait for it."""
    with open(FOLDER / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def read_truth(path):
    return [json.loads(line) for line in pathlib.Path(path).read_text().splitlines()]


class RtspCamera:
    """One rtsp-camera process serving NAME=FILE pairs."""

    def __init__(self, files, *options, port=0):
        self.command = ["/usr/bin/python3", RTSP_CAMERA, "--port", str(port), *options,
                        *[f"{name}={path}" for name, path in files.items()]]
        self.urls = {}
        self.count = len(files)

    def start(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True)
        threading.Thread(target=self._read, daemon=True).start()
        wait_for(lambda: len(self.urls) == self.count or self.process.poll() is not None,
                 "the RTSP camera")
        assert self.process.poll() is None, "the RTSP camera ended"
        return self

    def _read(self):
        for line in self.process.stdout:
            words = line.split()
            if words[:1] == ["ready"]:
                self.urls[words[1].rsplit("/", 1)[1]] = words[1]

    def stop(self):
        self.process.kill()
        self.process.wait()

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self):
        self.process.send_signal(signal.SIGCONT)

    def __enter__(self):
        return self.start()

    def __exit__(self, *ignored):
        self.stop()
