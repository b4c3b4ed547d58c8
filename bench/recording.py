#!/usr/bin/python3
"""What recording one camera costs, against the ffmpeg program recording the same stream.

    bench/recording.py [--seconds 60] [--rounds 3] [--cameras 1]

An RTSP server in a process of its own sends 1280x720, 20 fps, 2 Mb/s over TCP. Corvette's capture only
records (no detection); ffmpeg copies into segments of ten seconds. Both are measured at once, each from
the moment it has settled, in CPU milliseconds per second and camera. Aim: at most 0.5 of ffmpeg. With
more cameras also: memory at the beginning and the end, and whether the segments lack anything.
"""
import argparse
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

SETTLE_S = 10


def cpu_seconds(pid):
    return sum(int((task / "schedstat").read_text().split()[0])
               for task in pathlib.Path(f"/proc/{pid}/task").iterdir()) / 1e9


def pss_mb(pid):
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(r"^Pss:\s+(\d+) kB", text, re.M)[1]) / 1024


def config(urls):
    cameras = {}
    for name, url in urls.items():
        camera = support.rtsp_camera(url, 1280, 720)
        camera["detect"]["enabled"] = False
        camera["ffmpeg"]["inputs"][0]["roles"] = ["record"]
        camera["ffmpeg"]["inputs"].append({"path": "rtsp://127.0.0.1:9/none", "roles": ["detect"]})
        cameras[name] = camera
    return support.base_config(cameras)


def holes(corvette, name, since):
    """Gaps between the segments that ended since then."""
    rows = [r for r in corvette.json(f"/api/{name}/recordings") if r["start_time"] > since]
    return sum(b["start_time"] - a["end_time"] > 0.1 for a, b in zip(rows, rows[1:]))


def measure(urls, folder, seconds):
    first = next(iter(urls.values()))
    ffmpeg = subprocess.Popen(
        ["ffmpeg", "-v", "error", "-rtsp_transport", "tcp", "-i", first, "-c", "copy", "-f", "segment",
         "-segment_time", "10", "-reset_timestamps", "1", folder / "out%03d.mp4"])
    with support.Corvette(config(urls), folder / "data") as corvette:
        pids = {name: corvette.wait_pid(f"capture {name}") for name in urls}
        for name in urls:
            support.wait_for(lambda: list((folder / "data").glob(
                f"media/recordings/*/*/{name}/.*.part")), f"{name} to be recorded", 120)
        support.wait_for(lambda: (folder / "out000.mp4").exists(), "ffmpeg to record")
        time.sleep(SETTLE_S)
        begin, since = time.monotonic(), time.time()
        ours = {name: cpu_seconds(pid) for name, pid in pids.items()}
        floor = cpu_seconds(ffmpeg.pid)
        memory = sum(map(pss_mb, pids.values()))
        time.sleep(seconds)
        taken = time.monotonic() - begin
        mine = sum(cpu_seconds(pid) - ours[name] for name, pid in pids.items()) / len(pids) / taken
        theirs = (cpu_seconds(ffmpeg.pid) - floor) / taken
        after = sum(map(pss_mb, pids.values()))
        lacking = sum(holes(corvette, name, since) for name in urls)
        lost = [name for name, pid in pids.items() if corvette.pids().get(f"capture {name}") != pid]
    ffmpeg.terminate()
    ffmpeg.wait()
    return mine * 1e3, theirs * 1e3, memory, after, lacking, lost


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cameras", type=int, default=1)
    arguments = parser.parse_args()
    video = scenes.scene("minute", "--seed", 4, "--duration", 60, "--bitrate", 2000)[0]
    names = [f"cam{i}" for i in range(arguments.cameras)]
    ratios = []
    with scenes.RtspCamera({name: video for name in names}) as camera:
        for _ in range(arguments.rounds):
            with tempfile.TemporaryDirectory() as folder:
                mine, theirs, memory, after, lacking, lost = measure(
                    camera.urls, pathlib.Path(folder), arguments.seconds)
            ratios.append(mine / theirs)
            print(f"{mine:.2f} ms per camera-second, ffmpeg {theirs:.2f}: {ratios[-1]:.2f}; memory "
                  f"{memory / len(names):.1f} MB a camera, then {after / len(names):.1f}; "
                  f"{lacking} holes, {len(lost)} captures died", flush=True)
    print(f"median ratio {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    main()
