#!/usr/bin/python3
"""What a whole running Corvette costs, each figure next to a floor taken in the same run.

    bench/system.py [--cameras 1,4,16] [--seconds 60]

Each camera records and detects (5 fps, 1280x720) a quiet drawn scene, 20 fps, from a file in real
time. The floors are the CPU of bare libavcodec decoding of the same pictures and nothing else, on one
thread (bench/capture/decode_floor): once as fast as it can, once at the pace a camera sends them. A
processor that sleeps between pictures finds its caches cold, so the second costs half as much again.
Prints one table row per number of cameras:

  cpu     CPU seconds of all Corvette processes per camera-minute
  paced   CPU seconds of bare decoding of a camera-minute, at its pace
  ratio   cpu / paced                       aim: at most 1.15, the same for 1, 4 and 16 cameras
  fast    CPU seconds of bare decoding of a camera-minute, as fast as it can
  ratio   cpu / fast
  pss     MB of memory per camera (capture + analyse)                    aim: at most 40
  base    MB of memory of supervisor + server                            aim: at most 40
  first   ms from the start of the program to the first recorded fragment; the file's first picture is a
          keyframe                                                     aim: under 1000
"""
import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/support"))
import corvette as support  # noqa: E402
import scenes  # noqa: E402

TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def pss_mb(pid):
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(r"^Pss:\s+(\d+) kB", text, re.M)[1]) / 1024


def floor_cpu(video, seconds, *pace):
    """CPU seconds per minute of video for bare decoding."""
    out = subprocess.run([ROOT / "build/bench/capture/decode_floor", video, str(seconds), *pace],
                         capture_output=True, text=True, check=True).stdout
    return float(re.search(r"cpu_s_per_minute ([\d.]+)", out)[1])


def total(pids, measure):
    return sum(measure(pid) for pid in pids)


def measure(count, seconds, video):
    with tempfile.TemporaryDirectory() as folder:
        cameras = {f"camera{i}": support.file_camera(video) for i in range(count)}
        begin = time.monotonic()
        with support.Corvette(support.base_config(cameras), folder) as running:
            def fragment():
                files = list(pathlib.Path(folder).glob("media/recordings/*/*/camera0/.*"))
                return any(f.stat().st_size > 20000 for f in files)
            support.wait_for(fragment, "the first fragment")
            first = time.monotonic() - begin
            support.wait_for(lambda: all(c["camera_fps"] > 4 for c in
                                         running.stats()["cameras"].values()), "all cameras", 120)
            pids = {"supervisor": running.process.pid, **running.pids()}
            before, start = total(pids.values(), cpu_seconds), time.monotonic()
            paced = floor_cpu(video, seconds, "real-time")  # at the same time: the same machine noise
            spent = total(pids.values(), cpu_seconds) - before
            minutes = (time.monotonic() - start) / 60
            workers = [p for role, p in pids.items() if role.startswith(("capture", "analyse"))]
            base = [pids["supervisor"], pids["server"]]
            fast = floor_cpu(video, min(seconds, 30))
            cpu = spent / minutes / count
            return {
                "cameras": count,
                "cpu": cpu,
                "paced": paced,
                "paced_ratio": cpu / paced,
                "fast": fast,
                "fast_ratio": cpu / fast,
                "pss": total(workers, pss_mb) / count,
                "base": total(base, pss_mb),
                "first": first * 1000,
            }


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cameras", default="1,4,16")
    parser.add_argument("--seconds", type=int, default=60)
    arguments = parser.parse_args()
    video, _ = scenes.scene("quiet", "--seed", 9, "--duration", 30, "--loopable", "--quiet")
    print("cameras   cpu  paced  ratio   fast  ratio   pss  base  first")
    for count in map(int, arguments.cameras.split(",")):
        row = measure(count, arguments.seconds, video)
        print("{cameras:7d} {cpu:5.2f} {paced:6.2f} {paced_ratio:6.2f} {fast:6.2f} {fast_ratio:6.2f} "
              "{pss:5.1f} {base:5.1f} {first:6.0f}"
              .format(**row), flush=True)


if __name__ == "__main__":
    main()
