"""Static trees: whole files and ranges, and nothing from outside."""
import http.client
import os

import pytest
from urllib.parse import urlsplit

DATA = bytes(range(256)) * 40


def raw(system, path, method="GET", headers=None):
    """The path exactly as written: requests would tidy it."""
    connection = http.client.HTTPConnection(urlsplit(system.url).netloc, timeout=60)
    connection.putrequest(method, path, skip_host=False, skip_accept_encoding=True)
    for name, value in (headers or {}).items():
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    return answer.status, answer.read(), answer.headers


@pytest.fixture
def media(system):
    root = system.data / "media"
    for tree in ("clips", "recordings", "exports"):
        folder = root / tree / "sub dir"
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("a.mp4", "b.jpg", "c.png", "d.webp", "e.bin", "empty.mp4"):
            (folder / name).write_bytes(b"" if name == "empty.mp4" else DATA)
        (folder / ".hidden.mp4").write_bytes(DATA)
    (system.data / "secret.txt").write_text("secret")
    return system


@pytest.mark.parametrize("tree", ["clips", "recordings", "exports"])
def test_whole_files(media, tree):
    for name, kind in (("a.mp4", "video/mp4"), ("b.jpg", "image/jpeg"), ("c.png", "image/png"),
                       ("d.webp", "image/webp"), ("e.bin", "application/octet-stream")):
        answer = media.get(f"/{tree}/sub%20dir/{name}")
        assert answer.status_code == 200 and answer.content == DATA
        assert answer.headers["Content-Type"] == kind
        assert answer.headers["Accept-Ranges"] == "bytes"
        if tree == "clips":
            assert answer.headers["Cache-Control"] == "max-age=604800, public"
    assert media.get(f"/{tree}/sub%20dir/empty.mp4").content == b""


@pytest.mark.parametrize("header, status, first, length", [
    ("bytes=0-0", 206, 0, 1), ("bytes=0-9", 206, 0, 10), ("bytes=100-", 206, 100, len(DATA) - 100),
    ("bytes=-5", 206, len(DATA) - 5, 5), ("bytes=-999999", 206, 0, len(DATA)),
    ("bytes=10-999999", 206, 10, len(DATA) - 10), (f"bytes={len(DATA)}-", 416, 0, 0),
    ("bytes=999999999999999999999-", 200, 0, len(DATA)), ("bytes=-0", 416, 0, 0),
    ("bytes=5-2", 200, 0, len(DATA)), ("bytes=a-b", 200, 0, len(DATA)),
    ("bytes=0-1,5-6", 200, 0, len(DATA)), ("lines=0-1", 200, 0, len(DATA)),
    ("bytes=", 200, 0, len(DATA)), ("bytes=-", 200, 0, len(DATA)),
])
def test_ranges(media, header, status, first, length):
    answer = media.get("/recordings/sub%20dir/a.mp4", headers={"Range": header})
    assert answer.status_code == status
    if status == 416:
        assert answer.headers["Content-Range"] == f"bytes */{len(DATA)}"
        return
    assert answer.content == DATA[first:first + length]
    if status == 206:
        assert (answer.headers["Content-Range"]
                == f"bytes {first}-{first + length - 1}/{len(DATA)}")


def test_a_range_of_an_empty_file(media):
    answer = media.get("/clips/sub%20dir/empty.mp4", headers={"Range": "bytes=0-"})
    assert answer.status_code == 416


def test_conditions(media):
    url = "/exports/sub%20dir/a.mp4"
    first = media.get(url)
    tag, date = first.headers["ETag"], first.headers["Last-Modified"]
    for headers in ({"If-None-Match": tag}, {"If-None-Match": f'"x", {tag}'},
                    {"If-Modified-Since": date}):
        answer = media.get(url, headers=headers)
        assert answer.status_code == 304 and answer.content == b""
    assert media.get(url, headers={"If-None-Match": '"other"'}).status_code == 200
    part = {"Range": "bytes=0-3"}
    assert media.get(url, headers={**part, "If-Range": tag}).status_code == 206
    assert media.get(url, headers={**part, "If-Range": '"other"'}).status_code == 200
    (media.data / "media/exports/sub dir/a.mp4").write_bytes(b"changed")
    assert media.get(url, headers={"If-None-Match": tag}).content == b"changed"


def test_head(media):
    answer = media.request("HEAD", "/clips/sub%20dir/a.mp4")
    assert answer.status_code == 200 and answer.content == b""
    assert answer.headers["Content-Length"] == str(len(DATA))


@pytest.mark.parametrize("path", [
    "/clips/../../secret.txt", "/clips/sub%20dir/../../../secret.txt", "/clips/%2e%2e/%2e%2e/secret.txt",
    "/clips/..%2f..%2fsecret.txt", "/clips//etc/passwd", "/clips/%2Fetc%2Fpasswd", "/clips/./../../secret.txt",
    "/clips/link.txt", "/clips/linked/secret.txt", "/clips/sub%20dir/.hidden.mp4", "/clips/nothing.mp4",
    "/clips/sub%20dir/a.mp4/", "/clips/sub%20dir/a.mp4/x", "/clips/fifo", "/clips/" + "a" * 3000,
    "/recordings/..%5c..%5csecret.txt", "/clips/%c0%ae%c0%ae/secret.txt", "/exports/" + "../" * 30 + "etc/passwd",
])
def test_nothing_from_outside(media, path):
    clips = media.data / "media/clips"
    if not (clips / "link.txt").is_symlink():
        (clips / "link.txt").symlink_to(media.data / "secret.txt")
        (clips / "linked").symlink_to(media.data)
        os.mkfifo(clips / "fifo")
    status, body, _ = raw(media, path)
    assert status in (400, 404)
    assert b"secret" not in body and b"root:" not in body


def test_a_nul_is_refused(media):
    status, _, _ = raw(media, "/clips/sub%20dir/a.mp4%00.jpg")
    assert status == 400


def test_folders(media):
    for tree in ("recordings", "exports"):
        rows = media.json(f"/{tree}/sub%20dir/")
        assert [row["name"] for row in rows] == ["a.mp4", "b.jpg", "c.png", "d.webp", "e.bin", "empty.mp4"]
        assert rows[0]["type"] == "file" and rows[0]["size"] == len(DATA)
        assert rows[0]["mtime"].endswith(" GMT")
        assert {"name": "sub dir", "type": "directory"}.items() <= media.json(f"/{tree}/")[0].items()
    page = media.get("/clips/sub%20dir/")
    assert page.headers["Content-Type"].startswith("text/html") and 'href="./a.mp4"' in page.text
    status, _, headers = raw(media, "/clips/sub%20dir")
    assert (status, headers["Location"]) == (301, "/clips/sub%20dir/")


def test_names_in_a_listing_are_escaped(media):
    folder = media.data / "media/clips/odd"
    folder.mkdir(exist_ok=True)
    (folder / '<script>"&.jpg').write_bytes(b"x")
    text = media.get("/clips/odd/").text
    assert "<script>" not in text and "%3Cscript%3E" in text
