"""Submissions to Frigate+, against a service that checks what it gets."""
import concurrent.futures
import contextlib
import io
import json

import numpy
import pytest
from PIL import Image

from conftest import CONFIG, System, message
from corvette import base_config, recorded_camera, wait_for
from plus_peer import KEY, PlusPeer
from scenes import scene

NO_KEY = "PLUS_API_KEY environment variable is not set"


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with PlusPeer() as peer, System(CONFIG, tmp_path_factory.mktemp("plus"), env=peer.env) as system:
        yield system, peer


@pytest.fixture
def plus(running):
    system, peer = running
    system.run_sql("DELETE FROM event")
    peer.trouble.clear()
    peer.steps.clear()
    yield running
    assert peer.faults == []


def picture(width=320, height=180, kind="PNG", seed=1):
    """Patches of all brightnesses; little colour, of which JPEG keeps less."""
    gray = numpy.random.default_rng(seed).integers(40, 215, (9, 16, 1), "uint8")
    noise = Image.fromarray(gray + numpy.array([0, 20, 40], "uint8"))
    out = io.BytesIO()
    noise.resize((width, height), Image.BILINEAR).save(out, kind, **({"compress_level": 1} if kind == "PNG" else {}))
    return out.getvalue()


def add(system, id, size=(320, 180), **options):
    """An event with a clean picture of its own."""
    system.add_event(id, files=False, **options)
    camera = options.get("camera", "back")
    png = picture(*size, seed=len(id))
    (system.clips / f"{camera}-{id}-clean.png").write_bytes(png)
    return Image.open(io.BytesIO(png)).convert("RGB")


def set_data(system, id, **data):
    system.run_sql("UPDATE event SET data = json_patch(data, ?) WHERE id = ?", json.dumps(data), id)


def submit(system, id, **options):
    return system.request("POST", f"/api/events/{id}/plus", **options)


def mistake(system, id):
    return system.request("PUT", f"/api/events/{id}/false_positive")


def row(system, id):
    return system.run_sql("SELECT plus_id, false_positive FROM event WHERE id = ?", id)[0]


def sent(answer):
    assert answer.status_code == 200, answer.text
    assert set(answer.json()) == {"success", "plus_id"} and answer.json()["success"] is True
    assert answer.text.startswith('{"plus_id":') and answer.text.endswith("}\n")
    return answer.json()["plus_id"]


def test_config_says_so(plus):
    system, _ = plus
    assert system.json("/api/config")["plus"] == {"enabled": True}
    assert KEY.split(":")[1] not in system.get("/api/config").text


def test_submission(plus):
    system, peer = plus
    whole = add(system, "1700000000.5-aaaaaa", (2560, 1440))
    plus_id = sent(submit(system, "1700000000.5-aaaaaa"))
    camera, pictures = peer.created[plus_id]
    assert camera == "back"
    assert {name: one.size for name, one in pictures.items()} == {
        "original": (1920, 1080), "annotate": (640, 360), "thumbnail": (200, 112)}
    for one in pictures.values():  # what is in it is the event's picture
        expected = whole.resize(one.size, Image.BOX)
        assert numpy.abs(numpy.asarray(one, int) - numpy.asarray(expected, int)).mean() < 4
    assert row(system, "1700000000.5-aaaaaa") == (plus_id, None)
    assert system.json("/api/events/1700000000.5-aaaaaa")["plus_id"] == plus_id
    assert peer.annotations == {} and peer.steps[-5:] == [
        "signed_urls", "original", "annotate", "thumbnail", "create"]
    assert [e["id"] for e in system.json("/api/events?is_submitted=1")] == ["1700000000.5-aaaaaa"]
    message(submit(system, "1700000000.5-aaaaaa"), 400, "Already submitted to plus")


@pytest.mark.parametrize("size, sizes", [
    ((150, 90), [(150, 90)] * 3),
    ((720, 1280), [(720, 1280), (360, 640), (112, 200)]),
    ((3000, 2), [(1920, 1), (640, 1), (200, 1)]),
    ((640, 480), [(640, 480), (640, 480), (200, 150)]),
])
def test_sizes(plus, size, sizes):
    system, peer = plus
    add(system, "1700000001.5-bbbbbb", size)
    pictures = peer.created[sent(submit(system, "1700000001.5-bbbbbb"))][1]
    assert [pictures[name].size for name in ("original", "annotate", "thumbnail")] == sizes


@pytest.mark.parametrize("options", [{"json": {"include_annotation": 1}}, {"json": {"include_annotation": False}},
                                     {"params": {"include_annotation": "1"}}])
def test_annotation(plus, options):
    system, peer = plus
    add(system, "1700000002.5-cccccc")
    plus_id = sent(submit(system, "1700000002.5-cccccc", **options))
    assert peer.annotations[plus_id] == {"label": "person", "x": 0.1, "y": 0.2, "w": 0.3, "h": 0.4,
                                         "difficult": False}


@pytest.mark.parametrize("options", [{}, {"json": {}}, {"json": {"include_annotation": None}},
                                     {"params": {"include_annotation": ""}}, {"data": "{nonsense"}])
def test_no_annotation(plus, options):
    system, peer = plus
    add(system, "1700000003.5-dddddd")
    assert sent(submit(system, "1700000003.5-dddddd", **options)) not in peer.annotations


def test_annotation_of_an_event_without_a_box(plus):
    system, peer = plus
    add(system, "1700000003.6-dddddd")
    set_data(system, "1700000003.6-dddddd", box=None)
    plus_id = sent(submit(system, "1700000003.6-dddddd", json={"include_annotation": 1}))
    assert plus_id in peer.created and plus_id not in peer.annotations


# ---- refused here ----

def test_checks_of_a_submission(plus):
    system, peer = plus
    message(submit(system, "nope"), 404, "Event nope not found")
    add(system, "a-running", end=None)
    message(submit(system, "a-running"), 400, "Unable to load clean png for in-progress event")
    system.add_event("a-bare", files=False)
    message(submit(system, "a-bare"), 400, "Unable to load clean png for event")
    for i, bad in enumerate([b"", b"no picture", picture()[:5000], picture(kind="JPEG")]):
        system.add_event(f"a-bad{i}")
        (system.clips / f"back-a-bad{i}-clean.png").write_bytes(bad)
        message(submit(system, f"a-bad{i}"), 400, "Unable to load clean png for event")
    assert peer.steps == []


def test_checks_of_a_mistake(plus):
    system, peer = plus
    message(mistake(system, "nope"), 404, "Event nope not found")
    add(system, "b-old")
    set_data(system, "b-old", box=None)
    message(mistake(system, "b-old"), 400, "Events prior to 0.13 cannot be submitted as false positives")
    add(system, "b-done")
    system.run_sql("UPDATE event SET plus_id = 'x', false_positive = 1 WHERE id = 'b-done'")
    message(mistake(system, "b-done"), 400, "False positive already submitted to Frigate+")
    add(system, "b-running", end=None)
    message(mistake(system, "b-running"), 400, "Unable to load clean png for in-progress event")
    assert peer.steps == []


# ---- mistakes ----

def test_mistake(plus):
    system, peer = plus
    add(system, "c-first")
    set_data(system, "c-first", region=[0.5, 0.25, 0.125, 0.75], score=0.625)
    system.run_sql("UPDATE event SET model_hash = 'h', model_type = 'ssd', detector_type = 'cpu' "
                   "WHERE id = 'c-first'")
    plus_id = sent(mistake(system, "c-first"))
    assert peer.false_positives[plus_id] == {
        "label": "person", "x": 0.1, "y": 0.2, "w": 0.3, "h": 0.4, "regionX": 0.5, "regionY": 0.25,
        "regionW": 0.125, "regionH": 0.75, "score": 0.625, "model_hash": "h", "model_type": "ssd",
        "detector_type": "cpu"}
    assert row(system, "c-first") == (plus_id, 1)
    event = system.json("/api/events/c-first")
    assert event["false_positive"] is True and event["plus_id"] == plus_id
    message(mistake(system, "c-first"), 400, "False positive already submitted to Frigate+")


def test_mistake_of_a_submitted_event(plus):
    system, peer = plus
    system.add_event("d-second", files=False)
    set_data(system, "d-second", region=[0, 0, 1, 1], score=None)
    system.run_sql("UPDATE event SET plus_id = 'earlier' WHERE id = 'd-second'")
    assert sent(mistake(system, "d-second")) == "earlier"
    assert peer.steps == ["false_positive"] and peer.false_positives["earlier"]["score"] == 0.8
    assert peer.false_positives["earlier"]["model_hash"] is None


# ---- refused there ----

STEPS = ["signed_urls", "original", "annotate", "thumbnail", "create"]


@pytest.mark.parametrize("step, trouble", [("signed_urls", "garbage"), ("signed_urls", 403), *(
    (step, trouble) for step in STEPS for trouble in (500, 302, "close"))])
def test_a_step_fails(plus, step, trouble):
    """Nothing is recorded, and once it works the event can be sent."""
    system, peer = plus
    add(system, "e-fails")
    peer.trouble[step] = trouble
    message(submit(system, "e-fails", json={"include_annotation": 1}), 400, "Error uploading image")
    message(mistake(system, "e-fails"), 400, "Error uploading image")
    assert row(system, "e-fails") == (None, None)
    peer.trouble.clear()
    plus_id = sent(submit(system, "e-fails"))
    assert row(system, "e-fails") == (plus_id, None)


@pytest.mark.parametrize("answer", ["{}", "[]", '{"imageId": 5}', '{"imageId": "x", "original": {}}',
                                    '{"imageId": "x", "original": {"url": "file:///etc/passwd", "fields": {}}}',
                                    '{"imageId": "x", "original": {"url": 5, "fields": []}}',
                                    pytest.param("x" * (2 << 20), id="long")])
def test_strange_answers(plus, monkeypatch, answer):
    system, peer = plus
    add(system, "f-strange")
    monkeypatch.setattr(PlusPeer, "on_GET_signed_urls", lambda *_: "placeholder")
    monkeypatch.setattr(PlusPeer, "send", lambda self, request, status, text, send=PlusPeer.send: send(
        self, request, status, answer if "placeholder" in text else text))
    message(submit(system, "f-strange"), 400, "Error uploading image")
    assert row(system, "f-strange") == (None, None)


def test_tokens(plus):
    """One for many calls; renewed when it is about to end or is not taken."""
    system, peer = plus
    peer.tokens.clear()  # the service forgot them
    for i in range(2):
        add(system, f"g-{i}")
        sent(submit(system, f"g-{i}"))
    assert peer.steps.count("token") == 1
    peer.tokens.clear()
    peer.token_life = 30
    add(system, "g-2")
    sent(submit(system, "g-2"))
    peer.token_life = 3600
    peer.steps.clear()
    add(system, "g-3")
    sent(submit(system, "g-3"))
    assert peer.steps.count("token") == 1 and peer.steps[0] == "token"


@pytest.mark.parametrize("trouble", [401, 500, "garbage", "close"])
def test_no_token(plus, trouble):
    system, peer = plus
    peer.tokens.clear()
    peer.trouble["token"] = trouble
    add(system, "h-token")
    message(submit(system, "h-token"), 400, "Error uploading image")
    assert row(system, "h-token") == (None, None)
    log = "\n".join(system.log)
    assert KEY not in log and KEY.split(":")[1] not in log


def test_unsupported_label(plus):
    """The picture went through: another try does not send it again."""
    system, peer = plus
    add(system, "i-label", label="unicorn")
    wish = {"json": {"include_annotation": 1}}
    text = "Error uploading annotation, unsupported label provided."
    message(submit(system, "i-label", **wish), 400, text)
    assert row(system, "i-label") == (None, None)
    peer.steps.clear()
    message(submit(system, "i-label", **wish), 400, text)
    assert peer.steps == ["annotation"]
    peer.steps.clear()
    plus_id = sent(submit(system, "i-label"))
    assert peer.steps == [] and peer.created[plus_id] and row(system, "i-label") == (plus_id, None)
    message(mistake(system, "i-label"), 400, "Error uploading false positive, unsupported label provided.")
    assert row(system, "i-label") == (plus_id, None)


@pytest.mark.parametrize("trouble", [500, "close"])
def test_the_object_fails(plus, trouble):
    system, peer = plus
    add(system, "j-object")
    peer.trouble.update(annotation=trouble, false_positive=trouble)
    message(submit(system, "j-object", json={"include_annotation": 1}), 400, "Error uploading annotation")
    assert row(system, "j-object") == (None, None)
    message(mistake(system, "j-object"), 400, "Error uploading false positive")
    plus_id, false_positive = row(system, "j-object")
    assert false_positive is None and plus_id in peer.created  # the picture is there, the mistake not
    peer.trouble.clear()
    assert sent(mistake(system, "j-object")) == plus_id and row(system, "j-object") == (plus_id, 1)


def test_two_at_once(plus):
    """Of several that send the same event one does."""
    system, peer = plus
    add(system, "k-twice")
    created = len(peer.created)
    peer.trouble["create"] = "slow"
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        first = pool.submit(submit, system, "k-twice")
        wait_for(lambda: peer.slow == 1, "the first to be under way")
        message(submit(system, "k-twice"), 409, "Event k-twice is being submitted to plus")
        message(mistake(system, "k-twice"), 409, "Event k-twice is being submitted to plus")
        peer.release.set()
        message(first.result(), 400, "Error uploading image")
        peer.trouble.clear()
        statuses = sorted(one.result().status_code
                          for one in [pool.submit(submit, system, "k-twice") for _ in range(4)])
    assert statuses[0] == 200 and set(statuses[1:]) <= {400, 409}
    assert len(peer.created) == created + 1


# ---- frames of recordings ----

def test_recorded_frame(tmp_path):
    video = scene("power", "--seed", 5, "--duration", 8, "--size", "320x180", "--fps", 10, "--loopable",
                  "--stamp")[0]
    with PlusPeer() as peer, System(base_config({"yard": recorded_camera(video, 320, 180)}), tmp_path,
                                    env=peer.env) as system:
        rows = wait_for(lambda: system.json("/api/yard/recordings"), "a recording")
        at = rows[0]["start_time"] + 1
        def send(camera, when):
            return system.request("POST", f"/api/{camera}/plus/{when}")
        message(send("yard", at), 200, "Successfully submitted image.", success=True)
        (camera, pictures), = peer.created.values()
        assert camera == "yard" and pictures["original"].size == (320, 180)
        shown = Image.open(io.BytesIO(system.get(f"/api/yard/recordings/{at}/snapshot.png").content))
        difference = numpy.asarray(pictures["original"], int) - numpy.asarray(shown.convert("RGB"), int)
        assert numpy.abs(difference).mean() < 6
        message(send("nobody", at), 404, "Camera not found")
        message(send("yard", 12), 404, "Recording not found at 12.0")
        message(send("yard", "x"), 400, '"x" is not a time')
        system.run_sql("INSERT INTO recordings (id, camera, path, start_time, end_time, duration, "
                       "segment_size) VALUES ('gone', 'yard', '/media/frigate/recordings/gone.mp4', "
                       "100, 110, 10, 1)")
        message(send("yard", 105), 404, "Unable to parse frame at time 105.0")
        peer.trouble["create"] = 500
        message(send("yard", at), 400, "Error uploading image")
        assert peer.faults == []


# ---- keys ----

def test_without_a_key(system):
    """The key comes before everything but where a picture is looked for first."""
    system.add_event("1700000000.5-aaaaaa")
    for id in ("1700000000.5-aaaaaa", "nope"):
        message(submit(system, id), 400, NO_KEY)
        message(mistake(system, id), 400, NO_KEY)
    message(system.request("POST", "/api/nobody/plus/12"), 404, "Camera not found")
    message(system.request("POST", "/api/back/plus/12"), 404, "Recording not found at 12.0")
    assert system.json("/api/config")["plus"] == {"enabled": False}


def test_a_malformed_key(tmp_path):
    with System(CONFIG, tmp_path, env={"PLUS_API_KEY": KEY[:-1] + "Z"}) as system:
        assert system.json("/api/config")["plus"] == {"enabled": False}
        message(submit(system, "x"), 400, NO_KEY)
        system.wait_log("PLUS_API_KEY of the environment is malformed")
        assert KEY[:-1] not in "\n".join(system.log)


def test_stopping_does_not_wait_for_the_service(tmp_path):
    with PlusPeer() as peer, System(CONFIG, tmp_path, env=peer.env) as system:
        add(system, "l-slow")
        peer.trouble["token"] = "slow"
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            asked = pool.submit(submit, system, "l-slow")
            wait_for(lambda: peer.slow == 1, "the request to be under way")
            assert system.stop() < 4
            with contextlib.suppress(Exception):
                message(asked.result(), 400, "Error uploading image")
