#!/usr/bin/python3
"""Tracking accuracy on generated scenes: MOTA, IDF1, identity switches, events against visits.

    bench/tracking/run.py [--build build] [--seeds 31-36] [--night 41-42] [--seconds 60]
                          [--config FILE]

Draws each scene at 5 pictures a second, then runs motion, regions and tracking over the pictures
with perfect boxes from the truth, and with worsened ones: 15 % not found, corners off by 4 % of the
box, 3 % of the labels drawn by lot, a false box in every tenth picture. With --config a third row
comes from the real model of that configuration (its first detector and camera; the camera must
track person, car, dog and bicycle at 1280x720).

MOTA counts the first two pictures of each object as misses: it is real from the third sighting on.
"""
import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
WORSE = ["--drop", ".15", "--jitter", ".04", "--flip", ".03", "--false", ".1"]
COUNTS = ("truth", "misses", "false", "switches", "visits", "events", "doubles", "missed visits",
          "ghosts")


def seeds(text):
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1) if text else range(0)


def draw(build, folder, seed, night, seconds):
    truth, raw = folder / "truth.jsonl", folder / "pictures.raw"
    subprocess.run([build / "tools/scene/corvette-scene", "--seed", str(seed), "--duration",
                    str(seconds), "--fps", "5", "--density", "20", "--truth", truth, "--raw", raw]
                   + (["--night"] if night else []),
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return ["--truth", truth, "--raw", raw]


def measure(build, scene, more):
    out = subprocess.run([build / "bench/tracking/tracking_accuracy", *scene, *more],
                         capture_output=True, text=True, check=True).stdout
    result = {name: int(re.search(rf"\b{name} (\d+)", out)[1]) for name in COUNTS}
    result["idf1"] = float(re.search(r"IDF1 ([\d.]+)", out)[1])
    return result


def print_row(name, results):
    total = {count: sum(result[count] for result in results) for count in COUNTS}
    wrong = total["misses"] + total["false"] + total["switches"]
    mota = 1 - wrong / max(1, total["truth"])
    idf1 = sum(result["idf1"] for result in results) / max(1, len(results))
    print(f"| {name} | {mota:.3f} | {idf1:.3f} | {total['switches']} | {total['visits']} | "
          f"{total['events']} | {total['doubles']} | {total['missed visits']} | "
          f"{total['ghosts']} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--build", default=ROOT / "build", type=pathlib.Path)
    parser.add_argument("--seeds", default="31-36")
    parser.add_argument("--night", default="41-42")
    parser.add_argument("--seconds", default=60, type=int)
    parser.add_argument("--config")
    options = parser.parse_args()
    kinds = [("perfect boxes", [[]]),
             ("worsened boxes", [WORSE + ["--seed", str(n)] for n in (1, 2, 3)])]
    if options.config:
        kinds.append(("real model", [["--config", options.config]]))
    results = {name: [] for name, _ in kinds}
    scenes = [(seed, False) for seed in seeds(options.seeds)]
    scenes += [(seed, True) for seed in seeds(options.night)]
    for seed, night in scenes:
        with tempfile.TemporaryDirectory() as folder:
            scene = draw(options.build, pathlib.Path(folder), seed, night, options.seconds)
            for name, variants in kinds:
                results[name] += [measure(options.build, scene, more) for more in variants]
        print(f"scene {seed}{' by night' if night else ''} done", file=sys.stderr)
    print("| boxes | MOTA | IDF1 | switches | visits | events | doubles | missed | ghosts |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for name, _ in kinds:
        print_row(name, results[name])


if __name__ == "__main__":
    main()
