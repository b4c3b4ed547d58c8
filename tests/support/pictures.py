"""Looking into pictures and recordings: decoded frames, burnt-in frame numbers, boxes."""
import io
import subprocess

import numpy
from PIL import Image

STAMP_CELLS, STAMP_BITS = 28, 24  # tools/scene/stamp.h


def probe(path, *entries):
    """ffprobe's answer as a list of lines, one per value."""
    return subprocess.run(["ffprobe", "-v", "error", "-of", "csv=p=0", *entries, path],
                          capture_output=True, text=True, check=True).stdout.split()


def video_size(path):
    words = probe(path, "-select_streams", "v:0", "-show_entries", "stream=width,height")[0].split(",")
    return int(words[0]), int(words[1])


def stamp_cell(height):
    return max(height // 60 // 2 * 2, 6)


def decode_stamp(gray):
    """Frame number burnt into a luma picture, or None."""
    cell = stamp_cell(gray.shape[0])
    row = gray[cell + cell // 2, [(i + 1) * cell + cell // 2 for i in range(STAMP_CELLS)]]
    bits = [int(v > 125) for v in row]
    number = int("".join(map(str, bits[2:2 + STAMP_BITS])), 2)
    good = bits[0] == 1 and bits[1] == 0 and bits[-1] == 1 and bits[26] == (bin(number).count("1") + 1) % 2
    return number if good else None


def stamps(path):
    """Burnt-in frame numbers of every frame of a video, in order; None where unreadable."""
    width, height = video_size(path)
    cell = stamp_cell(height)
    strip_w, strip_h = (STAMP_CELLS + 2) * cell, 2 * cell
    raw = subprocess.run(
        ["ffmpeg", "-v", "error", "-i", path, "-vf", f"crop={strip_w}:{strip_h}:0:0", "-fps_mode",
         "passthrough", "-f", "rawvideo", "-pix_fmt", "gray", "-"],
        capture_output=True, check=True).stdout
    frames = numpy.frombuffer(raw, numpy.uint8).reshape(-1, strip_h, strip_w)
    found = []
    for frame in frames:
        whole = numpy.zeros((height, strip_w), numpy.uint8)
        whole[:strip_h] = frame
        found.append(decode_stamp(whole))
    return found


def frames_of(path, every=1):
    """(number, RGB picture) of every n-th frame of a video."""
    width, height = video_size(path)
    command = ["ffmpeg", "-v", "error", "-i", path, "-vf", f"select=not(mod(n\\,{every}))",
               "-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        number = 0
        while len(data := process.stdout.read(width * height * 3)) == width * height * 3:
            yield number, numpy.frombuffer(data, numpy.uint8).reshape(height, width, 3)
            number += every


def image(data):
    return numpy.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def luma(rgb):
    return (rgb @ numpy.array([0.299, 0.587, 0.114])).astype(numpy.uint8)


def assert_no_frame_missing(numbers, cycle):
    """Consecutive frame numbers of a clip of `cycle` frames that loops."""
    assert numbers, "no frames"
    assert None not in numbers, f"{numbers.count(None)} frames without a readable stamp"
    gaps = [(i, a, b) for i, (a, b) in enumerate(zip(numbers, numbers[1:])) if (a + 1) % cycle != b]
    assert not gaps, f"{len(gaps)} gaps, first at frame {gaps[0]}"
