"""Cameras over RTSP: TCP and UDP, passwords, cameras that come and go, real footage and models."""
import os
import pathlib
import subprocess
import time

import pytest

from corvette import Corvette, base_config, rtsp_camera, wait_for
from pictures import assert_no_frame_missing, image, stamps
from scenes import RtspCamera, scene

CYCLE = 20 * 20


def clip():
    return scene("short", "--seed", 3, "--duration", 20, "--loopable", "--stamp")[0]


@pytest.mark.parametrize("preset", ["preset-rtsp-generic", "preset-rtsp-udp"])
def test_recording_over_tcp_and_udp_has_every_frame(tmp_path, preset):
    with RtspCamera({"yard": clip()}) as camera:
        config = base_config({"yard": rtsp_camera(camera.urls["yard"], 1280, 720, input_args=preset)})
        with Corvette(config, tmp_path) as corvette:
            wait_for(lambda: len(corvette.segments("yard")) >= 2, "two segments", 90)
        numbers = [n for s in corvette.segments("yard") for n in stamps(s)]
        assert_no_frame_missing(numbers, CYCLE)


def h265_clip():
    """The clip again as H.265, with pictures shown in another order than decoded."""
    video = clip()
    again = video.with_name("short-h265.mp4")
    if not again.exists() or again.stat().st_mtime < video.stat().st_mtime:
        part = video.with_name(f"short-h265.{os.getpid()}.part.mp4")
        subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", video, "-an", "-c:v", "libx265", "-preset",
                        "ultrafast", "-x265-params", "log-level=none:keyint=40:open-gop=0:bframes=2",
                        "-tag:v", "hvc1", part], check=True)
        part.rename(again)
    return again


def test_recording_of_h265_has_every_frame(tmp_path):
    with RtspCamera({"yard": h265_clip()}) as camera:
        config = base_config({"yard": rtsp_camera(camera.urls["yard"], 1280, 720)})
        with Corvette(config, tmp_path) as corvette:
            wait_for(lambda: len(corvette.segments("yard")) >= 2, "two segments", 90)
            counters = corvette.stats()["corvette"]["cameras"]["yard"]["capture"]["counters"]
            assert counters["packets_lost"] == 0
        # The last one ends with the connection, between pictures that are shown in another order.
        numbers = [n for s in corvette.segments("yard")[:-1] for n in stamps(s)]
        assert_no_frame_missing(numbers, CYCLE)


def test_what_the_session_does_not_know_goes_through_libavformat(tmp_path):
    """An option of libavformat's own is honoured by libavformat."""
    arguments = "-rtsp_transport tcp -reorder_queue_size 5"
    with RtspCamera({"yard": clip()}) as camera:
        config = base_config(
            {"yard": rtsp_camera(camera.urls["yard"], 1280, 720, input_args=arguments)},
            logger={"default": "debug"})
        with Corvette(config, tmp_path) as corvette:
            corvette.wait_log("option reorder_queue_size: RTSP through libavformat")
            wait_for(lambda: corvette.segments("yard"), "a segment", 60)


def test_password(tmp_path):
    with RtspCamera({"yard": clip()}, "--auth", "viewer:p4ss-word") as camera:
        right = camera.urls["yard"].replace("rtsp://", "rtsp://viewer:p4ss-word@")
        wrong = camera.urls["yard"].replace("rtsp://", "rtsp://viewer:wr0ng-word@")
        config = base_config({"right": rtsp_camera(right, 1280, 720),
                              "wrong": rtsp_camera(wrong, 1280, 720)})
        with Corvette(config, tmp_path) as corvette:
            wait_for(lambda: corvette.segments("right"), "a segment")
            line = corvette.wait_log(r"capture\.wrong.*(401|[Uu]nauthorized|password)")
            assert not any("wr0ng-word" in l or "p4ss-word" in l for l in corvette.log), line
            assert "p4ss-word" not in corvette.get("/api/config").text


def test_a_camera_that_comes_and_goes(tmp_path):
    camera = RtspCamera({"yard": clip()}).start()
    url = camera.urls["yard"]
    port = url.split(":")[2].split("/")[0]
    with Corvette(base_config({"yard": rtsp_camera(url, 1280, 720)}), tmp_path) as corvette:
        wait_for(lambda: corvette.stats()["cameras"]["yard"]["camera_fps"] > 0, "pictures")
        camera.stop()
        wait_for(lambda: corvette.stats()["cameras"]["yard"]["camera_fps"] == 0, "camera_fps 0")
        camera = RtspCamera({"yard": clip()}, port=port).start()
        before = len(corvette.segments("yard"))
        wait_for(lambda: corvette.stats()["cameras"]["yard"]["camera_fps"] > 0, "pictures again")
        wait_for(lambda: len(corvette.segments("yard")) > before, "a new segment")
        changes = [l for l in corvette.log if "capture.yard" in l]
        assert len(changes) < 30, "one line per state change, not per try"
    camera.stop()


def data_folder():
    folder = os.environ.get("CORVETTE_TEST_DATA")
    if not folder:
        pytest.skip("CORVETTE_TEST_DATA names no folder with real models and footage")
    return pathlib.Path(folder)


@pytest.mark.slow
def test_people_on_real_footage(tmp_path):
    """campus-people over RTSP with YOLOX-nano: tracked persons with the right times."""
    data = data_folder()
    with RtspCamera({"campus": data / "footage/campus-people.mp4"}) as camera:
        config = base_config(
            {"campus": rtsp_camera(camera.urls["campus"], 768, 576)},
            model={"path": str(data / "models/yolox_nano_416.onnx"), "model_type": "yolox",
                   "width": 416, "height": 416, "input_tensor": "nchw", "input_pixel_format": "bgr",
                   "labelmap_path": str(data / "models/coco80.txt")})
        config["objects"]["track"] = ["person", "car"]
        with Corvette(config, tmp_path) as corvette:
            def people():
                return [e for e in corvette.json("/api/events?labels=person&include_thumbnails=0&limit=-1")
                        if e["has_snapshot"] and e["end_time"]]
            events = wait_for(lambda: (p := people()) and len(p) >= 3 and p, "three persons", 150)
            for event in events:
                assert event["data"]["score"] > 0.5
                assert event["end_time"] > event["start_time"]
                assert event["end_time"] < time.time() + 6  # post_capture reaches ahead
                picture = image(corvette.get(f"/api/events/{event['id']}/snapshot.jpg").content)
                assert picture.shape == (576, 768, 3)
            # A person's box is taller than wide, at least mostly.
            tall = [e for e in events if e["data"]["box"][3] * 576 > e["data"]["box"][2] * 768]
            assert len(tall) > len(events) / 2
