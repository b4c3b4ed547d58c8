"""Every line of the API's description, called on a running system that has seen a street: what comes
back is looked into, not only counted. Tests run in the order of this file: those that delete are last."""
import contextlib
import datetime
import io
import subprocess
import time

import pytest
from PIL import Image, ImageSequence

from corvette import Corvette, base_config, rtsp_camera, wait_for
from onvif_device import OnvifDevice
from pictures import image, stamps
from plus_peer import PlusPeer
from scenes import RtspCamera, scene
from schema import assert_frigates

LINES = """
GET /api/config
POST /api/restart
GET /api/stats
GET /api/version
GET /api/ffprobe
GET /api/<camera>/ptz/info
GET /api/<camera>
GET /api/<camera>/latest.jpg
GET /api/<camera>/<label>/thumbnail.jpg
GET /api/<camera>/<label>/clip.mp4
GET /api/<camera>/<label>/snapshot.jpg
GET /api/<camera>/grid.jpg
GET /clips/<camera>-<id>.jpg
GET /api/events
GET /api/events/summary
GET /api/events/<id>
DELETE /api/events/<id>
POST /api/events/<id>/retain
POST /api/events/<id>/plus
PUT /api/events/<id>/false_positive
DELETE /api/events/<id>/retain
POST /api/events/<id>/sub_label
GET /api/events/<id>/thumbnail.jpg
GET /api/events/<id>/clip.mp4
GET /api/events/<id>/snapshot-clean.png
GET /api/events/<id>/snapshot.jpg
POST /api/events/<camera>/<label>/create
PUT /api/events/<id>/end
GET /api/events/<id>/preview.gif
GET /api/preview/<camera>/start/<start>/end/<end>
GET /api/preview/<year>-<month>/<day>/<hour>/<camera>/<timezone>
GET /api/preview/<camera>/start/<start>/end/<end>/frames
GET /api/preview/<file>/thumbnail.jpg
GET /<camera>/start/<start>/end/<end>/preview.gif
GET /vod/<year>-<month>/<day>/<hour>/<camera>/master.m3u8
GET /vod/event/<id>/index.m3u8
GET /vod/<camera>/start/<start>/end/<end>/index.m3u8
POST /api/export/<camera>/start/<start>/end/<end>
DELETE /api/export/<name>
PATCH /api/export/<name>/<new name>
GET /api/<camera>/recordings/summary
GET /api/<camera>/recordings
GET /api/<camera>/recordings/<time>/snapshot.png
GET /api/review
GET /api/review/summary
POST /api/reviews/viewed
DELETE /api/review/<id>/viewed
POST /api/reviews/delete
GET /review/activity/motion
GET /review/activity/audio
GET /api/timeline
""".split("\n")[1:-1]

WALKED = []
CYCLE = 40 * 20


def walks(*lines):
    """Marks a test as the one that calls these lines."""
    for line in lines:
        assert line in LINES, line
        WALKED.append(line)
    return lambda test: test


def with_sound(video):
    """The scene with a tone that comes and goes, as a loudness to be seen."""
    made = video.with_name("yard-sound.mp4")
    if not made.exists() or made.stat().st_mtime < video.stat().st_mtime:
        part = video.with_name("yard-sound.part.mp4")
        subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", video, "-f", "lavfi", "-i",
                        "sine=440:r=16000,volume='0.02+0.9*lt(mod(t,4),2)':eval=frame", "-t", "40",
                        "-c:v", "copy", "-c:a", "aac", part], check=True)
        part.rename(made)
    return made


@pytest.fixture(scope="module")
def peers():
    with OnvifDevice() as device, PlusPeer() as plus:
        yield device, plus


@pytest.fixture(scope="module")
def system(peers, tmp_path_factory):
    device, plus = peers
    video, _ = scene("yard", "--seed", 1, "--duration", 40, "--loopable", "--stamp")
    with RtspCamera({"yard": video}) as rtsp:
        config = base_config({
            "yard": rtsp_camera(
                rtsp.urls["yard"], 1280, 720,
                zones={"lawn": {"coordinates": "0,0,1,0,1,1,0,1"}},
                motion={"mask": "0,0,0.3,0,0.3,0.13,0,0.13"},
                onvif=device.config()),
            "porch": {
                "ffmpeg": {"inputs": [{"path": str(with_sound(video)), "input_args": "-re -stream_loop -1",
                                       "roles": ["audio", "record"]}]},
                "detect": {"enabled": False, "width": 1280, "height": 720},
                "audio": {"enabled": True},
            }},
            record={"enabled": True, "retain": {"days": 1}},
            snapshots={"enabled": True, "clean_copy": True, "bounding_box": True})
        env = plus.env
        with Corvette(config, tmp_path_factory.mktemp("seed"), env=env) as corvette:
            yield corvette


@pytest.fixture(scope="module")
def event(system):
    """An ended event of the yard with everything an event can have."""
    def find():
        events = system.json("/api/events?cameras=yard&has_clip=1&has_snapshot=1&in_progress=0&sort=date_asc")
        return next((e for e in events if e["data"]["type"] == "object"), None)
    found = wait_for(find, "an ended event", 120)
    wait_for(lambda: any(r["end_time"] > found["end_time"] for r in system.json("/api/yard/recordings")),
             "the recording of the event")
    return found


def box_of(event, size=(1280, 720)):
    x, y, w, h = (v * s for v, s in zip(event["data"]["box"], size * 2))
    return [int(x), int(y), int(x + w), int(y + h)]


def opened(answer, kind, content_type):
    assert answer.status_code == 200, answer.text[:300]
    assert answer.headers["Content-Type"] == content_type
    picture = Image.open(io.BytesIO(answer.content))
    assert picture.format == kind
    return picture


def sharp(picture):
    """There is something to see."""
    return image_of(picture).std() > 8


def image_of(picture):
    out = io.BytesIO()
    picture.convert("RGB").save(out, "PNG")
    return image(out.getvalue())


def frames_of_gif(answer):
    assert answer.status_code == 200, answer.text[:300]
    assert answer.headers["Content-Type"] == "image/gif"
    gif = Image.open(io.BytesIO(answer.content))
    assert gif.format == "GIF" and "loop" in gif.info
    return [image_of(frame) for frame in ImageSequence.Iterator(gif)]


def decoded_frames(url):
    """How many pictures a player gets out of this address."""
    out = subprocess.run(["ffmpeg", "-v", "error", "-i", url, "-map", "0:v", "-f", "framecrc", "-"],
                         capture_output=True, text=True, check=True)
    assert not out.stderr, out.stderr
    return sum(not line.startswith("#") for line in out.stdout.splitlines())


def said(answer, text, **more):
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"success": True, "message": text, **more}


# Management ---------------------------------------------------------------------------------


@walks("GET /api/config")
def test_config(system):
    config = system.json("/api/config")
    assert config["cameras"]["yard"]["detect"]["width"] == 1280
    assert config["cameras"]["yard"]["zones"]["lawn"]["coordinates"] == "0,0,1,0,1,1,0,1"
    assert config["plus"] == {"enabled": True}


@walks("GET /api/stats")
def test_stats(system):
    stats = wait_for(lambda: (s := system.stats())["cameras"]["yard"]["process_fps"] > 0
                     and s["cameras"]["porch"]["audio_rms"] > 0 and s, "measured statistics")
    yard, pids = stats["cameras"]["yard"], system.pids()
    assert 3 < yard["camera_fps"] < 8
    assert (yard["capture_pid"], yard["pid"]) == (pids["capture yard"], pids["analyse yard"])
    assert stats["cameras"]["porch"]["audio_dBFS"] < 0
    assert stats["detectors"]["cpu"]["pid"] == pids["detector cpu"]
    for place in ("/media/frigate/recordings", "/media/frigate/clips", "/tmp/cache", "/dev/shm"):
        storage = stats["service"]["storage"][place]
        assert storage["total"] > 0 and storage["mount_type"] == storage["mnt_type"]


@walks("GET /api/version")
def test_version(system):
    assert system.get("/api/version").text.split("-")[0] == "0.14.1"


@walks("GET /api/ffprobe")
def test_ffprobe(system):
    answer, = system.json("/api/ffprobe?paths=camera:yard")
    stream = answer["stdout"]["streams"][0]
    assert answer["return_code"] == 0 and (stream["width"], stream["height"]) == (1280, 720)
    assert stream["avg_frame_rate"] == "20/1"


@walks("GET /api/<camera>/ptz/info")
def test_ptz(system, peers):
    info = system.json("/api/yard/ptz/info")
    assert info["name"] == "yard" and "pt" in info["features"] and info["presets"]
    assert system.json("/api/porch/ptz/info") == {}


# Pictures of now ----------------------------------------------------------------------------


@walks("GET /api/<camera>")
def test_stream(system):
    with system.request("GET", "/api/yard?fps=5&h=240&bbox=1&timestamp=1", stream=True) as answer:
        assert answer.headers["Content-Type"] == "multipart/x-mixed-replace; boundary=frame"
        data = b""
        for chunk in answer.iter_content(4096):
            data += chunk
            if data.count(b"--frame\r\n") >= 4:
                break
    pictures = [image(part.partition(b"\r\n\r\n")[2].rstrip(b"\r\n")) for part in data.split(b"--frame\r\n")[1:4]]
    assert all(p.shape == (240, 426, 3) and p.std() > 8 for p in pictures)
    assert (pictures[0] != pictures[2]).any()


@walks("GET /api/<camera>/latest.jpg")
def test_latest(system):
    assert opened(system.get("/api/yard/latest.jpg?h=300"), "JPEG", "image/jpg").size == (533, 300)
    plain = image_of(opened(system.get("/api/yard/latest.jpg"), "JPEG", "image/jpg"))
    masked = image_of(opened(system.get("/api/yard/latest.jpg?mask=1"), "JPEG", "image/jpg"))
    assert plain.shape == (720, 1280, 3)
    assert masked[10:80, 10:350].max() < 40 < plain[10:80, 10:350].max()  # the burnt-in number, blacked out
    low, high = (len(system.get(f"/api/yard/latest.jpg?quality={q}").content) for q in (10, 95))
    assert low * 2 < high


@walks("GET /api/<camera>/grid.jpg")
def test_grid(system):
    # It is learned from events, at start and by night: here it is still empty, or has cells.
    answer = system.get("/api/yard/grid.jpg?color=red&font_scale=0.7")
    if answer.status_code == 500:
        assert answer.json()["message"] == "Unable to get region grid"
    else:
        assert opened(answer, "JPEG", "image/jpeg").size == (1280, 720)


@walks("GET /api/<camera>/<label>/thumbnail.jpg", "GET /api/<camera>/<label>/snapshot.jpg",
       "GET /api/<camera>/<label>/clip.mp4")
@pytest.mark.parametrize("any_label", [False, True])
def test_latest_of_a_label(system, event, any_label, tmp_path):
    label = "any" if any_label else event["label"]
    thumbnail = opened(system.get(f"/api/yard/{label}/thumbnail.jpg"), "JPEG", "image/jpeg")
    assert thumbnail.size[1] == 175 and sharp(thumbnail)
    assert sharp(opened(system.get(f"/api/yard/{label}/snapshot.jpg"), "JPEG", "image/jpeg"))
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(system.get(f"/api/yard/{label}/clip.mp4").content)
    assert len(stamps(clip)) > 20


@walks("GET /clips/<camera>-<id>.jpg")
def test_clips(system, event):
    file = opened(system.get(f"/clips/yard-{event['id']}.jpg"), "JPEG", "image/jpeg")
    assert file.size == (1280, 720) and sharp(file)


# Events -------------------------------------------------------------------------------------


@walks("GET /api/events")
def test_events(system, event):
    start, score = event["start_time"], event["data"]["score"]
    length = event["end_time"] - start
    fits = [f"after={start - 1}&before={start + 1}", f"labels={event['label']},nothing", "zones=lawn",
            "has_clip=1", "has_snapshot=1", "in_progress=0", f"min_score={score - 0.01}",
            f"max_score={score + 0.01}", "is_submitted=0", f"min_length={length - 1}",
            f"max_length={length + 1}", "include_thumbnails=0", "time_range=00:00,24:00&timezone=utc",
            "cameras=yard&limit=-1"]
    not_its = [f"after={start + 1}", f"before={start - 1}", "labels=nothing", "zones=None", "has_clip=0",
               "has_snapshot=0", "in_progress=1", f"min_score={score + 0.01}", f"max_score={score - 0.01}",
               "is_submitted=1", f"min_length={length + 1}", f"max_length={length - 1}", "cameras=porch"]
    ids = lambda query: [e["id"] for e in system.json(f"/api/events?limit=-1&{query}")]
    assert [q for q in fits if event["id"] not in ids(q)] == []
    assert [q for q in not_its if event["id"] in ids(q)] == []


@walks("GET /api/events/summary")
def test_events_summary(system, event):
    rows = system.json("/api/events/summary")
    row = next(r for r in rows if (r["camera"], r["label"], r["zones"]) == ("yard", event["label"], event["zones"]))
    day = datetime.datetime.fromtimestamp(event["start_time"], datetime.timezone.utc)
    assert row["count"] >= 1 and row["day"] == day.strftime("%Y-%m-%d")


@walks("GET /api/events/<id>")
def test_event(system, event):
    row = system.json(f"/api/events/{event['id']}")
    assert (row["camera"], row["label"]) == ("yard", event["label"]) and len(row["model_hash"]) == 32


@walks("POST /api/events/<id>/retain", "DELETE /api/events/<id>/retain")
def test_retain(system, event):
    path = f"/api/events/{event['id']}"
    said(system.request("POST", path + "/retain"), f"Event {event['id']} retained")
    assert system.json(path)["retain_indefinitely"] is True
    said(system.request("DELETE", path + "/retain"), f"Event {event['id']} un-retained")
    assert system.json(path)["retain_indefinitely"] is False


@walks("POST /api/events/<id>/sub_label")
def test_sub_label(system, event):
    path = f"/api/events/{event['id']}"
    said(system.request("POST", path + "/sub_label", json={"subLabel": "Zoë", "subLabelScore": 0.79}),
         f"Event {event['id']} sub label set to Zoë")
    row = system.json(path)
    assert row["sub_label"] == "Zoë" and row["data"]["sub_label_score"] == 0.79
    assert system.request("POST", path + "/sub_label", json={"subLabel": "x" * 101}).status_code == 400


@walks("GET /api/events/<id>/thumbnail.jpg", "GET /api/events/<id>/snapshot-clean.png",
       "GET /api/events/<id>/snapshot.jpg")
def test_pictures_of_an_event(system, event):
    path = f"/api/events/{event['id']}"
    thumbnail = opened(system.get(path + "/thumbnail.jpg"), "JPEG", "image/jpeg")
    wide = opened(system.get(path + "/thumbnail.jpg?format=android"), "JPEG", "image/jpeg")
    assert wide.size == (thumbnail.size[0] * 2, 175)
    assert image_of(wide)[:, : thumbnail.size[0] // 2 - 8].max() < 32  # black, but for the JPEG
    clean = image_of(opened(system.get(path + "/snapshot-clean.png?download=1"), "PNG", "image/png"))
    drawn = image_of(opened(system.get(path + "/snapshot.jpg"), "JPEG", "image/jpeg"))
    assert clean.shape == drawn.shape == (720, 1280, 3)
    left, top, right, bottom = box_of(event)
    rows, columns = (abs(drawn.astype(int) - clean.astype(int)).max(axis=2) > 60).nonzero()
    assert abs(columns.min() - left) < 12 and abs(rows.max() - bottom) < 12
    assert clean[top:bottom, left:right].std() > 8


@walks("GET /api/events/<id>/clip.mp4")
def test_clip_of_an_event(system, event, tmp_path):
    answer = system.get(f"/api/events/{event['id']}/clip.mp4?download=1")
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=clip_yard_")
    (tmp_path / "clip.mp4").write_bytes(answer.content)
    numbers = stamps(tmp_path / "clip.mp4")
    recorded = system.json(f"/api/yard/recordings?after={event['start_time']}&before={event['end_time']}")
    length = event["end_time"] - max(event["start_time"], recorded[0]["start_time"])
    assert abs(len(numbers) - length * 20) <= 3
    assert all((a + 1) % CYCLE == b for a, b in zip(numbers, numbers[1:]))
    part = system.get(f"/api/events/{event['id']}/clip.mp4", headers={"Range": "bytes=1000-1999"})
    assert part.status_code == 206 and part.content == answer.content[1000:2000]


@walks("POST /api/events/<camera>/<label>/create", "PUT /api/events/<id>/end")
def test_an_event_by_hand(system):
    body = {"sub_label": "ring", "duration": None, "include_recording": True,
            "draw": {"boxes": [{"box": [0.5, 0.5, 0.25, 0.25], "color": [255, 0, 0], "score": 100}]}}
    made = system.request("POST", "/api/events/yard/doorbell%20press/create", json=body).json()
    assert made["success"] and made["message"] == "Successfully created event."
    row = system.json(f"/api/events/{made['event_id']}")
    assert (row["label"], row["sub_label"], row["end_time"], row["has_clip"]) == ("doorbell press", "ring", None, True)
    # An open event has no file to show yet; when it has ended, the box is on the snapshot.
    end = time.time()
    said(system.request("PUT", f"/api/events/{made['event_id']}/end", json={"end_time": end}),
         "Event successfully ended.")
    row = wait_for(lambda: (r := system.json(f"/api/events/{made['event_id']}"))["end_time"] and r, "its end")
    assert row["end_time"] == pytest.approx(end)
    picture = image_of(opened(system.get(f"/api/events/{made['event_id']}/snapshot.jpg"), "JPEG", "image/jpeg"))
    clean = image_of(opened(system.get(f"/api/events/{made['event_id']}/snapshot-clean.png"), "PNG", "image/png"))
    assert picture.shape == (720, 1280, 3)
    edge, bare = (p[450:520, 638:643].reshape(-1, 3).astype(int) for p in (picture, clean))
    redder = (edge[:, 0] - edge[:, 1]) - (bare[:, 0] - bare[:, 1])
    assert redder.max() > 100  # the left edge is red
    review = wait_for(lambda: [r for r in system.json("/api/review?reviewed=1&limit=100")
                               if made["event_id"] in r["data"]["detections"]], "its review item")
    assert review[0]["severity"] == "alert" and "doorbell press: ring" in review[0]["data"]["objects"]


@walks("POST /api/events/<id>/plus", "PUT /api/events/<id>/false_positive")
def test_frigate_plus(system, event, peers):
    answer = system.request("POST", f"/api/events/{event['id']}/plus", json={"include_annotation": 1})
    assert answer.status_code == 200, answer.text
    plus_id = answer.json()["plus_id"]
    assert system.json(f"/api/events/{event['id']}")["plus_id"] == plus_id
    assert event["id"] in [e["id"] for e in system.json("/api/events?is_submitted=1")]
    assert system.request("POST", f"/api/events/{event['id']}/plus").json()["message"] == "Already submitted to plus"
    answer = system.request("PUT", f"/api/events/{event['id']}/false_positive")
    assert answer.status_code == 200 and answer.json()["plus_id"] == plus_id
    assert system.json(f"/api/events/{event['id']}")["false_positive"] is True


# Previews -----------------------------------------------------------------------------------


@walks("GET /api/events/<id>/preview.gif", "GET /<camera>/start/<start>/end/<end>/preview.gif")
def test_moving_previews(system, event):
    frames = frames_of_gif(system.get(f"/api/events/{event['id']}/preview.gif"))
    assert len(frames) > 2 and all(f.shape == (180, 320, 3) for f in frames)
    assert (frames[0] != frames[-1]).any() and frames[0].std() > 8
    start, end = event["start_time"], event["end_time"]
    for prefix in ("/api", ""):
        assert len(frames_of_gif(system.get(f"{prefix}/yard/start/{start}/end/{end}/preview.gif"))) > 2


@walks("GET /api/preview/<camera>/start/<start>/end/<end>/frames", "GET /api/preview/<file>/thumbnail.jpg")
def test_preview_frames(system, event):
    names = system.json(f"/api/preview/yard/start/{event['start_time']}/end/{event['end_time']}/frames")
    assert len(names) > 2 and names == sorted(names)
    picture = opened(system.get(f"/api/preview/{names[0]}/thumbnail.jpg"), "WEBP", "image/webp")
    assert picture.size == (320, 180) and sharp(picture)


@walks("GET /api/preview/<camera>/start/<start>/end/<end>",
       "GET /api/preview/<year>-<month>/<day>/<hour>/<camera>/<timezone>")
def test_stored_previews(system, event):
    # The first film is made when the hour is over (tests/system/test_previews.py has one).
    now = time.time()
    hour = datetime.datetime.fromtimestamp(now, datetime.timezone.utc).strftime("%Y-%m/%d/%H")
    for path in (f"/api/preview/yard/start/{now - 30}/end/{now}", f"/api/preview/{hour}/yard/Europe,Berlin"):
        answer = system.get(path)
        if answer.status_code == 404:
            assert answer.json()["message"] == "No previews found."
        else:
            assert all(p["camera"] == "yard" and p["type"] == "video/mp4" for p in answer.json())


# Recordings ---------------------------------------------------------------------------------


@walks("GET /vod/<year>-<month>/<day>/<hour>/<camera>/master.m3u8", "GET /vod/event/<id>/index.m3u8",
       "GET /vod/<camera>/start/<start>/end/<end>/index.m3u8")
def test_playing(system, event):
    start, end = event["start_time"], event["end_time"]
    rows = [r for r in system.json(f"/api/yard/recordings?after={start}&before={end}")]
    most = sum(round(r["duration"] * 20) for r in rows)
    frames = decoded_frames(f"{system.url}/vod/yard/start/{start}/end/{end}/index.m3u8")
    assert (end - max(start, rows[0]["start_time"])) * 20 - 3 <= frames <= most + 3
    assert decoded_frames(f"{system.url}/vod/event/{event['id']}/index.m3u8") == frames
    hour = datetime.datetime.fromtimestamp(rows[0]["start_time"], datetime.timezone.utc).strftime("%Y-%m/%d/%H")
    master = system.get(f"/vod/{hour}/yard/utc/master.m3u8?key=1")
    assert master.headers["Content-Type"] == "application/vnd.apple.mpegurl" and "?key=1" in master.text
    assert decoded_frames(f"{system.url}/vod/{hour}/yard/utc/master.m3u8") >= frames


@walks("GET /api/<camera>/recordings", "GET /api/<camera>/recordings/summary")
def test_recordings(system, event):
    rows = system.json(f"/api/yard/recordings?after={event['start_time']}&before={event['end_time']}")
    assert sum(r["motion"] for r in rows) > 0 and sum(r["objects"] for r in rows) > 0
    day = system.json("/api/yard/recordings/summary?timezone=utc")[0]
    assert day["hours"][0]["duration"] > 0 and day["events"] >= 1


@walks("GET /api/<camera>/recordings/<time>/snapshot.png")
def test_picture_out_of_a_recording(system, event):
    answer = system.get(f"/api/yard/recordings/{event['start_time'] + 6}/snapshot.png")
    picture = opened(answer, "PNG", "image/png")
    assert picture.size == (1280, 720) and sharp(picture)


@walks("POST /api/export/<camera>/start/<start>/end/<end>", "PATCH /api/export/<name>/<new name>",
       "DELETE /api/export/<name>")
@pytest.mark.parametrize("playback", ["realtime", "timelapse_25x"])
def test_exports(system, event, playback):
    start, end = event["start_time"] + 5, event["end_time"] - 5
    said(system.request("POST", f"/api/export/yard/start/{start}/end/{end}",
                        json={"playback": playback, "name": f"a {playback}"}), "Starting export of recording.")
    export = wait_for(lambda: next((e for e in system.json("/api/exports")
                                    if e["name"] == f"a {playback}" and not e["in_progress"]), None), "the export")
    url = system.url + export["video_path"].removeprefix("/media/frigate")
    frames = decoded_frames(url)
    if playback == "realtime":
        assert abs(frames - (end - start) * 20) <= 3
    else:
        assert 0 < frames < (end - start) * 20
    assert sharp(opened(system.get(export["thumb_path"].removeprefix("/media/frigate")), "WEBP", "image/webp"))
    said(system.request("PATCH", f"/api/export/{export['id']}/renamed {playback}"), "Successfully renamed export.")
    assert f"renamed {playback}" in [e["name"] for e in system.json("/api/exports")]
    said(system.request("DELETE", f"/api/export/renamed {playback}"), "Successfully deleted export.")
    assert system.get(url.removeprefix(system.url)).status_code == 404


# Review and timeline ------------------------------------------------------------------------


@walks("GET /review/activity/motion", "GET /review/activity/audio")
def test_activity(system, event):
    now = time.time()
    for prefix in ("/api", ""):
        # Scaled between the least and the most: one segment alone would be flat.
        motion = wait_for(lambda: (m := system.json(
            f"{prefix}/review/activity/motion?cameras=yard&after={now - 600}&before={time.time()}&scale=5"))
            and max(e["motion"] for e in m) == 100 and m, "motion of two segments")
        assert all("yard" in (m["camera"] or "yard") for m in motion)
        audio = wait_for(lambda: system.json(
            f"{prefix}/review/activity/audio?cameras=porch&after={now - 600}&before={time.time()}&scale=5"), "sound")
        assert all(-100 <= a["audio"] <= 0 for a in audio)


@walks("GET /api/timeline")
def test_timeline(system, event):
    rows = system.json(f"/api/timeline?source_id={event['id']}")
    classes = [r["class_type"] for r in rows]
    assert classes[0] == "visible" and classes[-1] == "gone" and "entered_zone" in classes
    assert all(r["camera"] == "yard" and r["source"] == "tracked_object" for r in rows)
    assert [r["timestamp"] for r in rows] == sorted(r["timestamp"] for r in rows)
    assert len(system.json("/api/timeline?camera=yard&limit=2")) == 2


@walks("GET /api/review", "GET /api/review/summary", "POST /api/reviews/viewed", "DELETE /api/review/<id>/viewed")
def test_review(system, event):
    item = wait_for(lambda: next((r for r in system.json("/api/review?reviewed=1&limit=100")
                                  if event["id"] in r["data"]["detections"]), None), "the review item")
    assert event["label"] in " ".join(item["data"]["objects"]) and "lawn" in item["data"]["zones"]
    thumbnail = opened(system.get(item["thumb_path"].removeprefix("/media/frigate")), "WEBP", "image/webp")
    assert thumbnail.size[1] == 180 and sharp(thumbnail)
    shown = lambda query: item["id"] in [r["id"] for r in system.json(f"/api/review?limit=100&{query}")]
    assert shown(f"severity={item['severity']}") and shown("labels=" + item["data"]["objects"][0])
    assert shown("cameras=yard&zones=lawn") and not shown("cameras=porch") and not shown("severity=significant_motion")
    assert shown(f"after={item['start_time'] - 1}") and not shown(f"after={item['start_time'] + 1}")
    day = system.json("/api/review/summary?timezone=utc")["last24Hours"]
    assert day[f"total_{item['severity']}"] >= 1
    said(system.request("POST", "/api/reviews/viewed", json={"ids": [item["id"]]}), "Reviewed multiple items")
    assert not shown("reviewed=0") and shown("reviewed=1")
    said(system.request("DELETE", f"/api/review/{item['id']}/viewed"), f"Reviewed {item['id']} not viewed")
    assert shown("reviewed=0")


# What takes away ----------------------------------------------------------------------------


@walks("DELETE /api/events/<id>")
def test_delete_an_event(system):
    made = system.request("POST", "/api/events/yard/knock/create", json={"duration": 0}).json()["event_id"]
    wait_for(lambda: system.get(f"/clips/yard-{made}.jpg").status_code == 200, "its snapshot")
    said(system.request("DELETE", f"/api/events/{made}"), f"Event {made} deleted")
    assert system.get(f"/api/events/{made}").status_code == 404
    assert system.get(f"/clips/yard-{made}.jpg").status_code == 404
    assert system.json(f"/api/timeline?source_id={made}") == []


@walks("POST /api/reviews/delete")
def test_delete_a_review_item(system, event):
    item = next(r for r in system.json("/api/review?reviewed=1&limit=100") if event["id"] in r["data"]["detections"])
    said(system.request("POST", "/api/reviews/delete", json={"ids": [item["id"]]}), "Delete reviews")
    assert system.get(f"/api/review/{item['id']}").status_code == 404
    wait_for(lambda: not system.json(f"/api/yard/recordings?after={item['start_time']}&before={item['end_time']}"),
             "its recordings to go")


@walks("POST /api/restart")
def test_restart(system):
    before = system.pids()["capture yard"]
    said(system.request("POST", "/api/restart"), "Restarting (this can take up to one minute)...")
    system.wait_pid("capture yard", other_than=before)
    wait_for(lambda: answers(system), "the API")


def answers(system):
    with contextlib.suppress(OSError):
        return system.get("/api/version").status_code == 200
    return False


# Afterwards ---------------------------------------------------------------------------------


def test_every_line_was_walked():
    assert sorted(WALKED) == sorted(LINES)


def test_the_database_is_still_frigates(system):
    assert_frigates(system.data / "corvette.db")
