#!/usr/bin/python3
"""Trains the demo detector on generated footage and writes demo.onnx; see README.md."""

import argparse
import math
import time
from concurrent.futures import ProcessPoolExecutor
from copy import deepcopy
from pathlib import Path

import torch
import torch.nn.functional as F

from detector import Detector, Exported
from footage import FIRST_TEST_SEED, INPUT_PX, LABELS, Footage, write_shard

CLIPS_A_SHARD = 8
BEST_ANCHORS = 8  # how many places may claim an object


def make_footage(scene, folder, clips, workers):
    folder.mkdir(parents=True, exist_ok=True)
    assert clips <= FIRST_TEST_SEED
    groups = [range(s, s + CLIPS_A_SHARD) for s in range(0, clips, CLIPS_A_SHARD)]
    with ProcessPoolExecutor(workers) as pool:
        for group in groups:
            pool.submit(write_shard, scene, group, folder)


def overlap(a, b):
    """Intersection over union of boxes (..., 4), and the area of the smallest box around both."""
    low, high = torch.maximum(a[..., :2], b[..., :2]), torch.minimum(a[..., 2:], b[..., 2:])
    both = (high - low).clamp(min=0).prod(-1)
    area_a = (a[..., 2:] - a[..., :2]).clamp(min=0).prod(-1)
    area_b = (b[..., 2:] - b[..., :2]).clamp(min=0).prod(-1)
    around = (torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2]))
    either = area_a + area_b - both + 1e-6
    return both / either, around.prod(-1) + 1e-6, either


def inside(points, boxes):
    """Which points (anchors, 2) lie in which boxes (n, boxes, 4)."""
    right = points[None, None] - boxes[:, :, None, :2]
    left = boxes[:, :, None, 2:] - points[None, None]
    return torch.cat([right, left], -1).amin(-1) > 0


@torch.no_grad()
def assign(corners, scores, boxes, points):
    """Task-aligned assignment: which object each anchor answers for, and how well it does.

    Returns (object index or -1, target score), both (n, anchors). The best anchor of an object
    has the target 1: a score says how sure the detector is, not how tight the box is.
    """
    is_object = boxes[..., 0] >= 0
    label = boxes[..., 0].clamp(min=0).long()
    target = boxes[..., 1:]
    # A tiny object still covers at least one anchor of the finest map.
    size = (target[..., 2:] - target[..., :2]).clamp(min=12)
    centre = (target[..., 2:] + target[..., :2]) / 2
    reachable = inside(points, torch.cat([centre - size / 2, centre + size / 2], -1))
    reachable &= is_object[..., None]

    iou = overlap(corners[:, None], target[:, :, None])[0]
    score = scores.gather(2, label[:, None].expand(-1, scores.shape[1], -1)).transpose(1, 2)
    merit = (score.clamp(min=1e-6).sqrt() * iou.clamp(min=1e-3).pow(4)) * reachable

    best = merit.topk(BEST_ANCHORS, 2).values[..., -1:]
    merit = merit * (merit >= best)
    share = merit / merit.amax(2, keepdim=True).clamp(min=1e-12)
    # An anchor wanted by several objects goes to the one whose box it already fits best.
    owner = (iou * (merit > 0)).argmax(1)
    taken = (merit > 0).any(1)
    target_score = share.gather(1, owner[:, None])[:, 0] * taken
    return torch.where(taken, owner, -1), target_score


def loss_of(detector, corners, logits, boxes):
    points = detector.centres.t()
    corners, logits = corners.transpose(1, 2).float(), logits.transpose(1, 2).float()
    owner, quality = assign(corners, logits.sigmoid(), boxes, points)
    ignored = (inside(points, boxes[..., 1:]) & (boxes[..., 0] == -1)[..., None]).any(1)

    mine = boxes.gather(1, owner.clamp(min=0)[..., None].expand(-1, -1, 5))
    wanted = F.one_hot(mine[..., 0].clamp(min=0).long(), len(LABELS)) * quality[..., None]
    weight = torch.where(ignored & (owner < 0), 0.0, 1.0)[..., None]
    total = quality.sum().clamp(min=1)
    score_loss = F.binary_cross_entropy_with_logits(logits, wanted, weight, reduction="sum")

    chosen = owner >= 0
    iou, around, either = overlap(corners[chosen], mine[..., 1:][chosen])
    giou = iou - (around - either) / around
    box_loss = ((1 - giou) * quality[chosen]).sum()
    return score_loss / total, 4 * box_loss / total


def augment(pictures, boxes):
    """Mirrors some pictures and varies light and colour."""
    pictures = pictures.float() / 255
    count = len(pictures)
    mirrored = torch.rand(count) < 0.5
    pictures[mirrored] = pictures[mirrored].flip(3)
    flipped = boxes.clone()
    flipped[..., 1], flipped[..., 3] = INPUT_PX - boxes[..., 3], INPUT_PX - boxes[..., 1]
    boxes = torch.where(mirrored[:, None, None], flipped, boxes)

    grey = pictures.mean(1, keepdim=True)
    colourful = torch.empty(count, 1, 1, 1).uniform_(0.5, 1.3)
    colourful[torch.rand(count) < 0.1] = 0
    gain = torch.empty(count, 3, 1, 1).uniform_(0.93, 1.07) * torch.empty(count, 1, 1, 1).uniform_(
        0.75, 1.25)
    pictures = (grey + (pictures - grey) * colourful) * gain
    return pictures.clamp(0, 1), boxes


class Average:
    """A running average of the weights: steadier than the last ones."""

    def __init__(self, detector):
        self.detector, self.steps = deepcopy(detector).eval(), 0

    @torch.no_grad()
    def update(self, detector):
        self.steps += 1
        keep = min(0.998, (1 + self.steps) / (10 + self.steps))
        for mine, new in zip(self.detector.state_dict().values(), detector.state_dict().values()):
            if mine.dtype.is_floating_point:
                mine.lerp_(new, 1 - keep)
            else:
                mine.copy_(new)


def rate_at(done, top):
    """Warm-up, then a cosine down to almost nothing; `done` runs from 0 to 1."""
    return top * min(done / 0.02, 1) * (0.01 + 0.99 * (1 + math.cos(math.pi * done)) / 2)


def train(detector, folder, minutes, steps, batch, top_rate, checkpoint):
    """Runs for a number of steps or, when given, of minutes."""
    detector = detector.to(memory_format=torch.channels_last)
    average = Average(detector)
    decayed = [p for p in detector.parameters() if p.ndim > 1]
    plain = [p for p in detector.parameters() if p.ndim <= 1]
    optimizer = torch.optim.AdamW([{"params": decayed, "weight_decay": 0.02},
                                   {"params": plain, "weight_decay": 0.0}], betas=(0.9, 0.99))
    start, step, done = time.monotonic(), 0, 0.0
    footage = Footage(folder)
    while done < 1:
        loader = torch.utils.data.DataLoader(footage, batch, shuffle=True, drop_last=True)
        for pictures, boxes in loader:
            done = (time.monotonic() - start) / 60 / minutes if minutes else step / steps
            if done >= 1:
                break
            for group in optimizer.param_groups:
                group["lr"] = rate_at(done, top_rate)
            pictures, boxes = augment(pictures, boxes)
            pictures = pictures.contiguous(memory_format=torch.channels_last)
            with torch.autocast("cpu", torch.bfloat16):
                corners, logits = detector(pictures)
            score_loss, box_loss = loss_of(detector, corners, logits, boxes)
            optimizer.zero_grad()
            (score_loss + box_loss).backward()
            torch.nn.utils.clip_grad_norm_(detector.parameters(), 10)
            optimizer.step()
            average.update(detector)
            step += 1
            if step % 100 == 0:
                print(f"step {step} done {done:.3f} score {score_loss.item():.3f} "
                      f"box {box_loss.item():.3f}", flush=True)
                torch.save(average.detector.state_dict(), checkpoint)
        footage = Footage(folder)  # more may have been made meanwhile
    torch.save(average.detector.state_dict(), checkpoint)
    return average.detector


def export(detector, path):
    example = torch.zeros(1, 3, INPUT_PX, INPUT_PX)
    plain = Exported(detector).to(memory_format=torch.contiguous_format).eval()
    torch.onnx.export(plain, example, path, opset_version=13, input_names=["images"],
                      output_names=["output0"])


def main():
    here = Path(__file__).parent
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scene", default="build/tools/scene/corvette-scene")
    parser.add_argument("--work", type=Path, default=Path("/tmp/corvette-training"),
                        help="footage (some 10 GB) and checkpoint")
    parser.add_argument("--clips", type=int, default=800)
    parser.add_argument("--steps", type=int, default=8000)
    parser.add_argument("--minutes", type=float, help="train this long instead of --steps")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--further", action="store_true", help="from the last checkpoint on")
    parser.add_argument("--export-only", action="store_true", help="from the last checkpoint")
    arguments = parser.parse_args()

    torch.manual_seed(1)
    torch.set_num_threads(arguments.threads)
    checkpoint = arguments.work / "checkpoint.pt"
    detector = Detector()
    if arguments.export_only or arguments.further:
        detector.load_state_dict(torch.load(checkpoint))
    if not arguments.export_only:
        if not arguments.further:
            make_footage(arguments.scene, arguments.work, arguments.clips, arguments.threads)
        detector = train(detector, arguments.work, arguments.minutes, arguments.steps, arguments.batch,
                         arguments.rate, checkpoint)
    export(detector, here / "demo.onnx")


if __name__ == "__main__":
    main()
