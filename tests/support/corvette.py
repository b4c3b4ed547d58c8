"""A running Corvette for tests: started on a free port with its own data folder, asked over HTTP,
stopped cleanly. Waits are for conditions, with a generous bound for slow machines."""
import collections
import contextlib
import json
import os
import pathlib
import re
import signal
import subprocess
import threading
import time

import requests

import openapi

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("CORVETTE_BUILD", ROOT / "build"))
PROGRAM = pathlib.Path(os.environ.get("CORVETTE", BUILD / "corvette"))
SCENE = ROOT / "build/tools/scene/corvette-scene"
PATIENCE_S = 60
LEAKS = f"suppressions={pathlib.Path(__file__).parent / 'lsan.supp'}:print_suppressions=0"


def wait_for(condition, what, patience=PATIENCE_S):
    """The first true value of condition(); fails with `what` when it never comes."""
    end = time.monotonic() + patience
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {patience} s in vain for {what}")
        time.sleep(0.05)


class Corvette:
    def __init__(self, config, data, options=(), env=None):
        """`config`: YAML text, or anything json can write (YAML reads JSON)."""
        self.data = pathlib.Path(data)
        self.data.mkdir(parents=True, exist_ok=True)
        self.config_path = self.data / "config.yml"
        self.config_path.write_text(config if isinstance(config, str) else json.dumps(config))
        self.options = list(options)
        self.env = {**os.environ, "TZ": "UTC", "LSAN_OPTIONS": LEAKS, **(env or {})}
        self.log = collections.deque(maxlen=20000)
        self.process = None
        self.url = None
        self.guarded_url = None  # where a login is asked for, with the option --listen-auth

    # Life ----------------------------------------------------------------------------------

    def start(self):
        command = [PROGRAM, "run", "--config", self.config_path, "--data", self.data,
                   "--listen", "127.0.0.1:0", *self.options]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                        text=True, errors="replace", env=self.env)
        self.reader = threading.Thread(target=self._read_log, daemon=True)
        self.reader.start()
        wait_for(lambda: self.url or self.process.poll() is not None, "the HTTP server to listen")
        if self.url is None:
            raise AssertionError("corvette ended at start:\n" + "\n".join(self.log))
        return self

    def _read_log(self):
        for line in self.process.stderr:
            line = line.rstrip("\n")
            self.log.append(line)
            found = re.search(r"listening on (http://\S+)", line)
            if found:
                self.url = found[1].rstrip("/")
            found = re.search(r"asking for a login on (https?://\S+)", line)
            if found:
                self.guarded_url = found[1].rstrip("/")

    def stop(self):
        """Clean stop; how long it took in seconds."""
        begin = time.monotonic()
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(PATIENCE_S)
        taken = time.monotonic() - begin
        self.reader.join(PATIENCE_S)
        return taken

    def kill(self):
        """kill -9 of the whole tree."""
        pids = [self.process.pid, *self.pids().values()]
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait(PATIENCE_S)

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, error, trace):
        self.stop()
        if kind is not None:
            print("\n".join(self.log))
        problems = [line for line in self.log
                    if "ERROR: AddressSanitizer" in line or "runtime error:" in line
                    or "ERROR: LeakSanitizer" in line]
        assert not problems, "\n".join(self.log)

    # Asking --------------------------------------------------------------------------------

    def request(self, method, path, guarded=False, **options):
        base = wait_for(lambda: self.guarded_url, "the port of logins") if guarded else self.url
        answer = requests.request(method, base + path, timeout=PATIENCE_S, **options)
        if not options.get("stream"):
            openapi.description(PROGRAM).check(method, path, answer)
        return answer

    def get(self, path, **options):
        return self.request("GET", path, **options)

    def json(self, path, **options):
        answer = self.get(path, **options)
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text[:500]}"
        return answer.json()

    def stats(self):
        return self.json("/api/stats")

    def worker(self, role, name):
        """What the statistics say of one worker: last_death, trouble, counters, ..."""
        workers = self.stats()["corvette"]
        return workers["detectors"][name] if role == "detector" else workers["cameras"][name][role]

    def pids(self):
        """Role -> pid of the workers, read from the process table: {"capture back": 123, ...}."""
        found = {}
        for folder in pathlib.Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError, IndexError):
                words = (folder / "cmdline").read_bytes().split(b"\0")
                parent = int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1])
                if words[0] == b"corvette:" and parent == self.process.pid:
                    found[b" ".join(words[1:3]).decode().strip()] = int(folder.name)
        return found

    def wait_log(self, pattern, patience=PATIENCE_S):
        return wait_for(lambda: next((l for l in list(self.log) if re.search(pattern, l)), None),
                        f"a log line matching {pattern!r}", patience)

    def wait_pid(self, role, other_than=None):
        return wait_for(lambda: (lambda p: p if p and p != other_than else None)(
            self.pids().get(role)), f"a running {role}")

    def segments(self, camera):
        """Finished segment files, oldest first."""
        return sorted(path for path in self.data.glob(f"media/recordings/*/*/{camera}/*.mp4")
                      if not path.name.startswith("."))


def base_config(cameras, **sections):
    """A configuration with what every test wants; `cameras`: name -> camera section."""
    return {
        "mqtt": {"enabled": False},
        "telemetry": {"version_check": False},
        "record": {"enabled": True, "retain": {"days": 1}},
        "snapshots": {"enabled": True},
        "objects": {"track": ["person", "car", "dog", "bicycle"]},
        "cameras": cameras,
        **sections,
    }


# Over the frame number that corvette-scene --stamp burns in: it changes with every frame.
STAMP_MASK = "0,0,0.3,0,0.3,0.13,0,0.13"
STAMP_SECTIONS = {"motion": {"mask": STAMP_MASK}, "objects": {"mask": STAMP_MASK}}


def file_camera(path, width=1280, height=720, fps=5, **sections):
    """A camera that plays a file in real time, over and over."""
    return {
        **STAMP_SECTIONS,
        "ffmpeg": {"inputs": [{"path": str(path), "roles": ["detect", "record"],
                               "input_args": "-re -stream_loop -1"}]},
        "detect": {"width": width, "height": height, "fps": fps},
        **sections,
    }


# Segments of two seconds, so that a test soon has several.
SHORT_SEGMENTS = {"record": "-f segment -segment_time 2 -segment_format mp4 -reset_timestamps 1 "
                            "-strftime 1 -c copy -an"}


def recorded_camera(path, width, height):
    """A camera that is only recorded, in short segments."""
    camera = file_camera(path, width, height)
    camera["ffmpeg"]["output_args"] = SHORT_SEGMENTS
    camera["detect"]["enabled"] = False
    return camera


def rtsp_camera(url, width, height, fps=5, input_args="preset-rtsp-generic", **sections):
    return {
        "ffmpeg": {"inputs": [{"path": url, "roles": ["detect", "record"],
                               "input_args": input_args}]},
        "detect": {"width": width, "height": height, "fps": fps},
        **sections,
    }
