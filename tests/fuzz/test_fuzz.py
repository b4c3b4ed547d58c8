"""Runs the fuzz targets for a while, from seeds made here. What a run finds should be kept in tests/fuzz/found/TARGET
and tried first from then on. Environment: CORVETTE_FUZZ_S=SECONDS for each target."""
import os
import pathlib
import re
import subprocess

import pytest

import openapi
from corvette import LEAKS, ROOT

FUZZ = pathlib.Path(os.environ.get("CORVETTE_FUZZ", ROOT / "build-fuzz")) / "tests/fuzz"
SECONDS = {"http": 20, "config": 7, "mp4": 7, "rtsp": 7}
FOUND = ROOT / "tests/fuzz/found"
GOLDEN = ROOT / "tests/conformance/golden"

SDP = """v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=x\r\nt=0 0\r\na=control:*\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r
a=fmtp:96 packetization-mode=1; sprop-parameter-sets=Z0IAH5WoFAFuQA==,aM48gA==; profile-level-id=42001F\r
a=framerate:25\r\na=control:trackID=1\r\nm=audio 0 RTP/AVP 97\r\na=rtpmap:97 MPEG4-GENERIC/16000/1\r
a=fmtp:97 streamtype=5; mode=AAC-hbr; config=1408; SizeLength=13; IndexLength=3; IndexDeltaLength=3\r\na=control:trackID=2\r\n"""
RTSP = [
    "mRTSP/1.0 200 OK\r\nCSeq: 2\r\nSession: 12345678;timeout=60\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1;ssrc=1\r\n\r\n",
    'mRTSP/1.0 401 Unauthorized\r\nCSeq: 2\r\nWWW-Authenticate: Digest realm="a", nonce="b\\"c", algorithm=MD5\r\n\r\n',
    "mOPTIONS rtsp://h/ RTSP/1.0\r\nContent-Length: 5\r\n\r\nhello", "s" + SDP, "urtsp://u:p%40ss@[::1]:554/a?b=c#d",
    "urtsp://host/", b"p\x67\x42\x00\x1f\x95\xa8\x14\x01\x6e\x40",
    b"p\x01\x42\x00\x1f\xff\xe1\x00\x08\x67\x42\x00\x1f\x95\xa8\x14\x01\x01\x00\x04\x68\xce\x3c\x80",
]


def rtp(coding, *payloads):
    """Packets of one stream as the target reads them."""
    out = bytes([coding])
    for i, payload in enumerate(payloads):
        packet = b"\x80" + bytes([0x80 * (i % 2) | 96]) + i.to_bytes(2, "big") + (i // 2 * 3000).to_bytes(4, "big") + \
            b"abcd" + payload
        out += len(packet).to_bytes(2, "big") + packet
    return out


def seeds_rtsp():
    yield from RTSP
    for coding in range(4):
        yield rtp(coding, b"\x67\x42\x00\x1f", b"\x65\x88\x84\x00", b"\x7c\x85abc", b"\x7c\x45def", b"\x78\x00\x02\x67\x42",
                  b"\x40\x01\x0c\x01", b"\x62\x01\x93abc", b"\x62\x01\x53def", b"\x00\x10\x00\x20abcd", b"\x60\x01\x00\x02ab")
    yield bytes([0]) + b"\x00\x1c\x80\xc8\x00\x06abcd" + bytes(20)


def seeds_http():
    """The golden requests, and one of every operation with every parameter."""
    for line in (GOLDEN / "requests.tsv").read_text().splitlines():
        if not line.startswith("#"):
            _, method, path, body, *_ = line.split("\t") + ["", ""]
            kind = "Content-Type: application/json\n" if body else ""
            yield f"{method} {path}\n{kind}\n{body}"
    for operation in openapi.description(ROOT / "build/corvette").operations:
        path = re.sub(r"\{(start|end)\}", "1700000000", operation.path).replace("{camera}", "back")
        query = "&".join(f"{p['name']}={p['schema'].get('default', 1)}" for p in operation.parameters if p["in"] == "query")
        yield (f"{operation.method} {re.sub(r'{.*?}', 'x', path)}?{query}\nContent-Type: application/json\n"
               f"Range: bytes=0-5\nIf-None-Match: \"x\"\nCookie: frigate_token=a.b.c\n\n"
               '{"ids":["x"],"user":"u","password":"p","subLabel":"s","draw":{"boxes":[{"box":[0,0,1,1]}]}}')
    yield 'POST /api/events/back/person/create\nContent-Type: application/json\n\n{"duration":1,"include_recording":true}'
    yield "GET /vod/back/start/1700000000/end/1700000030/master.m3u8\nAccept-Encoding: gzip\n\n"


def seeds_config():
    for path in sorted([*ROOT.glob("tests/data/config/**/*.yml"), GOLDEN / "config.yml"]):
        text = path.read_text(errors="replace")
        yield text
        yield text + "\0cameras.back.detect.fps=7"
    yield "mqtt: {enabled: false}\ncameras: {}\n\0mqtt.host=x"


def seeds_mp4(folder):
    for i, options in enumerate([
            "-c:v libx264 -movflags frag_keyframe+empty_moov+default_base_moof", "-c:v libx264 -movflags +faststart",
            "-c:v libx264 -bf 2", "-c:v mpeg4"]):
        path = folder / f"{i}.mp4"
        subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc=s=32x32:r=5:d=1", "-f", "lavfi", "-i",
                        "sine=d=1:r=8000", *options.split(), "-c:a", "aac", "-b:a", "8k", path], check=True)
        yield path.read_bytes()


def words(target):
    """What libFuzzer would not come upon by itself."""
    if target == "http":
        operations = openapi.description(ROOT / "build/corvette").operations
        names = {p["name"] for o in operations for p in o.parameters}
        return sorted({s for o in operations for s in o.path.split("/") if s and "{" not in s} | names)
    if target == "config":
        return ["cameras", "ffmpeg", "inputs", "path", "roles", "detect", "record", "zones", "coordinates", "objects", "filters",
                "mask", "&a", "*a", "<<: *a", "|\\x0a", "null", "[]", "{}", "\\x0a  "]
    if target == "rtsp":
        return ["RTSP/1.0 200 OK\\x0d\\x0a", "Content-Length: ", "Transport: ", "\\x0d\\x0a\\x0d\\x0a", "a=rtpmap:", "a=fmtp:",
                "a=control:", "m=video 0 RTP/AVP ", "sprop-parameter-sets=", "interleaved="]
    if target == "mp4":
        return ["ftyp", "moov", "trak", "mdia", "minf", "stbl", "stsd", "stts", "stsc", "stsz", "stco", "co64", "ctts", "stss",
                "moof", "traf", "tfhd", "tfdt", "trun", "mdat", "mfra", "edts", "elst", "avc1", "avcC", "hvc1", "hvcC", "mp4a",
                "esds", "mvex", "trex", "mdhd", "tkhd", "mvhd", "hdlr", "uuid", "sidx", "stz2"]
    return []


@pytest.mark.parametrize("target", sorted(SECONDS))
def test_fuzz(target, tmp_path):
    seconds = int(os.environ.get("CORVETTE_FUZZ_S", SECONDS[target]))
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    seeds = seeds_mp4(tmp_path) if target == "mp4" else globals()[f"seeds_{target}"]()
    for i, seed in enumerate(seeds):
        (corpus / f"seed{i}").write_bytes(seed if isinstance(seed, bytes) else seed.encode())
    dictionary = tmp_path / "words"
    dictionary.write_text("\n".join(f'"{word}"' for word in words(target)) + "\n# the end\n")
    found = FOUND / target
    memory = pathlib.Path("/dev/shm")  # the database of the HTTP target need not outlive the run
    folder = tmp_path if not os.access(memory, os.W_OK) else memory / f"corvette-fuzz-{os.getpid()}"
    folder.mkdir(exist_ok=True)
    try:
        result = subprocess.run(
            [FUZZ / f"fuzz_{target}", f"-max_total_time={seconds}", "-timeout=25", "-rss_limit_mb=3000", "-max_len=20000",
             "-print_final_stats=1", f"-dict={dictionary}", f"-artifact_prefix={tmp_path}/", corpus,
             *([found] if found.is_dir() else [])],
            capture_output=True, text=True, errors="replace", timeout=seconds * 10 + 120,
            env={**os.environ, "FUZZ_FOLDER": str(folder), "ASAN_OPTIONS": "detect_leaks=1", "LSAN_OPTIONS": LEAKS, "TZ": "UTC",
                 "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1"})
    finally:
        subprocess.run(["rm", "-rf", folder], check=True)
    report = result.stderr[-15000:]
    runs = re.search(r"number_of_executed_units: (\d+)", report)
    print(report)
    assert result.returncode == 0, f"fuzz_{target} found something"
    assert runs and int(runs[1]) > len(list(corpus.glob("seed*"))), "hardly anything was tried"
