"""Sound for tests, made by arithmetic in another way than what the sound model was trained with, and
clips that have it under a picture."""
import subprocess

import numpy as np

from scenes import FOLDER, once

RATE = 48000


def quiet(rng, seconds):
    """A room at night, far below what anybody listens to."""
    return rng.normal(size=int(seconds * RATE)) * 0.002


def alarm(rng, seconds):
    """A smoke alarm: 3.1 kHz, three pulses of half a second and a pause."""
    time = np.arange(int(seconds * RATE)) / RATE
    gate = (time % 4 < 3) & (time % 1 < 0.5)
    return 0.25 * np.sign(np.sin(2 * np.pi * 3100 * time)) * gate + quiet(rng, seconds)


def barks(rng, seconds):
    """A dog: short falling growls of many harmonics with hoarse noise, twice a second."""
    sound = quiet(rng, seconds)
    for at in np.arange(0.1, seconds - 0.3, 0.5):
        time = np.arange(int(0.17 * RATE)) / RATE
        phase = 2 * np.pi * np.cumsum(620 - 1300 * time + 250 * np.sin(time * 18)) / RATE
        voice = sum(np.sin(k * phase) / k ** 0.8 for k in range(1, 12))
        voice += rng.normal(size=len(time)) * 0.7
        voice *= np.sin(np.pi * time / 0.17) ** 0.6
        start = int(at * RATE)
        sound[start:start + len(time)] += 0.4 * voice / np.abs(voice).max()
    return sound


def clip(name, *parts):
    """A file with a moving picture and these sounds one after the other: (maker, seconds). Made once
    per set of parts, so `name` must tell them apart."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    video = FOLDER / f"{name}.mp4"
    with once(name):
        if not video.exists():
            rng = np.random.default_rng(7)
            sound = np.concatenate([maker(rng, seconds) for maker, seconds in parts])
            samples = (np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes()
            part = FOLDER / f"{name}.part.mp4"
            subprocess.run(["ffmpeg", "-v", "error", "-y", "-f", "s16le", "-ar", str(RATE), "-ac", "1",
                            "-i", "-", "-f", "lavfi", "-i", "testsrc=size=320x180:rate=10",
                            "-c:v", "libx264", "-preset", "ultrafast", "-g", "10", "-pix_fmt", "yuv420p",
                            "-c:a", "aac", "-shortest", part], input=samples, check=True)
            part.rename(video)
    return video


def sound_of(video):
    """The sound of a clip alone."""
    sound, part = video.with_suffix(".m4a"), video.with_suffix(".part.m4a")
    with once(sound.name):
        if not sound.exists():
            subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", video, "-vn", "-c", "copy", part],
                           check=True)
            part.rename(sound)
    return sound
