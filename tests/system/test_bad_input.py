"""Wrong configurations, models, files and streams: each named clearly, none stopping anything else."""
import http.client
import subprocess

import pytest

from corvette import PROGRAM, ROOT, Corvette, base_config, file_camera, wait_for
from scenes import scene

GOOD = """
mqtt: {enabled: false}
cameras:
  back:
    ffmpeg:
      inputs:
        - {path: rtsp://127.0.0.1:1/x, roles: [detect]}
    detect: {width: 1280, height: 720}
"""


def check(tmp_path, text):
    path = tmp_path / "config.yml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    result = subprocess.run([PROGRAM, "check-config", path], capture_output=True, text=True)
    return result.returncode, result.stderr.replace(str(path), "config.yml")


def test_a_good_configuration_is_good(tmp_path):
    status, text = check(tmp_path, GOOD)
    assert status == 0, text


@pytest.mark.parametrize("text, expected", [
    ("", "config.yml"),
    (GOOD + "  - x", "config.yml:"),
    (GOOD + "detcet: {}\n", "detect"),
    (GOOD.replace("width: 1280", "width: wide"), "cameras.back.detect.width"),
    (GOOD.replace("width: 1280", "widht: 1280"), "width"),
    (GOOD + "cameras: {}\n", "cameras"),
    (GOOD.replace("roles: [detect]", "roles: [watch]"), "roles"),
    (GOOD + "motion: {threshold: 300}\n", "motion.threshold"),
    (b"\xff\xfe\x00", "config.yml"),
    ("mqtt: {enabled: false}\n", "cameras"),
])
def test_what_is_wrong_is_named_with_file_and_path(tmp_path, text, expected):
    status, message = check(tmp_path, text)
    assert status == 1
    assert message.startswith("config.yml") and expected in message


def test_a_missing_configuration_is_named(tmp_path):
    result = subprocess.run([PROGRAM, "run", "--config", tmp_path / "none.yml", "--data", tmp_path],
                            capture_output=True, text=True, timeout=60)
    assert result.returncode == 1
    assert "none.yml" in result.stderr


def test_two_recorders_do_not_share_a_data_folder(tmp_path):
    with Corvette(GOOD, tmp_path) as first:
        result = subprocess.run([PROGRAM, "run", "--config", first.config_path, "--data", tmp_path,
                                 "--listen", "127.0.0.1:0"], capture_output=True, text=True, timeout=60)
        assert result.returncode == 1
        assert "another Corvette" in result.stderr


@pytest.mark.parametrize("model, words", [
    ({"path": "/nowhere/model.onnx"}, ["/nowhere/model.onnx"]),
    ({"path": "{garbage}"}, ["garbage.onnx"]),
    ({"path": "{demo}", "width": 416, "height": 416, "input_tensor": "nchw",
      "model_type": "yolo-generic"}, ["416", "320"]),
])
def test_a_wrong_model_is_named_and_recording_goes_on(tmp_path, model, words):
    garbage = tmp_path / "garbage.onnx"
    garbage.write_bytes(b"this is not a model" * 100)
    model = dict(model, path=model["path"].format(garbage=garbage, demo=ROOT / "models/demo.onnx"))
    video, _ = scene("short", "--seed", 3, "--duration", 20, "--loopable", "--stamp")
    config = base_config({"yard": file_camera(video)}, model=model)
    with Corvette(config, tmp_path / "data") as corvette:
        line = corvette.wait_log(r"detector.*ERROR.*" + words[0])
        assert all(word in line for word in words), line
        wait_for(lambda: corvette.segments("yard"), "a recorded segment")
        assert words[0] in corvette.worker("detector", "cpu")["trouble"]


def test_one_bad_camera_leaves_the_others_alone(tmp_path):
    video, _ = scene("short", "--seed", 3, "--duration", 20, "--loopable", "--stamp")
    noise = tmp_path / "noise.mp4"
    noise.write_bytes(bytes(range(256)) * 1000)
    config = base_config({
        "good": file_camera(video),
        "unreachable": file_camera("rtsp://127.0.0.1:1/none"),
        "absent": file_camera(tmp_path / "absent.mp4"),
        "noise": file_camera(noise),
    })
    with Corvette(config, tmp_path / "data") as corvette:
        wait_for(lambda: corvette.segments("good"), "a segment of the good camera")
        stats = corvette.stats()
        assert stats["cameras"]["good"]["camera_fps"] > 0
        for name in ("unreachable", "absent", "noise"):
            assert stats["cameras"][name]["camera_fps"] == 0
            assert corvette.worker("capture", name)["trouble"], name
            assert corvette.get(f"/api/{name}/latest.jpg").status_code == 200  # says "no signal"


def test_unknown_names_and_path_tricks(tmp_path):
    (tmp_path / "secret.txt").write_text("secret")
    with Corvette(GOOD, tmp_path) as corvette:
        for path, status in [("/api/nosuch", 404), ("/api/nosuch/latest.jpg", 404),
                             ("/api/events/nosuch", 404), ("/api/events/nosuch/snapshot.jpg", 404),
                             ("/clips/../secret.txt", 404), ("/clips/%2e%2e/%2e%2e/secret.txt", 404),
                             ("/clips/..%2f..%2fsecret.txt", 404), ("/clips/%00", 404),
                             ("/api/back/latest.jpg?h=0", 400), ("/api/back/latest.jpg?h=-5", 400)]:
            host = corvette.url.removeprefix("http://")
            connection = http.client.HTTPConnection(host, timeout=30)
            connection.request("GET", path)  # as it is: requests would tidy the path
            answer = connection.getresponse()
            body = answer.read()
            assert answer.status in (status, 400, 403), (path, answer.status)
            assert b"secret" != body
