"""What is heard: levels, events of sounds with all that belongs to them, and that recording does not
notice the sound worker's troubles."""
import os
import shutil
import signal
import sqlite3

from corvette import ROOT, SHORT_SEGMENTS, Corvette, base_config, wait_for
from sounds import alarm, barks, clip, quiet, sound_of

PARTS = [(quiet, 2), (alarm, 2.6), (quiet, 5), (barks, 2.5), (quiet, 3)]
WITH_SOUND = {"record": SHORT_SEGMENTS["record"].removesuffix(" -an")}


def listening_camera(inputs, output_args=None, **audio):
    return {
        "ffmpeg": {"inputs": [{"input_args": "-re -stream_loop -1", **one} for one in inputs],
                   "output_args": output_args or WITH_SOUND},
        "detect": {"width": 320, "height": 180, "fps": 5, "enabled": False},
        "record": {"enabled": True, "events": {"post_capture": 1}},
        "review": {"alerts": {"labels": ["fire_alarm"]}},
        "audio": {"enabled": True, "max_not_heard": 1, "listen": ["fire_alarm", "bark", "speech"],
                  **audio},
    }


def heard(corvette, label, over=True):
    """The first event of a sound, once it is there (and over)."""
    def find():
        events = corvette.json(f"/api/events?label={label}&include_thumbnails=0")
        events = [event for event in events if not over or event["end_time"] is not None]
        return events[-1] if events else None
    return wait_for(find, f"{'an ended' if over else 'an'} event of {label}")


def assert_level(corvette, camera, least, most):
    """The level shows; in dB of full scale, and consistent with the mean of squares."""
    def shown():
        stats = corvette.stats()["cameras"][camera]
        return stats if least < stats["audio_dBFS"] < most else None
    stats = wait_for(shown, f"a level of {least} to {most} dBFS")
    assert 20 < stats["audio_rms"] < 20000


def rows(corvette, columns):
    with sqlite3.connect(corvette.data / "corvette.db") as database:
        return database.execute(f"SELECT {columns} FROM recordings ORDER BY start_time").fetchall()


def assert_seamless(corvette):
    times = rows(corvette, "start_time, end_time")
    assert len(times) > 3
    for (_, end), (start, _) in zip(times, times[1:]):
        assert abs(start - end) < 0.01


def test_sounds_become_events_and_recording_does_not_care_who_listens(tmp_path):
    video = clip("sounds", *PARTS)
    camera = listening_camera([{"path": str(video), "roles": ["detect", "record", "audio"]}])
    with Corvette(base_config({"yard": camera}), tmp_path) as corvette:
        assert_level(corvette, "yard", -70, -50)  # the quiet beginning
        event = heard(corvette, "fire_alarm", over=False)
        assert event["data"]["type"] == "audio" and event["data"]["score"] > 0.8
        wait_for(lambda: corvette.stats()["corvette"]["server"]["sound"]["hearing"]
                 == {"yard": ["fire_alarm"]}, "the statistics to say what is heard")
        assert_level(corvette, "yard", -30, -5)

        # Killed in the middle of it.
        pid = corvette.stats()["processes"]["audio_detector"]["pid"]
        os.kill(pid, signal.SIGKILL)
        event = heard(corvette, "fire_alarm")
        assert event["has_clip"] and event["box"] is None and event["zones"] == []
        # Not from when it ended: what was last heard, and post_capture.
        assert 2 < event["end_time"] - event["start_time"] - 5 < 12

        # Another one listens, and hears the next.
        corvette.wait_pid("sound", other_than=pid)
        bark = heard(corvette, "bark")
        assert bark["start_time"] > event["start_time"]
        wait_for(lambda: corvette.stats()["corvette"]["sound"]["worker"]["starts"] == 2,
                 "the second start")

        heard_rows = [row for row in corvette.json("/api/timeline?camera=yard")
                      if row["class_type"] == "heard"]
        assert {(row["source_id"], row["data"]["label"]) for row in heard_rows} >= {
            (event["id"], "fire_alarm"), (bark["id"], "bark")}
        assert {row["source"] for row in heard_rows} == {"audio"}
        reviews = corvette.json("/api/review?reviewed=1")
        assert any("fire_alarm" in item["data"]["audio"] and item["severity"] == "alert"
                   for item in reviews)
        picture = corvette.get(f"/api/events/{event['id']}/snapshot.jpg")
        assert picture.status_code == 200 and picture.content[:2] == b"\xff\xd8"
    assert_seamless(corvette)
    levels = rows(corvette, "dBFS, objects")[:-1]  # the last may be over before its first chunk
    assert any(level > -30 and objects > 0 for level, objects in levels)  # loud, and recognised
    assert any(level < -50 and objects == 0 for level, objects in levels)  # quiet
    assert all(level < 0 for level, _ in levels)
    assert not any("segment" in line and "ERROR" in line for line in corvette.log)


def test_an_input_of_sound_alone_and_a_recording_without(tmp_path):
    """Listened to over one input, recorded over another, without its sound."""
    video = clip("sounds", *PARTS)
    sound = sound_of(video)
    camera = listening_camera([{"path": str(video), "roles": ["detect", "record"]},
                               {"path": str(sound), "roles": ["audio"]}], SHORT_SEGMENTS)
    with Corvette(base_config({"yard": camera}), tmp_path) as corvette:
        corvette.wait_log(r"input 1 \(audio\): connected, aac")
        assert heard(corvette, "fire_alarm", over=False)["data"]["type"] == "audio"
        wait_for(lambda: any(level > -30 for level, in rows(corvette, "dBFS")),
                 "a row with the level of the alarm")


def test_a_model_that_comes_later(tmp_path):
    """Without a usable model levels are measured and everything is recorded; one that appears is
    taken up."""
    video = clip("alarms", (alarm, 8))
    camera = listening_camera([{"path": str(video), "roles": ["detect", "record", "audio"]}],
                              max_not_heard=30)
    config = base_config({"yard": camera}, corvette={
        "sound_model_path": str(tmp_path / "model.onnx"),
        "sound_labels_path": str(tmp_path / "labels.txt")})
    with Corvette(config, tmp_path / "data") as corvette:
        assert any("corvette.sound_model_path: the file cannot be read" in line
                   for line in corvette.log)
        assert_level(corvette, "yard", -30, -5)
        wait_for(lambda: "labels.txt" in (
            corvette.stats()["corvette"]["sound"]["worker"]["trouble"] or ""), "the trouble")
        assert corvette.json("/api/events") == []
        # Two lines for one label, as lists do that merge similar sounds.
        (tmp_path / "labels.txt").write_text("speech\nfire_alarm\nfire_alarm\n")
        shutil.copy(ROOT / "models/sound.onnx", tmp_path / "model.part")
        (tmp_path / "model.part").rename(tmp_path / "model.onnx")
        heard(corvette, "fire_alarm", over=False)
        wait_for(lambda: corvette.stats()["corvette"]["sound"]["worker"]["trouble"] is None,
                 "the end of the trouble")
    # A clean stop leaves none open.
    with sqlite3.connect(corvette.data / "corvette.db") as database:
        assert database.execute("SELECT count(*), count(end_time) FROM event").fetchone() == (1, 1)
