#!/usr/bin/python3
"""Measures demo.onnx on clips with seeds it was never trained on; see README.md.

The file that ships is run by onnx_run with ONNX Runtime on one thread. A detection is right when
it covers an object of its label with an intersection over union of 0.5 or more. Objects that are
mostly hidden, cut off or tiny count neither for nor against (footage.py says where the line is).
"""

import argparse
import subprocess
from pathlib import Path

import numpy as np

from footage import FIRST_TEST_SEED, INPUT_PX, LABELS, clip_settings, cut_clip

RIGHT_IOU = 0.5
NMS_IOU = 0.45
ANCHORS = sum((INPUT_PX // s) ** 2 for s in (8, 16, 32))
OUTPUT_SHAPE = (4 + len(LABELS), ANCHORS)
MIN_SCORE = 0.02


class Runner:
    """onnx_run as a child: one picture in, one output tensor out."""

    def __init__(self, program, model):
        self.child = subprocess.Popen([program, model], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE)

    def run(self, picture):
        self.child.stdin.write((picture.astype(np.float32) / 255).tobytes())
        self.child.stdin.flush()
        size = 4 * OUTPUT_SHAPE[0] * OUTPUT_SHAPE[1]
        return np.frombuffer(self.child.stdout.read(size), np.float32).reshape(OUTPUT_SHAPE)

    def close(self):
        self.child.stdin.close()
        self.child.wait()


def iou_of(box, boxes):
    low, high = np.maximum(box[:2], boxes[:, :2]), np.minimum(box[2:], boxes[:, 2:])
    both = np.clip(high - low, 0, None).prod(1)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(1)
    return both / ((box[2:] - box[:2]).prod() + areas - both + 1e-6)


def decode(output):
    """Boxes that survive suppression, as rows of (class, score, x1, y1, x2, y2)."""
    centre, size = output[:2].T, output[2:4].T
    corners = np.clip(np.concatenate([centre - size / 2, centre + size / 2], 1), 0, INPUT_PX)
    found = []
    for label in range(len(LABELS)):
        scores = output[4 + label]
        order = np.argsort(-scores)
        order = order[scores[order] > MIN_SCORE][:100]
        while len(order):
            best, rest = order[0], order[1:]
            found.append((label, scores[best], *corners[best]))
            order = rest[iou_of(corners[best], corners[rest]) < NMS_IOU]
    return sorted(found, key=lambda row: -row[1])


def judge(found, boxes):
    """Marks each detection 1 right, 0 wrong or -1 neither; also each object's best score."""
    boxes = np.array(boxes, float).reshape(-1, 5)
    best_score = np.zeros(len(boxes))
    verdicts = []
    for label, score, *corners in found:
        iou = iou_of(np.array(corners), boxes[:, 1:]) if len(boxes) else np.zeros(0)
        mine = (boxes[:, 0] == label) & (iou >= RIGHT_IOU)
        free = mine & (best_score == 0)
        if free.any():
            best_score[np.argmax(iou * free)] = score
            verdicts.append((label, score, 1))
            continue
        # Inside a box that does not count, or on it: no judgement.
        skip = boxes[boxes[:, 0] == -1, 1:]
        middle = (np.array(corners[:2]) + corners[2:]) / 2
        doubtful = len(skip) and ((middle > skip[:, :2]) & (middle < skip[:, 2:])).all(1).any()
        verdicts.append((label, score, -1 if doubtful else 0))
    return verdicts, [(int(b[0]), s) for b, s in zip(boxes, best_score) if b[0] >= 0]


def average_precision(right, objects):
    """Area under the precision-recall curve, every step counted."""
    hits = np.cumsum(right)
    precision = hits / np.arange(1, len(right) + 1)
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    return float((precision * right).sum() / max(objects, 1))


class Tally:
    def __init__(self):
        self.verdicts, self.objects = [], []

    def add(self, found, boxes):
        verdicts, objects = judge(found, boxes)
        self.verdicts += [v for v in verdicts if v[2] >= 0]
        self.objects += objects

    def rows(self, threshold):
        for label, name in enumerate(LABELS):
            mine = sorted((v for v in self.verdicts if v[0] == label), key=lambda v: -v[1])
            scores = np.array([s for kind, s in self.objects if kind == label])
            right = np.array([v[2] for v in mine], float)
            sure = np.array([v[2] for v in mine if v[1] >= threshold], float)
            yield (name, len(scores), average_precision(right, len(scores)),
                   sure.mean() if len(sure) else 0, sure.sum() / max(len(scores), 1),
                   np.median(scores) if len(scores) else 0, (scores >= 0.7).mean())

    def print(self, title, threshold):
        print(f"\n| {title} | objects | AP50 | precision | recall | median score | score >= 0.7 |")
        print("| --- | --- | --- | --- | --- | --- | --- |")
        for name, count, *figures in self.rows(threshold):
            print(f"| {name} | {count} | " + " | ".join(f"{f:.3f}" for f in figures) + " |")


def print_quiet(scene, runner, clips):
    """What the detector believes to see where there is nothing."""
    best = []
    first = FIRST_TEST_SEED * 2
    for seed in range(first, first + clips):
        for picture, _ in cut_clip(scene, seed, 1, quiet=True):
            best.append(runner.run(picture)[4:].max())
    best = np.array(best)
    print(f"\n{len(best)} regions without objects: highest score {best.max():.2f}, "
          f"{(best >= 0.4).mean():.2%} at 0.4 or more, {(best >= 0.7).mean():.2%} at 0.7 or more")


def main():
    here = Path(__file__).parent
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scene", default="build/tools/scene/corvette-scene")
    parser.add_argument("--runner", default="/tmp/onnx_run")
    parser.add_argument("--model", default=here / "demo.onnx")
    parser.add_argument("--clips", type=int, default=100)
    parser.add_argument("--quiet-clips", type=int, default=40)
    parser.add_argument("--threshold", type=float, default=0.5)
    arguments = parser.parse_args()

    runner = Runner(arguments.runner, arguments.model)
    tallies = {"Day": Tally(), "Night": Tally()}
    for seed in range(FIRST_TEST_SEED, FIRST_TEST_SEED + arguments.clips):
        tally = tallies["Night" if clip_settings(seed)["night"] else "Day"]
        for picture, boxes in cut_clip(arguments.scene, seed, 1):
            tally.add(decode(runner.run(picture)), boxes)
    for title, tally in tallies.items():
        tally.print(title, arguments.threshold)
    print_quiet(arguments.scene, runner, arguments.quiet_clips)
    runner.close()


if __name__ == "__main__":
    main()
