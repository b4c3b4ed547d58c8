"""One running program for all tests of this folder: two cameras that cannot be reached and rows put
straight into its database. What needs pictures of a camera starts its own (test_camera.py)."""
import base64
import io
import json
import sqlite3

import pytest
from PIL import Image

from corvette import Corvette, wait_for

CONFIG = """
mqtt: {enabled: false, user: me, password: s3cret-mqtt}
telemetry: {version_check: false}
# Rows of long ago stay.
record: {retain: {days: 100000}, events: {retain: {default: 100000}}}
snapshots: {enabled: true, retain: {default: 100000}}
cameras:
  back:
    ffmpeg:
      inputs:
        - {path: "rtsp://user:s3cret-cam@127.0.0.1:1/x", roles: [detect]}
    detect: {width: 1280, height: 720, fps: 5}
    zones:
      yard: {coordinates: "0.1,0.5,0.5,0.5,0.5,1,0.1,1"}
  front door:
    ffmpeg:
      inputs:
        - {path: "rtsp://127.0.0.1:1/y", roles: [detect]}
    detect: {width: 640, height: 480, fps: 5}
    snapshots: {enabled: false}
""".replace("front door", "front_door")


def jpeg(width=160, height=120, colour=(200, 30, 30), kind="JPEG"):
    out = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(out, kind)
    return out.getvalue()


class System(Corvette):
    def database(self):
        return sqlite3.connect(self.data / "corvette.db", timeout=30, isolation_level=None)

    def run_sql(self, sql, *values):
        with self.database() as database:
            return database.execute(sql, values).fetchall()

    def add_event(self, id, camera="back", label="person", start=1700000000.5, end=1700000060.25,
                  zones=(), sub_label=None, has_clip=1, has_snapshot=1, score=0.8, thumbnail=None,
                  retain=0, files=True):
        thumbnail = base64.b64encode(thumbnail or jpeg()).decode()
        data = {"box": [0.1, 0.2, 0.3, 0.4], "score": score, "top_score": score, "type": "object",
                "attributes": []}
        self.run_sql("INSERT INTO event (id, label, camera, start_time, end_time, zones, thumbnail, "
                     "has_clip, has_snapshot, retain_indefinitely, sub_label, ratio, data) "
                     "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1.0, ?)", id, label, camera, start, end,
                     json.dumps(list(zones), separators=(",", ":")), thumbnail, has_clip,
                     has_snapshot, retain, sub_label, json.dumps(data))
        if files and has_snapshot:
            self.clips.joinpath(f"{camera}-{id}.jpg").write_bytes(jpeg(1280, 720))
            self.clips.joinpath(f"{camera}-{id}-clean.png").write_bytes(jpeg(1280, 720, kind="PNG"))
        return id

    @property
    def clips(self):
        folder = self.data / "media/clips"
        folder.mkdir(parents=True, exist_ok=True)
        return folder


@pytest.fixture(scope="session")
def session_system(tmp_path_factory):
    with System(CONFIG, tmp_path_factory.mktemp("api")) as system:
        wait_for(lambda: system.get("/api/version").status_code == 200, "the API")
        yield system


@pytest.fixture
def system(session_system):
    """The running program with no events."""
    for table in ("event", "timeline", "recordings", "reviewsegment", "previews", "export"):
        session_system.run_sql(f"DELETE FROM {table}")
    return session_system


def message(answer, status, text, success=False):
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json() == {"success": success, "message": text}
    assert answer.text.endswith("}\n")


def size_of(answer):
    return Image.open(io.BytesIO(answer.content)).size
