#!/usr/bin/python3
"""What answers out of the database cost, whether that grows with history, and how it compares.

    bench/make_db.py full.db --end 1795377600
    bench/make_db.py small.db --end 1795377600 --days 0.3 --events 2000 --reviews 1000
    bench/api.py full.db small.db

The databases are in Frigate 0.14's form; copies of them are served from a media folder that has files for
the last day and a half of cam01 only. Every request of bench/urls.txt is asked in two ways: as an address nobody asked for before (`new`: the answer
is made), and over and over (`again`: what changed nothing may be answered as before). Milliseconds:

  bytes      of the answer
  new        p50 and p99 with one caller, p99 with eight (c8)
  cpu        CPU of all Corvette processes per request, new, one caller
  again      p50, p99 and requests a second with eight callers
  ÷ Python   requests a second with eight callers against Frigate's (bench/python.tsv), new and again
  growth     cpu of the first database against the second, where the answers are about as long

Pictures of a camera (latest_*) are asked of a server of their own with a drawn scene; there, "new" and
"again" differ in nothing. The client is bench/load, one thread.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/support"))
import corvette as support  # noqa: E402
from scenes import scene  # noqa: E402

TICKS = os.sysconf("SC_CLK_TCK")
LOAD = support.BUILD / "bench/load/load"
CAMERAS = [f"cam{i:02}" for i in range(1, 11)]


def read_table(name):
    lines = (ROOT / "bench" / name).read_text().splitlines()
    return [line.split("\t") for line in lines if line and not line.startswith("#")]


def tree(corvette):
    return [corvette.process.pid, *corvette.pids().values()]


def cpu_seconds(corvette):
    total = 0
    for pid in tree(corvette):
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def peak_mb(corvette):
    status = pathlib.Path(f"/proc/{corvette.wait_pid('server')}/status").read_text()
    return int(re.search(r"^VmHWM:\s+(\d+) kB", status, re.M)[1]) / 1024


def config(database, cameras):
    off = {"enabled": False, "ffmpeg": {"inputs": [
        {"path": "rtsp://127.0.0.1:9/none", "roles": ["detect", "record"]}]},
        "detect": {"width": 1280, "height": 720, "fps": 5}}
    sections = support.base_config({name: off for name in CAMERAS} | cameras,
                                   record={"enabled": False, "retain": {"days": 100000},
                                           "events": {"retain": {"default": 100000}}},
                                   snapshots={"enabled": True, "retain": {"default": 100000}})
    return {**sections, "database": {"path": str(database)}}


def load(corvette, path, callers, seconds, *headers):
    host, port = corvette.url.removeprefix("http://").split(":")
    before = cpu_seconds(corvette)
    out = subprocess.run([LOAD, host, port, path, str(callers), str(seconds), *headers],
                         capture_output=True, text=True)
    if out.returncode != 0:
        raise RuntimeError(f"{path}: {out.stderr.strip()}")
    result = json.loads(out.stdout)
    result["rate"] = result["requests"] / result["seconds"]
    result["server_ms"] = (cpu_seconds(corvette) - before) / result["requests"] * 1000
    return result


def measure(corvette, path, seconds):
    new = path + ("&" if "?" in path else "?") + "nth=#"
    corvette.get(path)  # the file's pages into memory
    rows = {"one": load(corvette, new, 1, seconds), "eight": load(corvette, new, 8, seconds)}
    corvette.get(path, headers={"Accept-Encoding": "identity"})
    return {**rows, "again": load(corvette, path, 8, seconds)}


def make_media(folder, database):
    """One drawn file under the names the newest rows of a camera give, for playlists."""
    video, _ = scene("yard", "--seed", 1, "--duration", 40, "--loopable", "--stamp")
    one = pathlib.Path(folder) / "one.mp4"
    shutil.copy(video, one)
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as rows:
        paths = rows.execute("SELECT path FROM recordings WHERE camera = 'cam01' AND start_time > "
                             "(SELECT max(start_time) FROM recordings) - 180000")
        for (path,) in paths:
            file = pathlib.Path(folder) / "media" / pathlib.Path(path).relative_to("/media/frigate")
            file.parent.mkdir(parents=True, exist_ok=True)
            os.link(one, file)


def measure_all(corvette, urls, seconds, rows):
    for name, path in urls:
        try:
            rows[name] = measure(corvette, path, seconds)
        except RuntimeError as error:
            print(f"{name}: left out: {error}", file=sys.stderr)
        else:
            print(name, json.dumps(rows[name]), file=sys.stderr)


def measure_database(database, urls, seconds, in_place):
    rows = {}
    with tempfile.TemporaryDirectory(dir=database.parent) as folder:
        copy = database if in_place else pathlib.Path(folder) / "copy.db"
        if not in_place:
            shutil.copy(database, copy)
        make_media(folder, database)
        with support.Corvette(config(copy, {}), folder) as corvette:
            support.wait_for(lambda: corvette.stats()["corvette"]["server"]["keeper"]["passes"] > 0,
                             "the sums of the whole history", 1200)
            measure_all(corvette, urls, seconds, rows)
            return rows, peak_mb(corvette)


def measure_pictures(urls, seconds):
    video, _ = scene("yard", "--seed", 1, "--duration", 40, "--loopable", "--stamp")
    camera = support.file_camera(video, record={"enabled": False})
    camera["ffmpeg"]["inputs"][0]["roles"] = ["detect"]
    camera["detect"]["enabled"] = False
    rows = {}
    with tempfile.TemporaryDirectory() as folder:
        with support.Corvette(config(pathlib.Path(folder) / "db", {"cam01": camera}),
                              folder) as corvette:
            support.wait_for(lambda: corvette.stats()["cameras"]["cam01"]["camera_fps"] > 0,
                             "pictures of the camera")
            measure_all(corvette, urls, seconds, rows)
    return rows


def show(large, small, python):
    print("| request | bytes | new p50 | p99 | c8 p99 | cpu | again p50 | p99 | req/s "
          "| ÷ Python, new | again | growth |")
    print("|---" + "|---:" * 11 + "|")
    for name, row in large.items():
        one, eight, again = row["one"], row["eight"], row["again"]
        rate = float(python[name][7]) if name in python else 0
        against = [f"{row[key]['rate'] / rate:.0f}" if rate else "" for key in ("eight", "again")]
        other = small[name]["one"] if name in small else None
        alike = other and other["bytes"] * 2 > one["bytes"] and other["server_ms"] > 0
        growth = f"{one['server_ms'] / other['server_ms']:.1f}" if alike else ""
        print(f"| {name} | {one['bytes']} | {one['p50']:.2f} | {one['p99']:.2f} | {eight['p99']:.2f} "
              f"| {one['server_ms']:.2f} | {again['p50']:.2f} | {again['p99']:.2f} "
              f"| {again['rate']:.0f} | {against[0]} | {against[1]} | {growth} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("database", type=pathlib.Path)
    parser.add_argument("small", type=pathlib.Path, nargs="?")
    parser.add_argument("--seconds", type=float, default=3, help="of each of three runs per request")
    parser.add_argument("--only", default="", help="requests whose name holds this text")
    parser.add_argument("--in-place", action="store_true",
                        help="serve the files themselves, which get Corvette's tables")
    arguments = parser.parse_args()
    urls = [row for row in read_table("urls.txt") if arguments.only in row[0]]
    pictures = [row for row in urls if row[0].startswith("latest")]
    urls = [row for row in urls if row not in pictures]
    large, memory = (measure_database(arguments.database, urls, arguments.seconds,
                                      arguments.in_place) if urls else ({}, 0))
    small = (measure_database(arguments.small, urls, arguments.seconds, arguments.in_place)[0]
             if arguments.small and urls else {})
    if pictures:
        large |= measure_pictures(pictures, arguments.seconds)
    show(large, small, {row[0]: row[1:] for row in read_table("python.tsv")})
    print(f"\nserver: {memory:.0f} MB at most; load of the machine: {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
