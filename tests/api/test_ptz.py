"""Cameras with motors, against ONVIF devices of several kinds."""
import concurrent.futures
import contextlib
import socket
import time

import pytest

from conftest import message
from corvette import Corvette, base_config, wait_for
from onvif_device import OnvifDevice

EVERYTHING = ["pt", "zoom", "pt-r", "zoom-r", "zoom-a", "pt-r-fov"]


def camera(onvif=None):
    return {"ffmpeg": {"inputs": [{"path": "rtsp://127.0.0.1:1/x", "roles": ["detect"]}]},
            "detect": {"width": 640, "height": 360, "fps": 5}, **({"onvif": onvif} if onvif else {})}


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


# One of each kind, all behind one running program: camera name -> device and its onvif section.
KINDS = {
    "plain": ({}, {}),
    "short": ({"prefixes": "short", "auth": "none", "options": False}, {}),
    "numbered": ({"prefixes": "numbered", "only_services": True, "address": "192.168.77.1:8899"}, {}),
    "tricky": ({"address": "127.0.0.1:80@192.0.2.1"}, {}),
    "httpdigest": ({"auth": "digest"}, {}),
    "late": ({"clock_offset": -3 * 3600}, {"ignore_time_mismatch": True}),
    "late_strict": ({"clock_offset": 3 * 3600}, {}),
    "wrong_fault": ({}, {"password": "wrong"}),
    "wrong_http": ({"refusal": "http"}, {"password": "wrong"}),
    "wrong_digest": ({"auth": "digest"}, {"password": "wrong"}),
    "no_motors": ({"ptz": False}, {}),
    "pan_only": ({"spaces": ("pt",), "presets": ()}, {}),
    "odd_codec": ({"encoding": "H265"}, {}),
    "nameless": ({"presets": (("3", ""), ("4", None), ("5", "A&amp;B"))}, {}),
    "broken": ({}, {}), "huge": ({}, {}), "redirect": ({}, {}), "doctype": ({}, {}), "bomb": ({}, {}),
    "empty": ({}, {}), "close": ({}, {}), "deep": ({}, {}), "slow": ({}, {}), "restarting": ({}, {}),
    "orderly": ({}, {}), "patience": ({}, {}),
}
TROUBLES = {
    "broken": "GetProfiles: the answer is not XML",
    "huge": "GetProfiles: the answer is longer than 1048576 bytes",
    "redirect": "GetProfiles: it sends us elsewhere (HTTP status 302), which is not followed",
    "doctype": "GetProfiles: the XML has a document type declaration",
    "bomb": "GetProfiles: the XML has a document type declaration",
    "empty": "GetProfiles: the answer is not XML",
    "close": "GetProfiles: ",
    "deep": "GetProfiles: the answer is not XML",
}


class Bench:
    def __init__(self, corvette, devices, closed_port):
        self.corvette, self.devices, self.closed_port = corvette, devices, closed_port

    def info(self, name):
        return self.corvette.json(f"/api/{name}/ptz/info")

    def command(self, name, text):
        return self.corvette.request("POST", f"/api/{name}/ptz", json={"command": text})

    def do(self, name, text):
        message(self.command(name, text), 200, f"Camera {name}: {text}", success=True)


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    with contextlib.ExitStack() as stack:
        devices, cameras = {}, {"fixed": camera()}
        for name, (kind, section) in KINDS.items():
            devices[name] = stack.enter_context(OnvifDevice(**kind))
            cameras[name] = camera(devices[name].config(**section))
            if name in TROUBLES:
                devices[name].trouble["GetProfiles"] = name
        closed = free_port()
        cameras["away"] = camera({"host": "127.0.0.1", "port": closed})
        # Not decoding: two dozen cameras that cannot be reached are noise enough.
        for section in cameras.values():
            section["enabled"] = section is cameras["plain"]
        config = base_config(cameras)
        yield Bench(stack.enter_context(Corvette(config, tmp_path_factory.mktemp("ptz"))), devices, closed)


def test_info(bench):
    assert bench.info("plain") == {"name": "plain", "features": EVERYTHING,
                                   "presets": ["home", "front gate", "preset 7"]}
    assert bench.devices["plain"].refused == []
    text = bench.corvette.get("/api/plain/ptz/info").text
    assert text.startswith('{"features":["pt",') and text.endswith("}\n")


def test_info_without_motors_or_cameras(bench):
    assert bench.corvette.get("/api/fixed/ptz/info").text == "{}\n"
    message(bench.corvette.get("/api/nobody/ptz/info"), 404, "Camera not found")
    message(bench.corvette.get("/api/nobody/ptz/status"), 404, "Camera not found")
    message(bench.command("nobody", "STOP"), 404, "Camera not found")
    message(bench.command("fixed", "STOP"), 400, "camera fixed has no onvif.host in the configuration")
    assert bench.info("no_motors") == {"name": "no_motors", "features": [], "presets": []}
    answer = bench.command("no_motors", "MOVE_LEFT")
    assert answer.status_code == 400 and "it cannot pan and tilt" in answer.json()["message"]


@pytest.mark.parametrize("name", ["short", "numbered", "tricky", "httpdigest", "late"])
def test_devices_of_other_kinds(bench, name):
    device = bench.devices[name]
    assert bench.info(name)["features"] == EVERYTHING
    bench.do(name, "MOVE_RIGHT")
    assert device.velocity["pan"] == 0.5
    bench.do(name, "stop")
    assert device.velocity["pan"] == 0 and device.refused == (
        ["GetCapabilities: Optional Action Not Implemented"] if name == "numbered" else
        ["GetConfigurationOptions: Optional Action Not Implemented"] if name == "short" else [])


def test_the_profile_that_is_chosen(bench):
    """The first H.264 one with motors; without any such the first with motors."""
    device = bench.devices["odd_codec"]
    device.profile = "Profile_9"  # the H.264 one behind
    bench.do("odd_codec", "MOVE_UP")
    assert device.velocity["tilt"] == 0.5


def test_few_features(bench):
    assert bench.info("pan_only") == {"name": "pan_only", "features": ["pt"], "presets": []}
    for text, what in (("ZOOM_IN", "zoom"), ("MOVE_RELATIVE_0.1_0.1", "pan and tilt by a distance"),
                       ("ZOOM_RELATIVE_0.1", "zoom by a distance"),
                       ("ZOOM_ABSOLUTE_0.1", "zoom to a position")):
        answer = bench.command("pan_only", text)
        assert answer.status_code == 400 and f"it cannot {what}" in answer.json()["message"]
    answer = bench.command("pan_only", "PRESET_home")
    assert answer.status_code == 404 and 'no preset "home" (it has: none)' in answer.json()["message"]


def test_presets_without_names(bench):
    assert bench.info("nameless")["presets"] == ["preset 3", "preset 4", "a&b"]
    bench.do("nameless", "preset_A&B")
    assert bench.devices["nameless"].position["pan"] == 0.5
    bench.do("nameless", "PRESET_preset 4")
    assert bench.devices["nameless"].position["pan"] == 0.4


# ---- moving ----

def test_continuous_moves(bench):
    device = bench.devices["plain"]
    for text, axis, speed in (("MOVE_UP", "tilt", 0.5), ("MOVE_DOWN", "tilt", -0.5),
                              ("MOVE_LEFT", "pan", -0.5), ("MOVE_RIGHT", "pan", 0.5),
                              ("zoom_in", "zoom", 0.5), ("Zoom_Out", "zoom", -0.5)):
        calls = len(device.calls)
        bench.do("plain", text)
        # A move during another stops that first.
        assert device.velocity == {**dict.fromkeys(device.velocity, 0.0), axis: speed}
        assert device.calls[calls:][-1] == "ContinuousMove"
    bench.do("plain", "STOP")
    assert not any(device.velocity.values())
    calls = len(device.calls)
    bench.do("plain", "MOVE_LEFT")
    assert device.calls[calls:] == ["ContinuousMove"]
    bench.do("plain", "STOP")


def test_moves_by_a_distance(bench):
    device = bench.devices["plain"]
    device.position.update(pan=0.0, tilt=0.0, zoom=0.0)
    bench.do("plain", "MOVE_RELATIVE_0.25_-0.5")
    assert device.relative == ("TranslationSpaceFov", {"pan": 0.5, "tilt": -1.0})  # its range is -2..2
    bench.do("plain", "ZOOM_RELATIVE_0.25")
    assert device.relative == ("TranslationGenericSpace", {"zoom": 0.25})
    bench.do("plain", "ZOOM_ABSOLUTE_0.75")
    assert device.position["zoom"] == 0.75


def test_presets(bench):
    device = bench.devices["plain"]
    bench.do("plain", "preset_Front Gate")
    assert device.position["pan"] == 0.2
    bench.do("plain", "PRESET_preset 7")
    assert device.position["pan"] == 0.7
    answer = bench.command("plain", "PRESET_nowhere")
    assert answer.status_code == 404
    assert answer.json()["message"] == (
        f'camera plain (ONVIF 127.0.0.1:{device.port}): it has no preset "nowhere" '
        "(it has: home, front gate, preset 7)")


def test_status(bench):
    bench.do("plain", "PRESET_home")
    expected = {"name": "plain", "moving": False, "pan": 0.1, "tilt": 0.0, "zoom": 0.0}
    assert bench.corvette.json("/api/plain/ptz/status") == expected
    bench.do("plain", "ZOOM_IN")
    assert bench.corvette.json("/api/plain/ptz/status")["moving"] is True
    bench.do("plain", "STOP")
    assert bench.corvette.json("/api/plain/ptz/status")["moving"] is False


@pytest.mark.parametrize("text", ["", "JUMP", "MOVE_LEFT_FAR", "MOVE_RELATIVE_1", "MOVE_RELATIVE_1_x",
                                  "MOVE_RELATIVE_1_2", "MOVE_RELATIVE_0_0_0", "ZOOM_ABSOLUTE_",
                                  "PRESET_", "ZOOM_RELATIVE_nan", "STOP\n", "x" * 5000])
def test_no_such_command(bench, text):
    calls = len(bench.devices["plain"].calls)
    answer = bench.command("plain", text)
    assert answer.status_code == 400 and answer.json()["success"] is False
    assert len(bench.devices["plain"].calls) == calls


@pytest.mark.parametrize("body", [None, {}, {"command": 3}, {"command": None}, ["STOP"]])
def test_no_command(bench, body):
    message(bench.corvette.request("POST", "/api/plain/ptz", json=body), 400,
            'command: expected a text, such as "MOVE_LEFT"')


# ---- trouble ----

def test_wrong_passwords(bench):
    for name in ("wrong_fault", "wrong_http", "wrong_digest"):
        error = bench.info(name)["error"]
        assert error.startswith(f"camera {name} (ONVIF 127.0.0.1:{bench.devices[name].port}): ")
        assert "the login is refused" in error and "wrong" not in error.split(": ", 1)[1]


def test_a_wrong_clock_is_named(bench):
    info = bench.info("late_strict")
    assert info["features"] == [] and info["presets"] == []
    assert "the login is refused" in info["error"]
    assert "s off: set it, or onvif.ignore_time_mismatch" in info["error"]
    answer = bench.command("late_strict", "STOP")
    assert answer.status_code == 502 and answer.json()["message"] == info["error"]


@pytest.mark.parametrize("name", TROUBLES)
def test_nonsense(bench, name):
    error = bench.info(name)["error"]
    assert error.startswith(f"camera {name} (ONVIF 127.0.0.1:{bench.devices[name].port}): "
                            + TROUBLES[name]), error
    # A device that recovers is asked again, after a while.
    if name == "broken":
        bench.devices[name].trouble.clear()
        wait_for(lambda: "error" not in bench.info(name), "the camera to be asked again")
        assert bench.info(name)["features"] == EVERYTHING


def test_nobody_there(bench):
    info = bench.info("away")
    assert info["error"].startswith(f"camera away (ONVIF 127.0.0.1:{bench.closed_port}): "
                                    "GetSystemDateAndTime: cannot connect")
    assert info["features"] == [] and info["name"] == "away"
    assert bench.command("away", "STOP").status_code == 502


def test_a_camera_that_restarted(bench):
    """Its tokens are others: they are asked for again, and the command is carried out."""
    device = bench.devices["restarting"]
    bench.do("restarting", "MOVE_LEFT")
    device.profile = "Profile_A"
    device.velocity["pan"] = 0.0
    bench.do("restarting", "MOVE_RIGHT")
    assert device.velocity["pan"] == 0.5


def test_a_camera_that_is_silent(bench):
    """What is known of it stays: a STOP goes out at once when it is back."""
    device = bench.devices["restarting"]
    bench.do("restarting", "MOVE_LEFT")
    device.trouble.update(dict.fromkeys(("Stop", "GetSystemDateAndTime"), "close"))
    assert bench.command("restarting", "STOP").status_code == 502
    assert bench.info("restarting")["features"] == EVERYTHING
    device.trouble.clear()
    calls = len(device.calls)
    bench.do("restarting", "STOP")
    assert device.calls[calls:] == ["Stop"] and not any(device.velocity.values())


def test_stop_does_not_wait_for_the_next_try(bench):
    """A camera that failed lately is left alone for a while, but not when it is to stop."""
    device = bench.devices["patience"]
    device.trouble["GetProfiles"] = "fault"
    assert "error" in bench.info("patience")
    device.trouble.clear()
    assert "error" in bench.info("patience")
    assert bench.command("patience", "MOVE_LEFT").status_code == 502
    bench.do("patience", "STOP")
    assert bench.info("patience")["features"] == EVERYTHING


def test_a_refused_command(bench):
    device = bench.devices["restarting"]
    device.trouble["Stop"] = "fault"
    answer = bench.command("restarting", "STOP")
    assert answer.status_code == 502
    assert "Stop: the request is refused (ActionNotSupported: Optional Action" in answer.json()["message"]
    device.trouble.clear()
    bench.do("restarting", "STOP")


def test_a_slow_camera_holds_up_nobody(bench):
    """Many requests for it: the server answers others at once, further ones for it are refused, and
    the other camera's motors move."""
    device = bench.devices["slow"]
    device.trouble["GetSystemDateAndTime"] = "slow"
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        asked = [pool.submit(bench.command, "slow", "STOP") for _ in range(10)]
        wait_for(lambda: sum(one.done() for one in asked) == 6, "six of ten to be refused")
        for _ in range(20):
            assert bench.corvette.get("/api/version").status_code == 200
        bench.do("plain", "STOP")
        assert sum(one.done() for one in asked) == 6
        device.release.set()
        statuses = sorted(one.result().status_code for one in asked)
    assert statuses == [502] * 4 + [503] * 6


def test_orders_keep_their_order(bench):
    """While the camera is slow over one, others wait: they are carried out as they came, so that it
    does not move on after its STOP."""
    device = bench.devices["orderly"]
    assert bench.info("orderly")["features"] == EVERYTHING
    for _ in range(3):
        device.trouble["GetStatus"] = "slow"
        device.release.clear()
        slow, calls = device.slow, len(device.calls)
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            asked = [pool.submit(bench.corvette.get, "/api/orderly/ptz/status")]
            wait_for(lambda: device.slow == slow + 1, "the camera to be busy")
            for text in ("MOVE_LEFT", "STOP", "ZOOM_IN"):
                asked.append(pool.submit(bench.command, "orderly", text))
                time.sleep(0.1)  # as a finger on a button
            device.trouble.clear()
            device.release.set()
        assert [one.result().status_code for one in asked[1:]] == [200] * 3
        moves = [name for name in device.calls[calls:] if name in ("ContinuousMove", "Stop")]
        assert moves == ["ContinuousMove", "Stop", "ContinuousMove"]
        bench.do("orderly", "STOP")


def test_stopping_does_not_wait_for_a_camera(tmp_path):
    with OnvifDevice() as device:
        device.trouble["GetSystemDateAndTime"] = "slow"
        corvette = Corvette(base_config({"back": camera(device.config())}), tmp_path)
        with corvette, concurrent.futures.ThreadPoolExecutor(1) as pool:
            asked = pool.submit(corvette.get, "/api/back/ptz/info")
            wait_for(lambda: device.slow, "the request to reach the camera")
            assert corvette.stop() < 4
            assert asked.exception() is not None or "stopping" in asked.result().text


def test_silent_cameras_hold_up_cameras_alone(tmp_path):
    """As many as there are threads that wait for other machines: logins and streams have theirs."""
    with contextlib.ExitStack() as stack:
        devices = [stack.enter_context(OnvifDevice()) for _ in range(8)]
        for device in devices:
            device.trouble["GetSystemDateAndTime"] = "slow"
        cameras = {f"c{i}": camera(device.config()) for i, device in enumerate(devices)}
        for section in cameras.values():
            section["enabled"] = False
        config = base_config(cameras, auth={"hash_iterations": 1000})
        corvette = stack.enter_context(Corvette(config, tmp_path))
        pool = stack.enter_context(concurrent.futures.ThreadPoolExecutor(8))
        asked = [pool.submit(corvette.get, f"/api/{name}/ptz/info") for name in cameras]
        wait_for(lambda: all(device.slow for device in devices), "all cameras to be asked")
        login = corvette.request("POST", "/api/login", json={"user": "nobody", "password": "x"})
        probed = corvette.get("/api/ffprobe?paths=nothing")
        assert (login.status_code, probed.status_code) == (400, 200)
        assert not any(one.done() for one in asked)
        for device in devices:
            device.release.set()
