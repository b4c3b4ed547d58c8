"""Previews of drawn scenes: pictures while it happens, films of past hours, spans as GIF and MP4; what
crashes and lost files do to them. Past hours are pictures laid into the cache before the start."""
import io
import json
import pathlib
import shutil
import sqlite3
import subprocess
import time

import numpy
import pytest
from PIL import Image

from corvette import Corvette, base_config, file_camera, recorded_camera, wait_for
from pictures import image, probe
from scenes import scene

HOUR = 3600
SIZE = (320, 180)
COUNT, APART = 90, 20.0


def video():
    return scene("previews", "--seed", 7, "--duration", 12, "--size", "640x360", "--fps", 5, "--loopable")[0]


def past_hour(ago=2):
    return int(time.time()) // HOUR * HOUR - ago * HOUR


def drawn(i, base=(30, 90, 160)):
    """A picture that says which one it is: a white bar that moves."""
    picture = Image.new("RGB", SIZE, base)
    picture.paste((240, 240, 240), (i * 3 % 280, 40, i * 3 % 280 + 40, 140))
    return picture


def webp(picture):
    out = io.BytesIO()
    picture.save(out, "WEBP", quality=80)
    return out.getvalue()


def lay_frames(folder, camera, start, count=COUNT, apart=APART, base=(30, 90, 160), kinds=None):
    """Preview pictures as a Corvette that died then left them; their times."""
    folder.mkdir(parents=True, exist_ok=True)
    bytes_of = [webp(drawn(i, base)) for i in range(kinds or count)]
    times = [start + 0.25 + i * apart for i in range(count)]
    for i, moment in enumerate(times):
        (folder / f"preview_{camera}-{moment}.webp").write_bytes(bytes_of[i % len(bytes_of)])
    return times


def cached(data, camera):
    return sorted(p.name for p in (data / "cache/preview_frames").glob(f"preview_{camera}-*.webp"))


def films(corvette, camera, hour):
    answer = corvette.get(f"/api/preview/{camera}/start/{hour}/end/{hour + HOUR}")
    return answer.json() if answer.status_code == 200 else []


def film_frames(path):
    """Times and pictures of a film."""
    times = [float(word.strip(",")) for word in probe(path, "-select_streams", "v:0", "-show_entries",
                                                      "frame=pts_time")]
    raw = subprocess.run(["ffmpeg", "-v", "error", "-i", path, "-fps_mode", "passthrough", "-f", "rawvideo",
                          "-pix_fmt", "rgb24", "-"], capture_output=True, check=True).stdout
    return times, numpy.frombuffer(raw, numpy.uint8).reshape(-1, SIZE[1], SIZE[0], 3)


def distance(a, b):
    """Mean difference of colour, coarsely: what compression does is no difference."""
    small = [numpy.asarray(Image.fromarray(numpy.asarray(p)).convert("RGB").resize((32, 18), Image.BOX), float)
             for p in (a, b)]
    return numpy.abs(small[0] - small[1]).mean()


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    data = tmp_path_factory.mktemp("previews")
    cache = data / "cache/preview_frames"
    hour = past_hour()
    times = {"front": lay_frames(cache, "front", hour),
             "front_door": lay_frames(cache, "front_door", hour, base=(150, 40, 40)),
             "gone": lay_frames(data / "media/clips/preview_restart_cache", "gone", hour - HOUR, 20)}
    cameras = {name: file_camera(video(), 640, 360) for name in ("front", "front_door")}
    with Corvette(base_config(cameras), data) as corvette:
        corvette.hour, corvette.times = hour, times
        yield corvette


# --- films of past hours ---


def test_hours_become_films(running):
    for camera, base in (("front", (30, 90, 160)), ("front_door", (150, 40, 40))):
        (film,) = wait_for(lambda: films(running, camera, running.hour), "the hour's film")
        times = running.times[camera]
        assert (film["start"], film["end"]) == (times[0], times[-1])
        assert film["src"] == f"/clips/previews/{camera}/{times[0]}-{times[-1]}.mp4"
        path = running.data / "media" / film["src"].lstrip("/")
        shown, pictures = film_frames(path)
        assert shown == pytest.approx([t - times[0] for t in times], abs=0.002)
        for i in (0, 1, COUNT // 2, COUNT - 1):
            assert distance(pictures[i], drawn(i, base)) < 8, i
        keys = probe(path, "-select_streams", "v:0", "-show_entries", "packet=flags")
        assert [i for i, flags in enumerate(keys) if flags.startswith("K")] == list(range(0, COUNT, 40))
        fields = probe(path, "-select_streams", "v:0", "-show_entries",
                       "stream=codec_name,profile,width,height,pix_fmt")
        assert " ".join(fields).replace("Constrained ", "") == "h264,Baseline,320,180,yuv420p"
        head = path.read_bytes()
        assert head.index(b"moov") < head.index(b"mdat")
        row = sqlite3.connect(running.data / "corvette.db").execute(
            "SELECT id, path, duration FROM previews WHERE camera = ?", [camera]).fetchone()
        assert row == (f"{camera}_{times[-1]}", f"/media/frigate{film['src']}", times[-1] - times[0])
        wait_for(lambda: not set(cached(running.data, camera)) &
                 {f"preview_{camera}-{t}.webp" for t in times}, "the pictures to go")
    assert running.get(film["src"], headers={"Range": "bytes=0-9"}).status_code == 206


def test_what_frigate_put_aside(running):
    (film,) = wait_for(lambda: films(running, "gone", running.hour - HOUR), "the film")
    assert len(film_frames(running.data / "media" / film["src"].lstrip("/"))[0]) == 20
    hour = time.gmtime(running.hour - HOUR)
    for zone, offset in (("utc", 0), ("Asia,Kolkata", 5.5 * HOUR)):
        local = time.gmtime(running.hour - HOUR + offset)
        answer = running.get(time.strftime(f"/api/preview/%Y-%m/%d/%H/gone/{zone}", local))
        assert [film] == answer.json(), (zone, hour)


# --- pictures ---


def listed(corvette, camera, after=120):
    now = int(time.time())
    return corvette.json(f"/api/preview/{camera}/start/{now - after}/end/{now + 1}/frames")


def test_pictures_while_it_happens(running):
    names = wait_for(lambda: (n := listed(running, "front")) and len(n) >= 6 and n, "preview pictures")
    assert names == sorted(names) and len(set(names)) == len(names)
    assert all(name.startswith("preview_front-") for name in names)
    times = [float(name.rsplit("-", 1)[1].removesuffix(".webp")) for name in names]
    # A car may be there: twice a second, and never faster.
    assert min(b - a for a, b in zip(times, times[1:])) >= 0.499
    seen = numpy.frombuffer(subprocess.run(
        ["ffmpeg", "-v", "error", "-i", video(), "-vf", "scale=320:180", "-f", "rawvideo", "-pix_fmt",
         "rgb24", "-"], capture_output=True, check=True).stdout, numpy.uint8).reshape(-1, 180, 320, 3)
    for kind in ("jpg", "webp"):
        answer = running.get(f"/api/preview/{names[-1]}/thumbnail.{kind}")
        assert answer.headers["Content-Type"] == "image/webp"
        assert answer.headers["Cache-Control"] == "private, max-age=31536000"
        picture = image(answer.content)
        assert picture.shape == (180, 320, 3)
        assert min(distance(picture, frame) for frame in seen[::2]) < 5
    middle = names[2:4]
    a, b = times[2], times[3]
    assert running.json(f"/api/preview/front/start/{a}/end/{b}/frames") == middle
    assert running.json("/api/preview/nobody/start/1/end/9999999999/frames") == []


def test_a_picture_that_is_in_a_film_by_now(running):
    wait_for(lambda: films(running, "front", running.hour), "the hour's film")
    wait_for(lambda: not (running.data / f"cache/preview_frames/preview_front-{running.times['front'][41]}"
                          ".webp").exists(), "the pictures to go")
    answer = running.get(f"/api/preview/preview_front-{running.times['front'][41]}.webp/thumbnail.webp")
    assert distance(image(answer.content), drawn(41)) < 8


# --- spans ---


def gif_frames(content):
    gif = Image.open(io.BytesIO(content))
    assert gif.info["loop"] == 0 and gif.size == SIZE
    found = []
    for i in range(gif.n_frames):
        gif.seek(i)
        found.append((numpy.asarray(gif.convert("RGB")), gif.info["duration"]))
    return found


def test_gif_of_a_film(running):
    wait_for(lambda: films(running, "front", running.hour), "the hour's film")
    begin = running.times["front"][10]
    for path in (f"/api/front/start/{begin}/end/{begin + 100}/preview.gif",
                 f"/front/start/{begin}/end/{begin + 100}/preview.gif",
                 f"/api/front/start/{begin}/end/{begin + 100}/preview"):
        answer = running.get(path)
        assert answer.status_code == 200 and answer.headers["Content-Type"] == "image/gif"
        assert answer.headers["Cache-Control"] == "private, max-age=2592000"
        frames = gif_frames(answer.content)
        assert len(frames) == 6 # each 20 s, both ends
        for i, (picture, duration) in enumerate(frames):
            assert distance(picture, drawn(10 + i)) < 8
            assert duration == (2400 if i < 5 else 20)


def test_mp4_of_a_film(running, tmp_path):
    wait_for(lambda: films(running, "front_door", running.hour), "the hour's film")
    begin = running.times["front_door"][30]
    path = f"/api/front_door/start/{begin}/end/{begin + 200}/preview.mp4"
    answer = running.get(path)
    assert answer.headers["Cache-Control"] == "private, max-age=604800"
    assert answer.headers["Content-Description"] == "File Transfer"
    (tmp_path / "x.mp4").write_bytes(answer.content)
    times, pictures = film_frames(tmp_path / "x.mp4")
    assert times == pytest.approx([i * 2.4 for i in range(11)], abs=0.01)
    assert distance(pictures[5], drawn(35, (150, 40, 40))) < 8
    part = running.get(path, headers={"Range": "bytes=100-199"})
    assert part.status_code == 206 and part.content == answer.content[100:200]
    assert (running.data / f"cache/preview_front_door_{begin}-{begin + 200}.mp4").exists()


def test_a_span_from_a_film_into_the_running_hour(running):
    wait_for(lambda: films(running, "front", running.hour), "the hour's film")
    wait_for(lambda: len(listed(running, "front")) >= 3, "preview pictures")
    answer = running.get(f"/api/front/start/{running.times['front'][80]}/end/{time.time()}/preview.gif")
    assert answer.headers["Cache-Control"] == "no-store"
    frames = gif_frames(answer.content)
    assert distance(frames[0][0], drawn(80)) < 8 and distance(frames[-1][0], drawn(89)) > 8
    assert len({picture.tobytes() for picture, _ in frames}) >= 12


def test_gif_of_the_running_hour(running):
    wait_for(lambda: len(listed(running, "front_door")) >= 5, "preview pictures")
    now = time.time()
    names = listed(running, "front_door", 60)
    frames = gif_frames(running.get(f"/api/front_door/start/{now - 60}/end/{now}/preview.gif").content)
    assert len(names) - 1 <= len(frames) <= len(names) + 2
    assert {duration for _, duration in frames[:-1]} == {120}


def test_an_hour_and_a_month(running):
    wait_for(lambda: films(running, "front", running.hour), "the hour's film")
    for begin, end in ((running.hour, running.hour + HOUR), (running.hour - 30 * 24 * HOUR, running.hour + 9e5)):
        answer = running.get(f"/api/front/start/{begin}/end/{end}/preview.gif")
        assert answer.status_code == 200
        frames = gif_frames(answer.content)
        assert 10 <= len(frames) <= 600 and sum(duration for _, duration in frames) < 75000


def test_events_and_review_items(running):
    wait_for(lambda: films(running, "front", running.hour), "the hour's film")
    start = running.times["front"][20]
    with sqlite3.connect(running.data / "corvette.db", timeout=30) as database:
        database.execute(
            "INSERT INTO event (id, label, camera, start_time, end_time, zones, thumbnail, has_clip, "
            "has_snapshot, retain_indefinitely, data) VALUES ('1.5-aaaaaa', 'person', 'front', ?, ?, '[]', '', "
            "1, 0, 1, '{}')", (start + 19, start + 200))
        database.execute(
            "INSERT INTO reviewsegment VALUES ('1.5-bbbbbb', 'front', ?, ?, 'alert', 0, '', ?)",
            (start + 28, start + 52, json.dumps({"detections": [], "objects": []})))
    event = gif_frames(running.get("/api/events/1.5-aaaaaa/preview.gif").content)
    assert len(event) == 2 and distance(event[1][0], drawn(21)) < 8 # 20 s
    item = gif_frames(running.get("/api/review/1.5-bbbbbb/preview").content)
    assert len(item) == 3 and distance(item[1][0], drawn(22)) < 8 # from 8 s before to 8 s after
    for format in ("mp4", "anything"):
        answer = running.get("/api/review/1.5-bbbbbb/preview", params={"format": format})
        assert answer.headers["Content-Type"] == "video/mp4" and b"moov" in answer.content


@pytest.mark.parametrize("path, status, message", [
    ("/api/preview/front/start/1/end/2", 404, "No previews found."),
    ("/api/front/start/1/end/2/preview.gif", 404, "Preview not found"),
    ("/api/nobody/start/1/end/2/preview.mp4", 404, "Preview not found"),
    (f"/api/{'x' * 1001}/start/1/end/2/preview.mp4", 403, "Filename exceeded max length of 1000 characters."),
    ("/api/preview/preview_front-1.5.webp/thumbnail.jpg", 404, "Image file not found"),
    ("/api/preview/..%2F..%2Fconfig.yml/thumbnail.jpg", 404, "Image file not found"),
    (f"/api/preview/{'x' * 1001}/thumbnail.webp", 403, "Filename exceeded max length of 1000"),
    ("/api/events/nope/preview.gif", 404, "Event not found"),
    ("/api/review/nope/preview?format=mp4", 404, "Review segment not found"),
])
def test_what_there_is_not(running, path, status, message):
    answer = running.get(path)
    assert answer.status_code == status
    assert answer.json() == {"success": False, "message": message}


def test_damaged_files_are_passed_over(running):
    folder = running.data / "media/clips/previews/front"
    start = running.hour + 3000
    (folder / f"{start}.0-{start + 100}.0.mp4").write_bytes(b"no film at all" * 100)
    with sqlite3.connect(running.data / "corvette.db", timeout=30) as database:
        database.execute("INSERT INTO previews VALUES ('x', 'front', ?, ?, ?, 100)",
                         (f"/media/frigate/clips/previews/front/{start}.0-{start + 100}.0.mp4", start, start + 100))
    answer = running.get(f"/api/front/start/{start}/end/{start + 100}/preview.gif")
    assert answer.status_code == 404 and answer.json()["message"] == "Preview not found"


def test_many_at_once(running):
    """Whoever comes when too many wait is told so at once, and everything else goes on."""
    script = f"{running.url}/api/front/start/{running.hour}/end/{running.hour + HOUR}/preview.gif"
    askers = [subprocess.Popen(["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", script],
                               stdout=subprocess.PIPE, text=True) for _ in range(12)]
    begin = time.monotonic()
    assert running.get("/api/version").status_code == 200
    assert time.monotonic() - begin < 10
    codes = [asker.communicate()[0] for asker in askers]
    assert set(codes) <= {"200", "503"} and "200" in codes
    assert wait_for(lambda: running.get(script.removeprefix(running.url)).status_code == 200, "a quiet moment")


# --- crashes, and what is missing ---


def quiet_config():
    """One camera that cannot be reached: only what lies there counts."""
    camera = file_camera("/nonexistent.mp4", 640, 360)
    return base_config({"yard": camera})


def test_killed_while_a_film_is_made(tmp_path):
    hour, count = past_hour(), 1200
    times = lay_frames(tmp_path / "cache/preview_frames", "yard", hour, count, 2.5, kinds=30)
    folder = tmp_path / "media/clips/previews/yard"
    corvette = Corvette(quiet_config(), tmp_path).start()
    wait_for(lambda: any(p.stat().st_size > 0 for p in folder.glob(".*.part")) or list(folder.glob("*.mp4")),
             "the film to be begun")
    corvette.kill()
    made = list(folder.glob("*.mp4"))
    assert made or len(cached(tmp_path, "yard")) == count
    with Corvette(quiet_config(), tmp_path) as corvette:
        (film,) = wait_for(lambda: films(corvette, "yard", hour), "the film")
        assert len(film_frames(tmp_path / "media" / film["src"].lstrip("/"))[0]) == count
        assert (film["start"], film["end"]) == (times[0], times[-1])
        wait_for(lambda: not cached(tmp_path, "yard"), "the pictures to go")
        assert [p.name for p in folder.iterdir()] == [pathlib.Path(film["src"]).name]


def test_a_clean_stop_loses_nothing(tmp_path):
    config = base_config({"yard": file_camera(video(), 640, 360)})
    with Corvette(config, tmp_path) as corvette:
        wait_for(lambda: len(listed(corvette, "yard")) >= 2, "preview pictures")
    before = cached(tmp_path, "yard")
    with Corvette(config, tmp_path) as corvette:
        wait_for(lambda: len(listed(corvette, "yard", 600)) > len(before), "more of them")
        assert set(before) <= set(listed(corvette, "yard", 600))


def test_a_film_without_a_row_gets_one(tmp_path):
    """The database is lost, and the pictures of the film are there again: no second film is made of them."""
    hour = past_hour()
    lay_frames(tmp_path / "cache/preview_frames", "yard", hour, 10)
    with Corvette(quiet_config(), tmp_path) as corvette:
        (film,) = wait_for(lambda: films(corvette, "yard", hour), "the film")
    path = tmp_path / "media" / film["src"].lstrip("/")
    made = path.stat().st_mtime_ns
    for database in tmp_path.glob("corvette.db*"):
        database.unlink()
    times = lay_frames(tmp_path / "cache/preview_frames", "yard", hour, 10)
    (tmp_path / f"cache/preview_frames/preview_yard-{times[0]}.webp").unlink()
    with Corvette(quiet_config(), tmp_path) as corvette:
        assert wait_for(lambda: films(corvette, "yard", hour), "its row") == [film]
        wait_for(lambda: not cached(tmp_path, "yard"), "the pictures to go")
        assert films(corvette, "yard", hour) == [film]
    assert path.stat().st_mtime_ns == made and len(list(path.parent.iterdir())) == 1


def test_films_join(tmp_path):
    """An hour's film ends with the next hour's first picture; one after a pause does not. Damaged pictures
    are left out, an hour of nothing else disappears."""
    hour, cache = past_hour(4), tmp_path / "cache/preview_frames"
    times = lay_frames(cache, "yard", hour + 3590, 12, 2.0) # 5 before the hour, 7 after
    late = lay_frames(cache, "yard", hour + 2 * HOUR + 200, 3)
    bad = lay_frames(cache, "gate", hour, 4)
    (cache / f"preview_yard-{times[2]}.webp").write_bytes(b"")
    for moment in bad:
        (cache / f"preview_gate-{moment}.webp").write_bytes(b"RIFF")
    with Corvette(quiet_config(), tmp_path) as corvette:
        found = wait_for(lambda: (answer := corvette.get(
            f"/api/preview/yard/start/{hour}/end/{hour + 3 * HOUR}")).status_code == 200 and
            len(answer.json()) == 3 and answer.json(), "three films")
        assert [(f["start"], f["end"]) for f in found] == [
            (times[0], times[5]), (times[5], times[11]), (late[0], late[2])]
        counts = [len(film_frames(tmp_path / "media" / f["src"].lstrip("/"))[0]) for f in found]
        assert counts == [5, 7, 3]
        wait_for(lambda: not list(cache.iterdir()), "the pictures to go")
        assert corvette.get(f"/api/preview/gate/start/{hour}/end/{hour + HOUR}").status_code == 404


def test_lost_previews_are_made_of_recordings(tmp_path):
    """Recordings moved to an hour that has no preview; then its film is deleted."""
    clip = scene("power", "--seed", 5, "--duration", 8, "--size", "320x180", "--fps", 10, "--loopable",
                 "--stamp")[0]
    config = base_config({"yard": recorded_camera(clip, 320, 180)})
    with Corvette(config, tmp_path) as corvette:
        wait_for(lambda: corvette.segments("yard"), "a recording", 120)
    pattern = shutil.copy(next(tmp_path.glob("media/recordings/*/*/yard/*.mp4")), tmp_path / "pattern.mp4")
    shutil.rmtree(tmp_path / "media/recordings")
    hour = past_hour(3)
    with sqlite3.connect(tmp_path / "corvette.db") as database:
        database.execute("DELETE FROM recordings")
        for i in range(6):
            start = hour + 600 + i * 2
            relative = time.strftime("recordings/%Y-%m-%d/%H/yard/%M.%S.mp4", time.gmtime(start))
            file = tmp_path / "media" / relative
            file.parent.mkdir(parents=True, exist_ok=True)
            subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", pattern, "-c", "copy", file], check=True)
            database.execute("INSERT INTO recordings VALUES (?,?,?,?,?,?,?,?,?,?,?)",
                             (f"{start}.0-abcdef", "yard", f"/media/frigate/{relative}", start, start + 2, 2.0,
                              1, 5, 0.1, 0, 3))
    with Corvette(config, tmp_path) as corvette:
        (film,) = wait_for(lambda: films(corvette, "yard", hour), "a preview made of recordings")
        assert (film["start"], film["end"]) == (hour + 600, hour + 612)
        path = tmp_path / "media" / film["src"].lstrip("/")
        times, pictures = film_frames(path)
        assert len(times) >= 6 and pictures.shape[1:3] == (180, 320)
        assert distance(pictures[0], first_picture(pattern)) < 8
    path.unlink()
    # A span is shown all the same, before the film is back.
    with Corvette(config, tmp_path) as corvette:
        answer = corvette.get(f"/api/yard/start/{hour + 600}/end/{hour + 612}/preview.gif")
        assert answer.status_code == 200 and Image.open(io.BytesIO(answer.content)).size == SIZE
        damaged = path.parent / f"{hour + 600}.5-{hour + 611}.5.mp4" # all there is, and worth nothing
        damaged.write_bytes(b"no film" * 100)
        with sqlite3.connect(tmp_path / "corvette.db", timeout=30) as database:
            database.execute("INSERT INTO previews VALUES ('x', 'yard', ?, ?, ?, 11)",
                             (f"/media/frigate/clips/previews/yard/{damaged.name}", hour + 600.5, hour + 611.5))
        answer = corvette.get(f"/api/yard/start/{hour + 601}/end/{hour + 611}/preview.gif")
        assert answer.status_code == 200
        with sqlite3.connect(tmp_path / "corvette.db", timeout=30) as database:
            database.execute("DELETE FROM previews WHERE id = 'x'")
        wait_for(path.exists, "the film again")
        wait_for(lambda: films(corvette, "yard", hour) == [film], "one row of it")


def first_picture(path):
    raw = subprocess.run(["ffmpeg", "-v", "error", "-i", path, "-frames:v", "1", "-f", "rawvideo", "-pix_fmt",
                          "rgb24", "-"], capture_output=True, check=True).stdout
    return numpy.frombuffer(raw, numpy.uint8).reshape(180, 320, 3)
