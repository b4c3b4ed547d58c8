#!/usr/bin/python3
"""soak/kill: random kill -9 of every role, and of the whole tree, again and again, while cameras are
recorded; then the footage is counted.

  tests/soak/kill.py [--rounds 1000] [--cameras 4] [--seed 1] [--folder DIR] [--program build/corvette]

The cameras are RTSP servers in processes of their own that send burnt-in frame numbers and go on
whatever happens to us. Afterwards:

* `corvette check` is clean;
* every file decodes without an error, and holds the frames its index says;
* frames are missing only where capture was killed: of what had arrived, at most the open fragment
  (1 s) before each kill;
* between kills of capture not one frame is missing, whatever else was killed.

Ends with a table and exit status 0 when all of it holds.
"""
import argparse
import collections
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))

from corvette import PROGRAM, SHORT_SEGMENTS, Corvette, base_config, rtsp_camera, wait_for  # noqa: E402
from pictures import stamps  # noqa: E402
from scenes import RtspCamera, scene  # noqa: E402

FPS = 10
CLIP_S = 20
FRAGMENT_S = 1.0  # src/capture/recorder.h: what is not written yet
# Between a frame's capture time and our SIGKILL reaching the process on a busy machine.
SLACK_S = 0.5
WHAT = {"capture": 3, "analyse": 2, "detector": 1, "server": 3, "tree": 1}


def config(urls):
    cameras = {}
    for name, url in urls.items():
        camera = rtsp_camera(url, 320, 180)
        camera["ffmpeg"]["output_args"] = SHORT_SEGMENTS
        camera["ffmpeg"]["retry_interval"] = 1
        cameras[name] = camera
    return base_config(cameras)


class Run:
    def __init__(self, arguments, folder):
        self.dice = random.Random(arguments.seed)
        self.rounds = arguments.rounds
        self.folder = folder
        self.names = [f"cam{i}" for i in range(arguments.cameras)]
        video = scene("soak", "--seed", 9, "--duration", CLIP_S, "--size", "320x180", "--fps", FPS,
                      "--loopable", "--stamp", "--gop", 1)[0]
        self.camera = RtspCamera({name: video for name in self.names})
        self.kills = collections.Counter()
        self.capture_kills = collections.defaultdict(list)  # camera -> wall times

    def go(self):
        with self.camera:
            self.config = config(self.camera.urls)
            self.corvette = Corvette(self.config, self.folder).start()
            begin = time.monotonic()
            for number in range(self.rounds):
                self.round()
                if (number + 1) % 20 == 0:
                    taken = time.monotonic() - begin
                    left = taken / (number + 1) * (self.rounds - number - 1)
                    print(f"{number + 1} of {self.rounds} rounds, {taken:.0f} s, {left:.0f} s left",
                          file=sys.stderr, flush=True)
            self.settle()
            self.corvette.stop()

    def round(self):
        what = self.dice.choices(list(WHAT), list(WHAT.values()))[0]
        # Any moment of a fragment, of a segment, or of a start.
        pause = self.dice.random() ** 2 * 1.5
        time.sleep(pause)
        self.kills[what] += 1
        if what == "tree":
            now = time.time()
            self.corvette.kill()
            for name in self.names:
                self.capture_kills[name].append(now)
            self.corvette = Corvette(self.config, self.folder).start()
            return
        running = {role: pid for role, pid in self.corvette.pids().items() if role.startswith(what)}
        if not running:
            return
        role = self.dice.choice(sorted(running))
        try:
            os.kill(running[role], signal.SIGKILL)
        except ProcessLookupError:
            return
        if what == "capture":
            self.capture_kills[role.split()[1]].append(time.time())

    def settle(self):
        """Everything is back and what was left open is finished and has its row."""
        for name in self.names:
            before = len(self.corvette.segments(name))
            wait_for(lambda: len(self.corvette.segments(name)) >= before + 2, f"{name} to record", 120)
        # A file whose message died with its processes gets its row from the look at the disk that follows
        # a minute after a restart.
        wait_for(lambda: self.check().returncode == 0, "rows for all files", 180)

    def check(self):
        return subprocess.run([PROGRAM, "check", "--data", self.folder, "--config",
                               self.folder / "config.yml"], capture_output=True, text=True)

    # Counting ------------------------------------------------------------------------------

    def judge(self):
        problems = []
        lost = collections.Counter()
        frames = files = 0
        for name in self.names:
            found, wrong = self.footage(name)
            problems += wrong
            files += len(found)
            frames += sum(len(numbers) for _, _, numbers in found)
            for (start_a, end_a, a), (start_b, _, b) in zip(found, found[1:]):
                missing = (b[0] - a[-1] - 1) % (CLIP_S * FPS)
                if missing == 0:
                    continue
                killed = [t for t in self.capture_kills[name] if end_a - SLACK_S <= t <= start_b + SLACK_S]
                if not killed:
                    problems.append(f"{name}: {missing} frames are missing at {end_a:.2f}, where "
                                    "capture was not killed")
                elif min(killed) - end_a > FRAGMENT_S + SLACK_S:
                    problems.append(f"{name}: {min(killed) - end_a:.2f} s before the kill at "
                                    f"{min(killed):.2f} are missing")
                if killed:
                    lost[name] += max(0.0, min(killed) - end_a)
        check = self.check()
        if check.returncode != 0:
            problems.append("corvette check: " + check.stdout[-3000:] + check.stderr[-2000:])
        kills = sum(len(v) for v in self.capture_kills.values())
        print("| killed | times |\n|---|---|")
        for what, times in sorted(self.kills.items()):
            print(f"| {what} | {times} |")
        print(f"\n{files} files, {frames} frames decoded; {kills} deaths of a capture cost "
              f"{sum(lost.values()):.1f} s of received video in all "
              f"({sum(lost.values()) / max(kills, 1):.2f} s each); {len(problems)} problems")
        for problem in problems[:50]:
            print("  " + problem)
        return not problems

    def footage(self, name):
        """(start, end, frame numbers) of each file in order of time, and what is wrong with them."""
        found, wrong = [], []
        for path in self.corvette.segments(name):
            probe = subprocess.run(
                ["ffmpeg", "-v", "error", "-i", path, "-map", "0:v", "-f", "framecrc", "-"],
                capture_output=True, text=True)
            if probe.returncode != 0 or probe.stderr:
                wrong.append(f"{path}: {probe.stderr[:200]}")
                continue
            numbers = stamps(path)
            if None in numbers or any((a + 1) % (CLIP_S * FPS) != b for a, b in zip(numbers, numbers[1:])):
                wrong.append(f"{path}: frames {numbers[0]}..{numbers[-1]} are not consecutive")
            start = self.start_of(path)
            found.append((start, start + len(numbers) / FPS, numbers))
        return sorted(found), wrong

    def start_of(self, path):
        """The start stamp a file carries (src/media/fmp4.h)."""
        data = path.read_bytes()[:65536]
        at = data.index(b"uuid") + 4 + 16 + 4
        return int.from_bytes(data[at:at + 8], "big", signed=True) / 1e6


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=1000)
    parser.add_argument("--cameras", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(arguments.folder or temporary)
        run = Run(arguments, folder)
        run.go()
        return 0 if run.judge() else 1


if __name__ == "__main__":
    sys.exit(main())
