#!/usr/bin/python3
"""What delivering recorded video costs, next to a floor taken in the same run.

    bench/playing.py [--rounds 11]

Six recorded segments of ten seconds (1280x720, 20 fps, 2 Mb/s) are delivered by a running Corvette:

  clip    the minute as one MP4 (clip.mp4), against `cat` of the six files into a pipe  aim: at most 1.5
  vod     one HLS media segment, again and again over one connection, against nginx's sendfile of the
          same file; MB/s                                                              aim: at least 0.9
  static  the same file out of /recordings/

Medians. Needs nginx for the second floor, and wrk.
"""
import argparse
import os
import pathlib
import re
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/support"))
import corvette as support  # noqa: E402
import scenes  # noqa: E402

TICKS = os.sysconf("SC_CLK_TCK")
BLOCK = 1 << 20


def cpu_seconds(pid):
    """User and system time to the nanosecond, where the scheduler tells it, else in ticks."""
    total = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


def place(data):
    """Six files an hour ago; (paths, start)."""
    video = scenes.scene("minute", "--seed", 4, "--duration", 60, "--bitrate", 2000)[0]
    start = int(time.time()) - 3700
    files = []
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["ffmpeg", "-v", "error", "-i", video, "-c", "copy", "-f", "segment",
                        "-segment_time", "10", "-reset_timestamps", "1", f"{folder}/%d.mp4"], check=True)
        for i in range(6):
            path = data / time.strftime("media/recordings/%Y-%m-%d/%H/yard/%M.%S.mp4",
                                        time.gmtime(start + 10 * i))
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(f"{folder}/{i}.mp4", path)
            os.utime(path, (start + 10 * i, start + 10 * i))
            files.append(path)
    return files, start


def fetch(url, path):
    host, port = url.removeprefix("http://").split(":")
    buffer, length = bytearray(BLOCK), 0
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        while got := connection.recv_into(buffer):
            length += got
    return length


def measure_clip(corvette, server, files, start, rounds):
    path = f"/api/yard/start/{start}/end/{start + 60}/clip.mp4"
    ours, floor = [], []
    buffer = bytearray(BLOCK)
    size = fetch(corvette.url, path)
    for _ in range(rounds):
        before, begin = cpu_seconds(server), time.monotonic()
        assert fetch(corvette.url, path) == size
        ours.append((time.monotonic() - begin, cpu_seconds(server) - before))
        before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        cat = subprocess.Popen(["cat", *files], stdout=subprocess.PIPE, bufsize=0)
        while cat.stdout.readinto(buffer):
            pass
        cat.wait()
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        floor.append((time.monotonic() - begin, after.ru_utime + after.ru_stime - before.ru_utime
                      - before.ru_stime))
    wall, cpu = (statistics.median(r[i] for r in ours) * 1e3 for i in (0, 1))
    cat_wall, cat_cpu = (statistics.median(r[i] for r in floor) * 1e3 for i in (0, 1))
    print(f"clip of 60 s, {size / 1e6:.1f} MB: wall {wall:.1f} ms, cat {cat_wall:.1f}: "
          f"{wall / cat_wall:.2f}; CPU {cpu:.1f} ms, cat {cat_cpu:.1f}: {cpu / cat_cpu:.2f}")


def throughput(url):
    out = subprocess.run(["wrk", "-t1", "-c1", "-d4s", url], capture_output=True, text=True,
                         check=True).stdout
    assert "Non-2xx" not in out, out
    amount, unit = re.search(r"Transfer/sec:\s+([\d.]+)(KB|MB|GB)", out).groups()
    return float(amount) * {"KB": 1e-3, "MB": 1, "GB": 1e3}[unit]


def measure_vod(corvette, files, start, folder):
    listing = corvette.get(f"/vod/yard/start/{start}/end/{start + 60}/index.m3u8").text
    segment = next(line for line in listing.splitlines() if line.startswith("seg-"))
    port = 18080
    config = folder / "nginx.conf"
    config.write_text(
        f"daemon off; pid {folder}/nginx.pid; error_log stderr; worker_processes 1;\n"
        f"events {{}} http {{ access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000;\n"
        f"server {{ listen 127.0.0.1:{port}; root {files[0].parent}; }} }}\n")
    for path in folder.parents:  # nginx's worker is nobody
        path.chmod(path.stat().st_mode | 0o555)
    folder.chmod(0o755)
    nginx = subprocess.Popen(["nginx", "-c", config, "-p", folder], stderr=subprocess.DEVNULL)
    try:
        support.wait_for(lambda: (folder / "nginx.pid").exists(), "nginx")
        floor, vod, static = [], [], []
        relative = files[0].relative_to(corvette.data / "media")
        for _ in range(3):
            floor.append(throughput(f"http://127.0.0.1:{port}/{files[0].name}"))
            vod.append(throughput(f"{corvette.url}/vod/yard/start/{start}/end/{start + 60}/{segment}"))
            static.append(throughput(f"{corvette.url}/{relative}"))
        floor, vod, static = map(statistics.median, (floor, vod, static))
        print(f"vod segment: {vod:.0f} MB/s, nginx {floor:.0f}: {vod / floor:.2f}; "
              f"static file: {static:.0f}: {static / floor:.2f}")
    finally:
        nginx.terminate()
        nginx.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=11)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        data = folder / "data"
        files, start = place(data)
        camera = {"enabled": False, "ffmpeg": {"inputs": [
            {"path": "rtsp://127.0.0.1:9/none", "roles": ["detect", "record"]}]},
            "detect": {"width": 1280, "height": 720, "fps": 5}}
        config = support.base_config({"yard": camera}, record={"enabled": True, "retain": {"days": 30}})
        with support.Corvette(config, data) as corvette:
            support.wait_for(lambda: len(corvette.json(
                f"/api/yard/recordings?after={start - 5}&before={start + 60}")) == 6, "the rows", 120)
            server = corvette.wait_pid("server")
            measure_clip(corvette, server, files, start, arguments.rounds)
            if shutil.which("nginx") and shutil.which("wrk"):
                measure_vod(corvette, files, start, folder)
            else:
                print("vod: left out, it needs nginx and wrk")


if __name__ == "__main__":
    main()
