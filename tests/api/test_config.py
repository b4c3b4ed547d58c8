"""The configuration's file over HTTP: shown, replaced, changed key by key."""
import os
import random
import signal
import stat
import threading
import time

import pytest
import requests
import yaml

from conftest import CONFIG, System, message
from corvette import wait_for
from faults import Faults

FRIGATE_CANNOT_WRITE = ("Could not write config file, be sure that Frigate has write permission on "
                        "the config file.")
BROKEN = CONFIG.replace("width: 1280", "width: <wide>")


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with System(CONFIG, tmp_path_factory.mktemp("config")) as system:
        yield system


@pytest.fixture
def own(running):
    """The running program, its file as at the start."""
    running.config_path.write_text(CONFIG)
    return running


def save(system, text, option="saveonly"):
    return system.request("POST", f"/api/config/save?save_option={option}", data=text.encode(),
                          headers={"Content-Type": "text/plain"})


def put(system, query, body=None):
    return system.request("PUT", f"/api/config/set?{query}", json=body)


def updated(answer):
    message(answer, 200, "Config successfully updated, restart to apply", success=True)


def test_raw(own):
    answer = own.get("/api/config/raw")
    assert answer.status_code == 200 and answer.headers["Content-Type"].startswith("text/html")
    assert answer.content == own.config_path.read_bytes()
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    own.config_path.unlink()
    message(own.get("/api/config/raw"), 404, "Could not find file")


def test_schema(own):
    answer = own.get("/api/config/schema.json")
    assert answer.headers["Content-Type"] == "application/json" and answer.text.count("\n") == 1
    schema = answer.json()
    assert schema["properties"]["cameras"]["additionalProperties"]["$ref"] == "#/definitions/camera"


def test_save(own):
    text = CONFIG.replace("fps: 5", "fps: 7") + "# \u00fc\n# end"
    message(save(own, text), 200, "Config successfully saved.", success=True)
    assert own.config_path.read_text() == text
    assert own.json("/api/config")["cameras"]["back"]["detect"]["fps"] == 5  # as it runs
    message(own.request("POST", "/api/config/save"), 400, "Config with body param is required")


def test_a_broken_configuration_is_not_saved(own):
    def state():
        status = own.config_path.stat()
        return status.st_ino, status.st_mtime_ns, own.config_path.read_text()
    before = state()
    answer = save(own, BROKEN, "restart")
    line = BROKEN[:BROKEN.index("<wide>")].count("\n") + 1
    assert answer.status_code == 400 and not answer.json()["success"]
    text = answer.json()["message"]
    assert text.startswith("\nConfig Error:\n\n")
    assert f"config.yml:{line}: cameras.back.detect.width: " in text
    assert "&lt;wide&gt;" in text and "<wide>" not in text
    for text in ("cameras: [", "\x00", "x: 1", "- a", "a" * 100):
        assert save(own, text).status_code == 400
    assert save(own, "x" * (5 << 20)).status_code == 413
    assert state() == before


def test_what_the_file_is_stays(own, tmp_path):
    real = tmp_path / "real.yml"
    real.write_text(CONFIG)
    real.chmod(0o640)
    if os.getuid() == 0:
        os.chown(real, 1234, 2345)
    own.config_path.unlink()
    own.config_path.symlink_to(real)
    text = CONFIG + "# more\n"
    assert save(own, text).status_code == 200
    after = real.stat()
    assert own.config_path.is_symlink() and real.read_text() == text
    assert stat.S_IMODE(after.st_mode) == 0o640
    if os.getuid() == 0:
        assert (after.st_uid, after.st_gid) == (1234, 2345)
    assert os.listdir(tmp_path) == ["real.yml"]  # nothing is left beside it
    own.config_path.unlink()
    own.config_path.mkdir()
    message(save(own, text), 400, FRIGATE_CANNOT_WRITE)
    own.config_path.rmdir()


def test_set(own):
    updated(put(own, "cameras.back.detect.fps=7&cameras.back.detect.enabled=False"
                     "&record.retain.days=012&cameras.front_door.motion.mask=0,0,1,0,1,1"
                     "&cameras.front_door.motion.mask=0,0,0.1,0,0.1,0.1&mqtt.topic_prefix=a%20b"))
    config = yaml.safe_load(own.config_path.read_text())
    assert config["cameras"]["back"]["detect"] == {"width": 1280, "height": 720, "fps": 7,
                                                   "enabled": False}
    assert config["record"]["retain"]["days"] == 12
    assert config["cameras"]["front_door"]["motion"]["mask"] == ["0,0,1,0,1,1", "0,0,0.1,0,0.1,0.1"]
    assert config["mqtt"]["topic_prefix"] == "a b"
    assert "# Rows of long ago stay.\n" in own.config_path.read_text()
    # Back again: nothing is left of it but the changed numbers.
    updated(put(own, "cameras.back.detect.fps=5&cameras.back.detect.enabled"
                     "&record.retain.days=100000&cameras.front_door.motion=&mqtt.topic_prefix="))
    assert own.config_path.read_text() == CONFIG


def test_set_as_the_page_does(own):
    """A zone drawn, renamed and taken out; a group of cameras."""
    updated(put(own, "cameras.front_door.zones.porch.coordinates=0.1,0.1,0.5,0.1,0.5,0.5"
                     "&cameras.front_door.zones.porch.inertia=3&cameras.front_door.zones.porch.loitering_time=0"
                     "&cameras.front_door.zones.porch.objects=person&cameras.front_door.zones.porch.objects=dog"
                     "&cameras.front_door.review.alerts.required_zones=porch"
                     "&objects.track=person&objects.track=dog", {"requires_restart": 0}))
    zone = "\n".join(["    zones:", "      porch:", "        coordinates: 0.1,0.1,0.5,0.1,0.5,0.5",
                      "        inertia: 3", "        loitering_time: 0", "        objects:",
                      "          - person", "          - dog", "    review:", "      alerts:",
                      "        required_zones: porch", "objects:", "  track:", "    - person",
                      "    - dog", ""])
    assert own.config_path.read_text() == CONFIG + zone
    updated(put(own, "cameras.front_door.zones.porch&cameras.front_door.review.alerts.required_zones"
                     "&cameras.front_door.zones.door.coordinates=0.1,0.1,0.5,0.1,0.5,0.5"))
    camera = yaml.safe_load(own.config_path.read_text())["cameras"]["front_door"]
    assert camera["zones"] == {"door": {"coordinates": "0.1,0.1,0.5,0.1,0.5,0.5"}}
    updated(put(own, "camera_groups.all.order=1&camera_groups.all.icon=LuCar"
                     "&camera_groups.all.cameras=back&camera_groups.all.cameras=front_door"))
    assert yaml.safe_load(own.config_path.read_text())["camera_groups"]["all"] == {
        "order": 1, "icon": "LuCar", "cameras": ["back", "front_door"]}
    updated(put(own, "camera_groups.all"))
    assert yaml.safe_load(own.config_path.read_text())["camera_groups"] == {}


def test_set_places_in_lists(own):
    updated(put(own, "cameras.back.ffmpeg.inputs.0.path=rtsp://h/%C3%A4"
                     "&cameras.back.ffmpeg.inputs.1.path=rtsp://h/2"
                     "&cameras.back.ffmpeg.inputs.1.roles.0=record"))
    config = yaml.safe_load(own.config_path.read_text())
    assert config["cameras"]["back"]["ffmpeg"]["inputs"] == [
        {"path": "rtsp://h/\u00e4", "roles": ["detect"]}, {"path": "rtsp://h/2", "roles": ["record"]}]


@pytest.mark.parametrize("query", ["cameras.back.detect.fps=fast", "cameras.back.nosuch=1",
                                   "cameras.back.ffmpeg=", "mqtt=1"])
def test_set_what_would_not_start(own, query):
    message(put(own, query), 400, "Error parsing config. Check logs for error message.")
    assert own.config_path.read_text() == CONFIG
    key = query.split("=")[0].split(".")[-1]
    own.wait_log(rf"ERROR .*config\.yml:?\d*: .*{key}")


@pytest.mark.parametrize("query", ["cameras.back.ffmpeg.inputs.7.path=x", "cameras.back.detect.fps.x=1",
                                   "=1", "cameras..fps=1", "mqtt.host=%ff", "mqtt.host.0=x" * 2,
                                   ".".join("a" * 100) + "=1"])
def test_set_what_makes_no_sense(own, query):
    message(put(own, query), 500 if "host.0" not in query else 400,
            "Error updating config" if "host.0" not in query
            else "Error parsing config. Check logs for error message.")
    assert own.config_path.read_text() == CONFIG


def test_set_keeps_a_file_that_is_broken_by_hand(own):
    own.config_path.write_text("cameras: [\n")
    message(put(own, "cameras.back.detect.fps=7"), 500, "Error updating config")
    assert own.config_path.read_text() == "cameras: [\n"


def test_saves_at_the_same_time(own):
    """Each change finds what those before it did."""
    threads = [threading.Thread(target=lambda i=i: updated(put(own, f"cameras.back.zones.z{i}."
               "coordinates=0.1,0.1,0.5,0.1,0.5,0.5"))) for i in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    zones = yaml.safe_load(own.config_path.read_text())["cameras"]["back"]["zones"]
    assert set(zones) == {"yard", *(f"z{i}" for i in range(12))}


def test_another_page_may_not_save(own):
    for method, path in (("POST", "/api/config/save"), ("PUT", "/api/config/set?mqtt.port=1")):
        answer = own.request(method, path, data=CONFIG + "#", headers={"Origin": "http://elsewhere"})
        message(answer, 401, "Missing CSRF header")
    assert own.config_path.read_text() == CONFIG


def test_save_and_restart(tmp_path):
    with System(CONFIG, tmp_path) as system:
        before = system.wait_pid("server")
        message(save(system, CONFIG.replace("fps: 5", "fps: 9"), "restart"), 200,
                "Config successfully saved, restarting (this can take up to one minute)...",
                success=True)
        system.wait_pid("server", other_than=before)

        def fps():
            try:
                return system.json("/api/config")["cameras"]["back"]["detect"]["fps"]
            except (OSError, requests.RequestException):
                return None
        wait_for(lambda: fps() == 9, "the new configuration")


@pytest.mark.slow  # faults.c and the sanitizers exclude each other
def test_a_disk_that_fails(tmp_path):
    faults = Faults(tmp_path)
    with System(CONFIG, tmp_path / "data", env=faults.env) as system:
        faults.fail(["sync"], "ENOSPC", below="config.yml", count=1)
        message(save(system, CONFIG + "# more\n"), 400, FRIGATE_CANNOT_WRITE)
        assert system.config_path.read_text() == CONFIG
        assert not list(system.data.glob("config.yml.*"))
        system.wait_log("config.yml: cannot be replaced: No space left")
        assert save(system, CONFIG + "# more\n").status_code == 200


def test_old_or_new_but_never_half(tmp_path):
    """kill -9 while configurations are saved, one after the other, each of some size."""
    texts = [CONFIG + "".join(f"# {name} {i}\n" for i in range(20000)) for name in ("one", "two")]
    with System(texts[0], tmp_path) as system:
        for round in range(6):
            pid = system.wait_pid("server")
            wait_for(lambda: _answers(system), "the API")
            stop = threading.Event()

            def saving():
                for i in range(1, 10000):
                    try:
                        if stop.is_set() or save(system, texts[i % 2]).status_code != 200:
                            return
                    except requests.RequestException:
                        return
            thread = threading.Thread(target=saving)
            thread.start()
            wait_for(lambda: any(p.name != "config.yml" for p in tmp_path.glob("config.yml*")),
                     "a save under way")
            time.sleep(random.random() / 50)
            os.kill(pid, signal.SIGKILL)
            stop.set()
            thread.join()
            assert system.config_path.read_text() in texts
            for left in tmp_path.glob("config.yml.*"):
                assert stat.S_IMODE(left.stat().st_mode) & 0o077 == 0 or left.read_text() in texts
                left.unlink()


def _answers(system):
    try:
        return system.get("/api/version").status_code == 200
    except requests.RequestException:
        return False
