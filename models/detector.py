"""The network: a small convolutional backbone with heads at strides 8, 16 and 32.

Plain 3x3 and 1x1 convolutions with ReLU: they cost more multiplications than depthwise ones but
run at full speed on one core, and ONNX Runtime folds normalisation, addition and ReLU into them.
"""

import math

import torch
import torch.nn as nn
import torch.nn.functional as F

from footage import INPUT_PX, LABELS

STRIDES = (8, 16, 32)


def conv(inputs, outputs, kernel=3, stride=1):
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs, eps=1e-3, momentum=0.03),
        nn.ReLU(inplace=True),
    )


class Residual(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.body = nn.Sequential(conv(channels, channels // 2, 1), conv(channels // 2, channels))

    def forward(self, x):
        return x + self.body(x)


class Context(nn.Module):
    """Lets each cell of the coarsest map see its wide surroundings."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.narrow = conv(inputs, 64, 1)
        self.widen = conv(64 * 4, outputs, 1)

    def forward(self, x):
        maps = [self.narrow(x)]
        for _ in range(3):
            maps.append(F.max_pool2d(maps[-1], 5, 1, 2))
        return self.widen(torch.cat(maps, 1))


class Head(nn.Module):
    def __init__(self, inputs, stride, hidden=28):
        super().__init__()
        classes = len(LABELS)
        self.boxes = nn.Sequential(conv(inputs, hidden), nn.Conv2d(hidden, 4, 1))
        self.scores = nn.Sequential(conv(inputs, hidden), nn.Conv2d(hidden, classes, 1))
        nn.init.zeros_(self.boxes[-1].weight)
        nn.init.constant_(self.boxes[-1].bias, math.log(2.0))
        # Start by expecting about five objects in a picture.
        nn.init.constant_(self.scores[-1].bias, math.log(5 / classes / (INPUT_PX / stride) ** 2))

    def forward(self, x):
        return torch.cat([self.boxes(x), self.scores(x)], 1).flatten(2)


class Detector(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(conv(3, 16, 3, 2), conv(16, 24, 3, 2))
        self.stage3 = nn.Sequential(conv(24, 48, 3, 2), Residual(48), Residual(48))
        self.stage4 = nn.Sequential(conv(48, 96, 3, 2), Residual(96), Residual(96))
        self.stage5 = nn.Sequential(conv(96, 160, 3, 2), Residual(160), Context(160, 128))
        self.down5 = conv(128, 64, 1)
        self.side4 = conv(96, 64, 1)
        self.join4 = conv(64, 64)
        self.down4 = conv(64, 40, 1)
        self.side3 = conv(48, 40, 1)
        self.join3 = conv(40, 40)
        self.heads = nn.ModuleList([Head(40, 8), Head(64, 16), Head(128, 32)])
        centres, strides = [], []
        for stride in STRIDES:
            cells = INPUT_PX // stride
            steps = (torch.arange(cells) + 0.5) * stride
            rows, columns = torch.meshgrid(steps, steps, indexing="ij")
            centres.append(torch.stack([columns.flatten(), rows.flatten()]))
            strides.append(torch.full((cells * cells,), float(stride)))
        self.register_buffer("centres", torch.cat(centres, 1), persistent=False)
        self.register_buffer("strides", torch.cat(strides), persistent=False)

    def forward(self, x):
        """Box corners (n, 4, anchors) in input pixels and score logits (n, classes, anchors)."""
        c3 = self.stage3(self.stem(x))
        c4 = self.stage4(c3)
        p5 = self.stage5(c4)
        p4 = self.join4(self.side4(c4) + F.interpolate(self.down5(p5), scale_factor=2.0))
        p3 = self.join3(self.side3(c3) + F.interpolate(self.down4(p4), scale_factor=2.0))
        raw = torch.cat([head(p) for head, p in zip(self.heads, (p3, p4, p5))], 2)
        reach = raw[:, :4].clamp(-6, 5).exp() * self.strides
        corners = torch.cat([self.centres - reach[:, :2], self.centres + reach[:, 2:]], 1)
        return corners, raw[:, 4:]


class Exported(nn.Module):
    """The detector with the output of Ultralytics v8: centre x, y, width, height, scores."""

    def __init__(self, detector):
        super().__init__()
        self.detector = detector

    def forward(self, images):
        corners, logits = self.detector(images)
        low, high = corners[:, :2], corners[:, 2:]
        return torch.cat([(low + high) / 2, high - low, logits.sigmoid()], 1)
