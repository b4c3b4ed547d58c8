#!/usr/bin/python3
"""What recording costs, next to ffmpeg recording the same camera at the same time.

    bench/recording.py [--seconds 60] [--rounds 3]
    bench/recording.py --cameras 64 [--seconds 120]

A camera of 1280x720, 20 fps, H.264 at 2 Mb/s is served over RTSP/TCP by a process of its own. Recorded
side by side, for `seconds` after a start-up that does not count:

  corvette  CPU ms per camera-second of the capture process; it records, nothing is detected
  ffmpeg    the same of `ffmpeg -c copy -f segment`
  reading   the same of a loop around av_read_frame that throws everything away
  ratio     corvette / ffmpeg                                                     aim: at most 0.5

With --cameras: that many cameras into one Corvette. Prints the CPU per camera-second, the memory of all
its processes (PSS) after 30 s and at the end, and how many seconds of recording are missing between
segments.                                                             aim: no gap, memory flat
"""
import argparse
import contextlib
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/support"))
import corvette as support  # noqa: E402
import scenes  # noqa: E402

START_UP = 12  # seconds: the first segment of both is finished by then
BUILD = pathlib.Path(os.environ.get("CORVETTE_BUILD", ROOT / "build"))


def make_stream(folder):
    """Twenty seconds of noisy picture: the encoder needs all of its 2 Mb/s at any time."""
    path = folder / "camera.mp4"
    subprocess.run(
        ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=1280x720:rate=20,noise=alls=12:allf=t",
         "-t", "20", "-c:v", "libx264", "-preset", "fast", "-profile:v", "main", "-bf", "0", "-g", "40",
         "-b:v", "2M", "-minrate", "2M", "-maxrate", "2M", "-bufsize", "1M", "-pix_fmt", "yuv420p", path],
        check=True)
    print(f"stream: {path.stat().st_size * 8 / 20 / 1e6:.2f} Mb/s", flush=True)
    return path


def cpu_ms(pid):
    """All threads, to the nanosecond; those that ended are missing, so it must not fork."""
    total = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):
            total += int((task / "schedstat").read_text().split()[0])
    return total / 1e6


def pss_mb(pid):
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(r"^Pss:\s+(\d+) kB", text, re.M)[1]) / 1024


def record_camera(url):
    """Recording alone: detection has an input of its own, at a port where no one answers."""
    camera = support.rtsp_camera(url, 1280, 720)
    camera["ffmpeg"]["inputs"] = [
        {"path": url, "roles": ["record"], "input_args": "preset-rtsp-generic"},
        {"path": "rtsp://127.0.0.1:1/none", "roles": ["detect"], "input_args": "preset-rtsp-generic"}]
    camera["detect"]["enabled"] = False
    return camera


@contextlib.contextmanager
def child(command, **options):
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, **options)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def side_by_side(url, seconds):
    with tempfile.TemporaryDirectory() as folder:
        own, other = pathlib.Path(folder, "own"), pathlib.Path(folder, "other")
        own.mkdir()
        other.mkdir()
        ffmpeg = ["ffmpeg", "-v", "error", "-rtsp_transport", "tcp", "-i", url, "-c", "copy", "-f", "segment",
                  "-segment_time", "10", "-reset_timestamps", "1", "out%03d.mp4"]
        reader = [BUILD / "bench/capture/read_floor", url, "rtsp_transport", "tcp"]
        with support.Corvette(support.base_config({"yard": record_camera(url)}), own) as running, \
                child(ffmpeg, cwd=other) as first, child(reader) as second:
            time.sleep(START_UP)
            pids = [running.pids()["capture yard"], first.pid, second.pid]
            before, begin = [cpu_ms(pid) for pid in pids], time.monotonic()
            time.sleep(seconds)
            spent = [cpu_ms(pid) - start for pid, start in zip(pids, before)]
            took = time.monotonic() - begin
            assert running.segments("yard") and list(other.glob("*.mp4")), "nothing was recorded"
            return [cpu / took for cpu in spent]


def compare(url, seconds, rounds):
    print("round corvette ffmpeg reading ratio")
    ratios = []
    for number in range(rounds):
        own, ffmpeg, reading = side_by_side(url, seconds)
        ratios.append(own / ffmpeg)
        print(f"{number + 1:5d} {own:8.2f} {ffmpeg:6.2f} {reading:7.2f} {ratios[-1]:5.2f}", flush=True)
    print(f"median ratio {statistics.median(ratios):.2f}")


def missing_seconds(running, name, begin):
    """Time between the end of a segment and the start of the next."""
    rows = running.json(f"/api/{name}/recordings?after={begin}&before={time.time()}")
    rows = sorted(rows, key=lambda row: row["start_time"])
    assert len(rows) > 1, f"{name}: {len(rows)} segments"
    return sum(max(0, b["start_time"] - a["end_time"] - 0.001) for a, b in zip(rows, rows[1:]))


def many(files, count, seconds):
    with scenes.RtspCamera(files) as camera, tempfile.TemporaryDirectory() as folder:
        begin = time.time()
        cameras = {name: record_camera(url) for name, url in camera.urls.items()}
        with support.Corvette(support.base_config(cameras), folder) as running:
            time.sleep(30)
            pids = [running.process.pid, *running.pids().values()]
            capture = [pid for role, pid in running.pids().items() if role.startswith("capture")]
            early, before, start = sum(map(pss_mb, pids)), sum(map(cpu_ms, capture)), time.monotonic()
            time.sleep(max(seconds - 30, 1))
            late = sum(map(pss_mb, pids))
            cpu = (sum(map(cpu_ms, capture)) - before) / (time.monotonic() - start) / count
            missing = {name: missing_seconds(running, name, begin) for name in cameras}
            workers = running.stats()["corvette"]["cameras"]
            lost = sum(workers[name]["capture"]["counters"]["packets_lost"] for name in cameras)
    print("cameras cpu_ms pss_30s pss_end missing_s lost_packets")
    print(f"{count:7d} {cpu:6.2f} {early:7.1f} {late:7.1f} {sum(missing.values()):9.3f} {lost}")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cameras", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        stream = make_stream(pathlib.Path(folder))
        if arguments.cameras > 1:
            files = {f"camera{i}": stream for i in range(arguments.cameras)}
            many(files, arguments.cameras, arguments.seconds or 120)
            return
        with scenes.RtspCamera({"yard": stream}) as camera:
            compare(camera.urls["yard"], arguments.seconds or 60, arguments.rounds)


if __name__ == "__main__":
    main()
