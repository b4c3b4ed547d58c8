"""Answers may be given again only while they are right: whoever changed the rows."""
import contextlib
import gzip
import http.client
import json
import threading

import pytest

from conftest import CONFIG, System
from corvette import wait_for
from rawhttp import RawClient

LISTS = ["/api/events?include_thumbnails=0", "/api/events/summary", "/api/labels", "/api/review?after=0&before=2e9",
         "/api/timeline", "/api/back/recordings?after=1699990000&before=1700010000",
         "/api/back/recordings/summary", "/api/review/activity/motion?after=1699990000&before=1700010000"]


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    with System(CONFIG, tmp_path_factory.mktemp("answers")) as system:
        yield system


def counters(system):
    return system.stats()["corvette"]["server"]["worker"]["counters"]


def test_what_did_not_change_is_given_again(own):
    for path in LISTS:
        first = own.get(path)
        for _ in range(5):
            second = own.get(path)
            assert first.status_code == 200 and second.content == first.content
            assert {k: v for k, v in second.headers.items() if k != "Date"} == {
                k: v for k, v in first.headers.items() if k != "Date"}
    # Statistics are taken every few seconds. Some may be made anew, for time goes on.
    wait_for(lambda: counters(own)["answers_again"] >= 4 * len(LISTS), "answers that are given again")


def add_everything(system, number):
    system.add_event(f"170000000{number}.5-answer", label=f"thing{number}", start=1700000000 + number)
    system.run_sql("INSERT INTO reviewsegment VALUES (?, 'back', ?, ?, 0, 'alert', '/x', '{}')",
                   f"170000000{number}.5-review", 1700000000 + number, 1700000030 + number)
    system.run_sql("INSERT INTO timeline VALUES (?, 'back', 'tracked_object', ?, 'visible', '{}')",
                   1700000000 + number, f"170000000{number}.5-answer")
    system.run_sql("INSERT INTO recordings VALUES (?, 'back', ?, ?, ?, 10, 1, ?, 1.5, 0, 1)",
                   f"170000000{number}.5-record", f"/media/frigate/recordings/{number}.mp4",
                   1700000000 + 20 * number, 1700000010 + 20 * number, 5 + number)


@pytest.mark.parametrize("path", LISTS)
def test_rows_of_another_program_show_at_once(own, path):
    for number in range(LISTS.index(path) * 10, LISTS.index(path) * 10 + 3):
        before = own.get(path).text
        add_everything(own, number)
        assert own.get(path).text != before


def test_our_own_changes_show_at_once(own):
    own.add_event("1700000900.5-mine00")
    path = "/api/events?favorites=1&include_thumbnails=0"
    for _ in range(10):
        assert own.request("POST", "/api/events/1700000900.5-mine00/retain").status_code == 200
        assert [e["id"] for e in own.json(path)] == ["1700000900.5-mine00"]
        assert own.request("DELETE", "/api/events/1700000900.5-mine00/retain").status_code == 200
        assert own.json(path) == []


def test_both_forms_are_right(own):
    for number in range(90, 92):
        add_everything(own, number)
        plain = own.get(LISTS[0], headers={"Accept-Encoding": "identity"})
        packed = own.request("GET", LISTS[0], headers={"Accept-Encoding": "gzip"}, stream=True)
        assert packed.headers["Content-Encoding"] == "gzip" and "Content-Encoding" not in plain.headers
        assert gzip.decompress(packed.raw.read(decode_content=False)) == plain.content


def test_errors_are_not_kept(own):
    assert own.get("/api/events/1700009999.5-nobody").status_code == 404
    own.add_event("1700009999.5-nobody")
    assert own.get("/api/events/1700009999.5-nobody").status_code == 200
    assert own.request("DELETE", "/api/events/1700009999.5-nobody").status_code == 200
    assert own.get("/api/events/1700009999.5-nobody").status_code == 404


def test_a_page_of_another_site_gets_nothing_that_was_kept(own):
    assert own.get("/api/labels").status_code == 200
    assert own.get("/api/labels", headers={"Origin": "http://elsewhere"}).status_code == 401


def test_head_has_no_body(own):
    length = own.get("/api/labels", headers={"Accept-Encoding": "identity"}).headers["Content-Length"]
    for _ in range(2):
        connection = http.client.HTTPConnection(own.url.removeprefix("http://"))
        connection.request("HEAD", "/api/labels")
        answer = connection.getresponse()
        assert answer.status == 200 and answer.getheader("Content-Length") == length
        assert answer.read() == b""


def test_many_at_once_while_rows_change(own):
    """Each sees at least what was there when it asked."""
    own.run_sql("DELETE FROM timeline")
    written, wrong, stop = [0], [], threading.Event()

    def ask():
        while not stop.is_set():
            least = written[0]
            got = len(own.json("/api/timeline?limit=100000"))
            if got < least:
                wrong.append((least, got))

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for number in range(60):
        own.run_sql("INSERT INTO timeline VALUES (?, 'back', 'api', NULL, 'visible', ?)", number,
                    json.dumps({"n": number}))
        written[0] += 1
    stop.set()
    for thread in threads:
        thread.join()
    assert not wrong


def test_many_at_once_that_wait(own):
    """What is made on another thread comes back to its connection's, on which nobody waits for it."""
    statuses = []
    threads = [threading.Thread(target=lambda: statuses.append(
        own.get("/api/back/recordings/1.5/snapshot.png").status_code)) for _ in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [404] * 24


def test_memory_stays_bounded(own):
    """Many different answers push each other out."""
    before = counters(own)["requests"]
    for number in range(1500):
        own.get(f"/api/labels?nth={number}")
    wait_for(lambda: counters(own)["requests"] >= before + 1500, "statistics")
    assert 0 < counters(own)["answers_kept"] <= 1024
    with contextlib.closing(RawClient(own.url)) as client:
        for number in range(700):  # of long addresses fewer
            client.request("GET", f"/api/labels?nth={number}&x=" + 60000 * "y")
    wait_for(lambda: counters(own)["requests"] >= before + 2200, "statistics")
    assert counters(own)["answers_bytes"] <= 32 << 20 and counters(own)["answers_kept"] < 600
