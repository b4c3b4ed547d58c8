#!/usr/bin/python3
"""Trains the demo sound model on generated sounds and writes sound.onnx; see README.md."""

import argparse
import math
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

import noises

BANDS, TAPS, HOP = 40, 400, 80
TEST_SEED = 1_000_000


def filterbank():
    """Pairs of windowed cosines and sines at frequencies evenly spaced in mel: a band's power is the
    sum of the squares of its pair."""
    mel = np.linspace(2595 * np.log10(1 + 80 / 700), 2595 * np.log10(1 + 7400 / 700), BANDS)
    centre = 700 * (10 ** (mel / 2595) - 1)
    width = np.maximum(np.gradient(centre), 60)
    time = (np.arange(TAPS) - TAPS / 2) / noises.RATE
    shape = np.exp(-0.5 * (time[None] * 2 * np.pi * width[:, None] / 2) ** 2)
    shape /= shape.sum(1, keepdims=True)
    phase = 2 * np.pi * centre[:, None] * time[None]
    return torch.tensor(np.concatenate([shape * np.cos(phase), shape * np.sin(phase)]),
                        dtype=torch.float32)[:, None]


def block(inputs, outputs, stride):
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs),
                         nn.ReLU(inplace=True))


class Listener(nn.Module):
    """Waveforms (n, 15600) in, a logit per label out."""

    def __init__(self):
        super().__init__()
        self.register_buffer("bank", filterbank(), persistent=False)
        self.body = nn.Sequential(block(1, 16, 2), block(16, 24, 2), block(24, 40, 2), block(40, 48, 1))
        self.head = nn.Sequential(nn.Linear(96, 48), nn.ReLU(), nn.Dropout(0.2),
                                  nn.Linear(48, len(noises.LABELS)))

    def forward(self, waveform):
        parts = F.conv1d(waveform[:, None], self.bank, stride=HOP, padding=TAPS // 2)
        power = parts[:, :BANDS] ** 2 + parts[:, BANDS:] ** 2
        loudness = torch.log(F.avg_pool1d(power, 2) + 1e-8)
        # How loud it is altogether says nothing of what it is.
        loudness = (loudness - loudness.mean((1, 2), keepdim=True)) / 3
        seen = self.body(loudness[:, None])
        return self.head(torch.cat([seen.mean((2, 3)), seen.amax((2, 3))], 1))


class Exported(nn.Module):
    """The layout of YAMNet: (15600) in, (1, labels) scores out."""

    def __init__(self, listener):
        super().__init__()
        self.listener = listener

    def forward(self, waveform):
        return torch.sigmoid(self.listener(waveform.reshape(1, noises.WINDOW)))


def make(windows, work, workers):
    path = work / f"sounds-{windows}.npz"
    if path.exists():
        return np.load(path)
    speech = noises.make_speech(np.random.default_rng(1), 500)
    judges = noises.make_speech(np.random.default_rng(2), 120)
    size = 500
    with ProcessPoolExecutor(workers) as pool:
        learn = [pool.submit(noises.windows, seed, size, speech) for seed in range(windows // size)]
        judge = [pool.submit(noises.windows, TEST_SEED + seed, size, judges) for seed in range(8)]
        parts = [[job.result() for job in jobs] for jobs in (learn, judge)]
    work.mkdir(parents=True, exist_ok=True)
    np.savez(path, sounds=np.concatenate([p[0] for p in parts[0]]),
             heard=np.concatenate([p[1] for p in parts[0]]),
             test_sounds=np.concatenate([p[0] for p in parts[1]]),
             test_heard=np.concatenate([p[1] for p in parts[1]]))
    return np.load(path)


def train(listener, sounds, heard, epochs, batch, rate):
    optimizer = torch.optim.AdamW(listener.parameters(), rate, weight_decay=0.02)
    steps, step = epochs * (len(sounds) // batch), 0
    for epoch in range(epochs):
        listener.train()
        total = 0.0
        for chosen in torch.randperm(len(sounds))[:len(sounds) // batch * batch].split(batch):
            for group in optimizer.param_groups:
                group["lr"] = rate * min(step / 200, 1) * (0.01 + 0.99 * (1 + math.cos(math.pi * step / steps)) / 2)
            loss = F.binary_cross_entropy_with_logits(listener(sounds[chosen].float()), heard[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
            step += 1
        print(f"epoch {epoch} loss {total / (len(sounds) // batch):.4f}", flush=True)


@torch.no_grad()
def judge(listener, sounds, heard, threshold):
    listener.eval()
    scores = torch.cat([torch.sigmoid(listener(part.float())) for part in sounds.split(200)])
    for index, label in enumerate(noises.LABELS):
        told, there = scores[:, index] > threshold, heard[:, index] > 0.5
        right = (told & there).sum().item()
        print(f"| {label} | {there.sum().item()} | {right / max(told.sum().item(), 1):.3f} "
              f"| {right / max(there.sum().item(), 1):.3f} |")
    quiet = heard.sum(1) == 0
    print(f"of {quiet.sum().item()} windows with none of them "
          f"{(scores[quiet] > threshold).any(1).float().mean().item() * 100:.2f} % say there is one")


def main():
    here = Path(__file__).parent
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=Path("/tmp/corvette-training"))
    parser.add_argument("--windows", type=int, default=24000)
    parser.add_argument("--epochs", type=int, default=14)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--judge-only", action="store_true", help="the last one trained")
    arguments = parser.parse_args()

    torch.manual_seed(1)
    torch.set_num_threads(arguments.threads)
    data = make(arguments.windows, arguments.work, arguments.threads)
    listener, checkpoint = Listener(), arguments.work / "sound.pt"
    if arguments.judge_only:
        listener.load_state_dict(torch.load(checkpoint))
    else:
        train(listener, torch.from_numpy(data["sounds"]), torch.from_numpy(data["heard"]),
              arguments.epochs, arguments.batch, arguments.rate)
        torch.save(listener.state_dict(), checkpoint)
    judge(listener, torch.from_numpy(data["test_sounds"]), torch.from_numpy(data["test_heard"]), 0.8)
    torch.onnx.export(Exported(listener).eval(), torch.zeros(noises.WINDOW), here / "sound.onnx",
                      opset_version=13, input_names=["waveform"], output_names=["scores"])
    (here / "sound-labels.txt").write_text("\n".join(noises.LABELS) + "\n")


if __name__ == "__main__":
    main()
