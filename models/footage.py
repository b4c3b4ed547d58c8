"""Training and test pictures: clips made by corvette-scene, cut into square regions.

The product shows the detector square regions of a camera picture, so that is what it learns
from: regions around objects, regions anywhere, and regions larger than the picture, which hang
over its edge and are black there. The clips are H.264, so its artefacts are learnt too.
"""

import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

LABELS = ["person", "car", "dog", "bicycle"]
INPUT_PX = 320
MAX_BOXES = 24

# A box is learnt only when this much of it can be seen; less than that is neither right nor wrong.
MIN_VISIBLE = 0.35
MIN_INSIDE = 0.3  # share of the box inside the region
MIN_SIDE_PX = 8  # at the detector's input

# Seeds from here on are for testing only.
FIRST_TEST_SEED = 1_000_000


def clip_settings(seed):
    """The kind of clip that belongs to a seed: size, day or night, how many objects."""
    random = np.random.default_rng(seed)
    night = seed % 5 in (1, 3)
    size = [(1280, 720), (1280, 720), (1280, 720), (960, 540), (640, 360)][random.integers(5)]
    density = random.choice([0, 30, 60, 90], p=[0.14, 0.28, 0.36, 0.22])
    crf = int(random.integers(22, 33))
    return {"size": size, "night": night, "density": density, "crf": crf}


def make_clip(scene, seed, quiet=False, fps=2, seconds=10):
    """Yields (picture, objects) for each frame; the picture is height x width x 3, RGB."""
    settings = clip_settings(seed)
    if quiet:
        settings["density"] = 0
    width, height = settings["size"]
    with tempfile.TemporaryDirectory() as folder:
        video, truth = Path(folder) / "clip.mp4", Path(folder) / "truth.jsonl"
        command = [scene, "--seed", str(seed), "--duration", str(seconds), "--fps", str(fps)]
        command += ["--size", f"{width}x{height}", "--density", str(settings["density"])]
        command += ["--crf", str(settings["crf"]), "--gop", "4"]
        command += ["-o", video, "--truth", truth] + (["--night"] if settings["night"] else [])
        subprocess.run(command, check=True)
        decode = ["ffmpeg", "-v", "error", "-threads", "1", "-i", video]
        decode += ["-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
        raw = subprocess.run(decode, check=True, stdout=subprocess.PIPE).stdout
        frames = np.frombuffer(raw, np.uint8).reshape(-1, height, width, 3)
        lines = truth.read_text().splitlines()
    for frame, line in zip(frames, lines):
        yield frame, json.loads(line)["objects"]


def choose_region(random, width, height, objects):
    """A square region (x, y, side), chosen much as the product does."""
    seen = [o for o in objects if o["visible"] >= MIN_VISIBLE]
    kind = random.random()
    if seen and kind < 0.72:
        x1, y1, x2, y2 = seen[random.integers(len(seen))]["box"]
        side = max(x2 - x1, y2 - y1) * random.uniform(1.1, 2.2)
        side = max(side, 320 * random.uniform(0.8, 1.15))
        shift = side * random.uniform(-0.35, 0.35, 2)
        x, y = (x1 + x2) / 2 - side / 2 + shift[0], (y1 + y2) / 2 - side / 2 + shift[1]
    else:
        side = random.choice([random.uniform(320, height), height, random.uniform(height, width)])
        x, y = random.uniform(-20, width - side / 2), random.uniform(-20, height - side / 2)
    side = int(side)
    x = int(np.clip(x, 0, max(width - side, 0)))
    y = int(np.clip(y, 0, max(height - side, 0)))
    return x, y, side


def cut_region(frame, region, antialias):
    """The region as 3 x INPUT_PX x INPUT_PX bytes, black beyond the picture."""
    x, y, side = region
    part = torch.from_numpy(np.ascontiguousarray(frame[y : y + side, x : x + side]))
    part = part.permute(2, 0, 1).float()[None]
    part = F.pad(part, (0, side - part.shape[3], 0, side - part.shape[2]))
    if side != INPUT_PX:
        part = F.interpolate(part, (INPUT_PX, INPUT_PX), mode="bilinear", align_corners=False,
                             antialias=antialias)
    return part[0].round().clamp(0, 255).byte()


def region_boxes(objects, region):
    """Rows of (class, x1, y1, x2, y2) at the detector's input; class -1 marks an ignored box."""
    x, y, side = region
    scale = INPUT_PX / side
    rows = []
    for thing in objects:
        full = (np.array(thing["box"], float) - [x, y, x, y]) * scale
        cut = np.clip(full, 0, INPUT_PX)
        size, full_size = cut[2:] - cut[:2], full[2:] - full[:2]
        if size.min() <= 0:
            continue
        inside = size.prod() / max(full_size.prod(), 1e-6)
        clear = (thing["visible"] >= MIN_VISIBLE and inside >= MIN_INSIDE
                 and size.max() >= MIN_SIDE_PX and size.min() >= 3)
        rows.append([LABELS.index(thing["label"]) if clear else -1, *cut])
    return rows[:MAX_BOXES]


def cut_clip(scene, seed, regions_a_frame, quiet=False):
    """All training examples of one clip: a list of (picture bytes, box rows)."""
    random = np.random.default_rng(seed)
    examples = []
    for frame, objects in make_clip(scene, seed, quiet):
        height, width = frame.shape[:2]
        for _ in range(regions_a_frame):
            region = choose_region(random, width, height, objects)
            picture = cut_region(frame, region, antialias=random.random() < 0.5)
            examples.append((picture.numpy(), region_boxes(objects, region)))
    return examples


def write_shard(scene, seeds, folder, regions_a_frame=2):
    """Cuts the clips of these seeds into two .npy files, unless they are there already."""
    pictures_path = Path(folder) / f"{seeds[0]:07d}-pictures.npy"
    boxes_path = Path(folder) / f"{seeds[0]:07d}-boxes.npy"
    if boxes_path.exists():
        return
    torch.set_num_threads(1)
    examples = [e for seed in seeds for e in cut_clip(scene, seed, regions_a_frame)]
    boxes = np.full((len(examples), MAX_BOXES, 5), -2, np.float32)  # class -2: no box
    for row, (_, found) in zip(boxes, examples):
        row[: len(found)] = np.reshape(found, (-1, 5))
    np.save(pictures_path, np.stack([picture for picture, _ in examples]))
    np.save(boxes_path, boxes)  # last, because it says that both are there


class Footage(torch.utils.data.Dataset):
    """All shards of a folder; pictures stay on disk until they are asked for."""

    def __init__(self, folder):
        self.pictures, self.boxes, self.index = [], [], []
        for boxes_path in sorted(Path(folder).glob("*-boxes.npy")):
            pictures_path = str(boxes_path).replace("-boxes", "-pictures")
            self.pictures.append(np.load(pictures_path, mmap_mode="r"))
            self.boxes.append(np.load(boxes_path))
            shard = len(self.boxes) - 1
            self.index += [(shard, i) for i in range(len(self.boxes[shard]))]

    def __len__(self):
        return len(self.index)

    def __getitem__(self, item):
        shard, i = self.index[item]
        return torch.from_numpy(self.pictures[shard][i].copy()), torch.from_numpy(
            self.boxes[shard][i].copy())
