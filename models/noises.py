"""Sounds made by arithmetic (and espeak-ng) to train and judge the sound model: 16 kHz mono floats."""

import subprocess
from concurrent.futures import ThreadPoolExecutor

import numpy as np

RATE = 16000
WINDOW = 15600
LABELS = ["speech", "bark", "fire_alarm"]

SENTENCES = """The parcel is behind the green door, please take it inside.
Good morning, is anybody home? I have come about the water meter.
We should leave before the rain starts, the road is bad enough.
Who left the gate open again? The dog is in the neighbour's garden.
One, two, three, four, five, six, seven, eight, nine, ten.
Could you call me back this evening, after seven if that is possible?
He said that the train would be late, and of course it was.
Put the ladder over there and hold it while I climb up.
Never mind the noise, they are only moving the old piano.
There is somebody at the window; turn the light on and look.
I think we have met before, at the harbour, many years ago.
Bring the bread, the butter and a very sharp knife.""".split("\n")
VOICES = ["en-us", "en-gb", "en-gb-scotland", "de", "fr", "es", "it", "nl", "pl", "sv", "pt", "en-029"]
VARIANTS = ["", "+m1", "+m2", "+m3", "+m4", "+m5", "+m6", "+m7", "+f1", "+f2", "+f3", "+f4"]


def resample(sound, rate):
    """By the spectrum: what lies above the new half rate is gone."""
    count = round(len(sound) * RATE / rate)
    spectrum = np.fft.rfft(sound)[:count // 2 + 1]
    return np.fft.irfft(spectrum, count) * count / len(sound)


def say(job):
    text, voice, speed, pitch = job
    raw = subprocess.run(["espeak-ng", "--stdout", "-v", voice, "-s", str(speed), "-p", str(pitch), text],
                         capture_output=True, check=True).stdout
    rate = int.from_bytes(raw[24:28], "little")
    return resample(np.frombuffer(raw[44:len(raw) & ~1], np.int16) / 32768, rate).astype(np.float32)


def make_speech(rng, count):
    jobs = [(SENTENCES[rng.integers(len(SENTENCES))],
             VOICES[rng.integers(len(VOICES))] + VARIANTS[rng.integers(len(VARIANTS))],
             int(rng.integers(110, 220)), int(rng.integers(20, 85))) for _ in range(count)]
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(say, jobs))


def coloured(rng, count, slope):
    """Noise whose power falls with frequency^slope: 0 white, 1 pink, 2 brown."""
    spectrum = rng.normal(size=count // 2 + 1) + 1j * rng.normal(size=count // 2 + 1)
    spectrum /= np.maximum(np.arange(count // 2 + 1), 20 * count / RATE) ** (slope / 2)
    noise = np.fft.irfft(spectrum, count)
    return noise / (noise.std() + 1e-9)


def filtered(sound, low, high, softness=0.15):
    """A band, with soft edges."""
    frequency = np.fft.rfftfreq(len(sound), 1 / RATE)
    gain = 1 / (1 + np.exp((np.log(frequency + 1) - np.log(high)) / softness))
    gain /= 1 + np.exp((np.log(low) - np.log(frequency + 1)) / softness)
    return np.fft.irfft(np.fft.rfft(sound) * gain, len(sound))


def envelope(count, attack, decay):
    time = np.arange(count) / RATE
    return np.minimum(time / attack, 1) * np.exp(-time / decay)


def one_bark(rng, pitch):
    count = int(rng.uniform(0.08, 0.32) * RATE)
    at = np.linspace(0, 1, count)
    peak = rng.uniform(0.15, 0.5)
    contour = pitch * (1 + rng.uniform(0.1, 0.7) * np.exp(-((at - peak) / 0.3) ** 2) - 0.4 * at)
    contour *= 1 + 0.03 * coloured(rng, count, 2)
    phase = 2 * np.pi * np.cumsum(contour) / RATE
    tone = sum(np.sin(k * phase + rng.uniform(0, 6)) * k ** -rng.uniform(0.3, 1.3) for k in range(1, 14))
    rough = coloured(rng, count, rng.uniform(0, 1)) * rng.uniform(0.3, 1.6)
    voice = filtered(tone + rough * np.abs(tone).mean() * 2, 200, rng.uniform(1500, 5000), 0.3)
    formant = rng.uniform(500, 1800)
    voice += rng.uniform(0.5, 2) * filtered(voice, formant * 0.7, formant * 1.4)
    shape = np.minimum(at / rng.uniform(0.04, 0.2), 1) * np.minimum((1 - at) / rng.uniform(0.2, 0.6), 1)
    return voice * shape / (np.abs(voice).max() + 1e-9)


def bark(rng, count):
    sound = np.zeros(count)
    pitch, gap = rng.uniform(220, 1000), rng.uniform(0.12, 0.6)
    at = int(rng.uniform(0, 0.3) * RATE)
    while at < count - RATE // 10:
        one = one_bark(rng, pitch * rng.uniform(0.9, 1.1))[:count - at] * rng.uniform(0.6, 1)
        sound[at:at + len(one)] += one
        at += len(one) + int(gap * rng.uniform(0.6, 1.8) * RATE)
    return sound


def oscillator(rng, phase):
    kind = rng.integers(3)
    if kind == 0:
        return np.sin(phase)
    if kind == 1:
        return np.tanh(np.sin(phase) * rng.uniform(2, 12))
    return np.sin(phase) + rng.uniform(0, 0.6) * np.sin(2 * phase) + rng.uniform(0, 0.6) * np.sin(3 * phase)


def fire_alarm(rng, count):
    """Smoke alarms: a piercing tone in pulses (three and a pause, or even ones), 520 Hz ones, whoops."""
    time = np.arange(count) / RATE + rng.uniform(0, 4)
    tone = rng.uniform(470, 570) if rng.random() < 0.15 else rng.uniform(2300, 4200)
    if rng.random() < 0.2:
        sweep = tone * (1 + rng.uniform(0.05, 0.3) * ((time * rng.uniform(0.8, 6)) % 1 - 0.5))
    elif rng.random() < 0.2:
        other = tone * rng.uniform(0.75, 0.95)
        sweep = np.where((time * rng.uniform(1.5, 8)) % 1 < 0.5, tone, other)
    else:
        sweep = np.full(count, tone)
    sound = oscillator(rng, 2 * np.pi * np.cumsum(sweep) / RATE)
    pattern = rng.integers(4)
    if pattern == 0:
        gate = ((time % 4) < 3) & ((time % 1) < 0.5)
    elif pattern == 1:
        gate = (time * rng.uniform(1, 5)) % 1 < rng.uniform(0.4, 0.7)
    elif pattern == 2:
        gate = (time * rng.uniform(5, 11)) % 1 < rng.uniform(0.4, 0.6)
    else:
        gate = np.ones(count, bool)
    soft = np.hanning(int(rng.uniform(0.002, 0.01) * RATE) + 3)
    return sound * np.convolve(gate, soft / soft.sum(), "same")


def music(rng, count):
    sound = np.zeros(count)
    root = 110 * 2 ** rng.uniform(0, 3)
    step = int(rng.uniform(0.1, 0.5) * RATE)
    for at in range(-int(rng.integers(step)), count, step):
        for _ in range(rng.integers(1, 4)):
            note = root * 2 ** (rng.choice([0, 2, 4, 5, 7, 9, 11, 12]) / 12)
            length = int(rng.uniform(0.3, 1.2) * RATE)
            time = np.arange(length) / RATE
            tone = sum(np.sin(2 * np.pi * note * k * time) / k ** rng.uniform(0.8, 2) for k in range(1, 7))
            tone *= envelope(length, rng.uniform(0.003, 0.08), rng.uniform(0.1, 0.8))
            begin, end = max(at, 0), min(at + length, count)
            if end > begin:
                sound[begin:end] += tone[begin - at:end - at]
    return sound


def engine(rng, count):
    base = rng.uniform(25, 160) * (1 + 0.1 * np.cumsum(coloured(rng, count, 2)) / RATE)
    phase = 2 * np.pi * np.cumsum(base) / RATE
    sound = sum(np.sin(k * phase + rng.uniform(0, 6)) * rng.uniform(0.2, 1) / k ** 0.7 for k in range(1, 25))
    return sound + coloured(rng, count, 1) * rng.uniform(0.2, 2)


def knocks(rng, count):
    sound = np.zeros(count)
    for _ in range(rng.integers(1, 6)):
        at = int(rng.integers(count - 400))
        length = min(count - at, int(rng.uniform(0.02, 0.4) * RATE))
        centre = np.exp(rng.uniform(np.log(80), np.log(3000)))
        burst = filtered(rng.normal(size=length), centre * 0.5, centre * 2, 0.3)
        burst *= envelope(length, 0.001, rng.uniform(0.008, 0.08))
        sound[at:at + length] += burst / (np.abs(burst).max() + 1e-9)
    return sound


def birds(rng, count):
    sound = np.zeros(count)
    for _ in range(rng.integers(1, 9)):
        length = int(rng.uniform(0.02, 0.16) * RATE)
        at = int(rng.integers(count - length))
        sweep = np.linspace(rng.uniform(1800, 6500), rng.uniform(1800, 6500), length)
        sweep *= 1 + rng.uniform(0, 0.1) * np.sin(np.arange(length) * rng.uniform(0.01, 0.08))
        sound[at:at + length] += np.sin(2 * np.pi * np.cumsum(sweep) / RATE) * np.hanning(length)
    return sound


def gusts(rng, count):
    slow = np.interp(np.arange(count), np.linspace(0, count, 6), rng.uniform(0.1, 1, 6))
    return filtered(coloured(rng, count, 1), 20, rng.uniform(200, 4000), 0.4) * slow * 10


def hum(rng, count):
    base = rng.choice([50, 60, 100, 120]) * rng.uniform(0.99, 1.01)
    phase = 2 * np.pi * base * np.arange(count) / RATE
    return sum(np.sin(k * phase + rng.uniform(0, 6)) * rng.random() / k for k in range(1, 12))


BACKGROUNDS = [gusts, gusts, hum, engine, engine, music, music, knocks, knocks, birds, birds,
               lambda rng, count: coloured(rng, count, rng.uniform(0, 2))]


def power(sound):
    """Of the loud part, so that pauses do not count."""
    blocks = np.square(sound[:len(sound) // 400 * 400]).reshape(-1, 400).mean(1)
    return np.sort(blocks)[-max(1, len(blocks) // 4):].mean() + 1e-12


def scaled(sound, decibels):
    return sound * np.sqrt(10 ** (decibels / 10) / power(sound))


def reverberated(rng, sound):
    length = int(rng.uniform(0.05, 0.5) * RATE)
    echo = rng.normal(size=length) * np.exp(-np.arange(length) / (length / 5)) * rng.uniform(0.02, 0.15)
    echo[0] = 1
    size = len(sound) + length
    return np.fft.irfft(np.fft.rfft(sound, size) * np.fft.rfft(echo, size), size)[:len(sound)]


def through_camera(rng, sound):
    """A room, a small microphone and a codec's band; full scale is 1."""
    if rng.random() < 0.5:
        sound = reverberated(rng, sound)
    sound = filtered(sound, rng.uniform(20, 250), rng.choice([3400, 5000, 7000, 9000]))
    sound = scaled(sound, rng.uniform(-38, -6))
    return np.clip(sound + rng.normal(size=len(sound)) * 10 ** rng.uniform(-5, -3.3), -1, 1)


def window(rng, speech):
    """One window and what is heard in it; None where nobody could say."""
    sound = scaled(coloured(rng, WINDOW, rng.uniform(0, 2)), -45)
    for _ in range(rng.integers(1, 3)):
        sound = sound + scaled(BACKGROUNDS[rng.integers(len(BACKGROUNDS))](rng, WINDOW), rng.uniform(-40, 0))
    heard = np.zeros(len(LABELS), np.float32)
    for label in rng.permutation(len(LABELS))[:rng.choice([0, 1, 2], p=[0.42, 0.5, 0.08])]:
        if label == 0:
            talk = speech[rng.integers(len(speech))]
            at = int(rng.integers(len(talk) - WINDOW))
            made = talk[at:at + WINDOW].astype(float)
        else:
            made = (bark if label == 1 else fire_alarm)(rng, WINDOW)
        if np.sqrt(np.mean(made ** 2)) < 0.02:
            continue  # a pause
        above = rng.uniform(-3, 30)
        sound = sound + scaled(made, 10 * np.log10(power(sound)) + above)
        heard[label] = 1
    return through_camera(rng, sound).astype(np.float32), heard


def windows(seed, count, speech):
    rng = np.random.default_rng(seed)
    made = [window(rng, speech) for _ in range(count)]
    return np.stack([m[0] for m in made]).astype(np.float16), np.stack([m[1] for m in made])
