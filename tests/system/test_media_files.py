"""Clips and HLS segments made of recorded files, seen by ffmpeg: every frame once, in its place. The
files are plain MP4 as an existing installation has them, with and without B-frames and sound."""
import subprocess

import pytest

from corvette import BUILD
from pictures import probe, stamps
from scenes import scene

TOOL = BUILD / "tests/support/media_tool"
FPS, LENGTH, PIECE = 10, 6, 2
START = 1000  # wall time of the first file


def ffmpeg(*arguments):
    subprocess.run(["ffmpeg", "-v", "error", "-y", *arguments], check=True)


def tool(*arguments):
    return subprocess.run([TOOL, *map(str, arguments)], check=True, capture_output=True,
                          text=True).stdout


def warnings(path):
    return subprocess.run(["ffmpeg", "-v", "warning", "-i", path, "-f", "null", "-"],
                          capture_output=True, text=True, check=True).stderr


@pytest.fixture(params=["plain", "plain+sound", "reordered", "reordered+sound", "h265+sound",
                        "fragmented"], scope="module")
def files(request, tmp_path_factory):
    """Files of two seconds that follow each other."""
    folder = tmp_path_factory.mktemp(request.param)
    b_frames = 2 if "reordered" in request.param else 0
    source = scene(f"media-{b_frames}", "--seed", 5, "--duration", LENGTH, "--size", "320x180",
                   "--fps", FPS, "--stamp", "--gop", 1, "--b-frames", b_frames)[0]
    sound, options = [], ["-c", "copy"]
    if "sound" in request.param:
        sound = ["-f", "lavfi", "-i", f"sine=440:duration={LENGTH}", "-map", "0:v", "-map", "1:a"]
        options = ["-c:v", "copy", "-c:a", "aac", "-shortest"]
    if "h265" in request.param:
        options = ["-c:v", "libx265", "-x265-params", "log-level=none:keyint=10:open-gop=0", "-c:a", "aac"]
    whole = folder / "whole.mp4"
    ffmpeg("-i", source, *sound, *options, whole)
    form = (["-segment_format_options", "movflags=frag_keyframe+empty_moov+default_base_moof"]
            if "fragmented" in request.param else [])
    ffmpeg("-i", whole, "-c", "copy", "-f", "segment", "-segment_time", str(PIECE),
           "-reset_timestamps", "1", *form, folder / "%d.mp4")
    return [folder / f"{i}.mp4" for i in range(LENGTH // PIECE)]


@pytest.mark.parametrize("first,last", [(0, 60), (5, 43), (23, 29), (10, 30), (20, 40), (0, 1)])
def test_clip_shows_exactly_the_span(files, tmp_path, first, last):
    out = tmp_path / "clip.mp4"
    arguments = [x for i, f in enumerate(files) for x in (f, START + i * PIECE)]
    tool("clip", START + first / FPS, START + last / FPS, out, *arguments)
    assert stamps(out) == list(range(first, last))
    assert float(probe(out, "-show_entries", "format=duration")[0]) == pytest.approx(
        (last - first) / FPS, abs=1e-3)
    assert warnings(out) == ""


def test_a_clip_begins_with_the_picture_on_screen(files, tmp_path):
    out = tmp_path / "clip.mp4"
    arguments = [x for i, f in enumerate(files) for x in (f, START + i * PIECE)]
    tool("clip", START + 1.27, START + 4.22, out, *arguments)
    shown = stamps(out)
    assert shown[0] == 12 and shown[-1] in (41, 42)
    assert shown == list(range(12, shown[-1] + 1))


def test_files_without_their_neighbours(files, tmp_path):
    """A hole in the footage makes the clip shorter; nothing else."""
    out = tmp_path / "clip.mp4"
    tool("clip", START, START + LENGTH, out, files[0], START, files[2], START + 2 * PIECE)
    assert stamps(out) == [*range(20), *range(40, 60)]


def test_segments_follow_each_other_without_a_jump(files, tmp_path):
    out = tmp_path / "played.mp4"
    tool("hls", out, *files)
    assert stamps(out) == list(range(LENGTH * FPS))
    assert warnings(out) == ""
    times = sorted(float(t.strip(",")) for t in probe(
        out, "-select_streams", "v", "-show_entries", "packet=pts_time"))
    assert all(b - a == pytest.approx(1 / FPS, abs=2e-3) for a, b in zip(times, times[1:]))


def test_files_of_one_stream_have_the_same_parameters(files):
    described = {tool("describe", f).rsplit(" ", 1)[1] for f in files}
    assert len(described) == 1


def test_sound_stays_with_its_picture(tmp_path):
    """A click a second with the frame of that second: also in a clip over several files."""
    source = scene("media-0", "--seed", 5, "--duration", LENGTH, "--size", "320x180", "--fps", FPS,
                   "--stamp", "--gop", 1, "--b-frames", 0)[0]
    whole, out = tmp_path / "whole.mp4", tmp_path / "clip.mp4"
    ffmpeg("-i", source, "-f", "lavfi", "-i",
           f"aevalsrc='if(lt(mod(t,1),0.02),sin(6283*t),0)':s=48000:d={LENGTH}", "-map", "0:v", "-map",
           "1:a", "-c:v", "copy", "-c:a", "aac", "-b:a", "128k", whole)
    ffmpeg("-i", whole, "-c", "copy", "-f", "segment", "-segment_time", str(PIECE),
           "-reset_timestamps", "1", tmp_path / "%d.mp4")
    arguments = [x for i in range(3) for x in (tmp_path / f"{i}.mp4", START + i * PIECE)]
    tool("clip", START + 0.5, START + 5.5, out, *arguments)
    raw = subprocess.run(["ffmpeg", "-v", "error", "-i", out, "-f", "s16le", "-ac", "1", "-ar", "48000",
                          "-"], capture_output=True, check=True).stdout
    samples = memoryview(raw).cast("h")
    loud = [i / 48000 for i in range(0, len(samples), 48) if max(map(abs, samples[i:i + 48])) > 6000]
    clicks = [t for i, t in enumerate(loud) if i == 0 or t - loud[i - 1] > 0.5]
    assert clicks == pytest.approx([0.5, 1.5, 2.5, 3.5, 4.5], abs=0.03)
