#!/usr/bin/python3
"""What answers out of the database cost, with one caller and with eight, and whether that grows with
history.

    bench/api.py DATABASE [SMALL_DATABASE] [--seconds 5] [--only TEXT]

DATABASE is a Frigate 0.14 database; a copy of it is served from an empty media folder (bench/urls.txt
names cameras and times of the one this was written for: ten cameras, thirty days, 2.6 million
recordings, 200,000 events). With a second, smaller one the growth from it to the first is shown.
Needs wrk. One row per request:

  bytes   of the answer
  p50 p99 ms, with one caller and with eight (c8)
  req/s   with eight callers
  cpu     ms of the server's CPU time per request, with eight callers
"""
import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/support"))
import corvette as support  # noqa: E402

TICKS = os.sysconf("SC_CLK_TCK")
UNITS = {"us": 1e-3, "ms": 1, "s": 1e3, "m": 6e4}


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def config(cameras, database):
    camera = {"enabled": False, "ffmpeg": {"inputs": [
        {"path": "rtsp://127.0.0.1:9/none", "roles": ["detect", "record"]}]},
        "detect": {"width": 1280, "height": 720, "fps": 5}}
    return {**support.base_config({name: camera for name in cameras},
                                  record={"enabled": False, "retain": {"days": 100000},
                                          "events": {"retain": {"default": 100000}}},
                                  snapshots={"enabled": True, "retain": {"default": 100000}}),
            "database": {"path": str(database)}}


def run_wrk(url, callers, seconds):
    out = subprocess.run(["wrk", "-t1", f"-c{callers}", f"-d{seconds}s", "--latency", url],
                         capture_output=True, text=True, check=True).stdout

    def percentile(share):
        found = re.search(rf"^\s+{share}%\s+([\d.]+)(us|ms|s|m)$", out, re.M)
        return float(found[1]) * UNITS[found[2]]
    errors = re.search(r"Non-2xx.*: (\d+)", out)
    assert not errors, out
    return percentile(50), percentile(99), float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1])


def measure(database, urls, seconds):
    rows = {}
    with tempfile.TemporaryDirectory(dir=database.parent) as folder:
        copy = pathlib.Path(folder) / "copy.db"
        shutil.copy(database, copy)
        with support.Corvette(config([f"cam{i:02}" for i in range(1, 11)], copy), folder) as corvette:
            support.wait_for(lambda: corvette.stats()["corvette"]["server"]["keeper"]["passes"] > 0,
                             "the sums of the whole history", 1200)
            server = corvette.wait_pid("server")
            for name, path in urls:
                size = len(corvette.get(path).content)
                one = run_wrk(corvette.url + path, 1, seconds)
                before = cpu_seconds(server)
                eight = run_wrk(corvette.url + path, 8, seconds)
                cpu = (cpu_seconds(server) - before) / (eight[2] * seconds) * 1000
                rows[name] = (size, *one, *eight, cpu)
            memory = re.search(r"^Pss:\s+(\d+) kB", pathlib.Path(
                f"/proc/{server}/smaps_rollup").read_text(), re.M)
    return rows, int(memory[1]) / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("database", type=pathlib.Path)
    parser.add_argument("small", type=pathlib.Path, nargs="?")
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    urls = [line.split("\t") for line in (ROOT / "bench/urls.txt").read_text().splitlines()
            if not line.startswith("#") and arguments.only in line]
    large, memory = measure(arguments.database, urls, arguments.seconds)
    small = measure(arguments.small, urls, arguments.seconds)[0] if arguments.small else {}
    print("| request | bytes | p50 | p99 | req/s | c8 p50 | c8 p99 | c8 req/s | cpu | growth |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
    for name, row in large.items():
        growth = f"{row[1] / small[name][1]:.1f}" if name in small else ""
        print("| {} | {} | {:.2f} | {:.2f} | {:.0f} | {:.2f} | {:.2f} | {:.0f} | {:.2f} | {} |".format(
            name, *row, growth))
    print(f"\nserver: {memory:.0f} MB")


if __name__ == "__main__":
    main()
