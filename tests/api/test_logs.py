"""The last lines of the log over HTTP."""
import os
import re
import signal

import pytest
import requests

from conftest import CONFIG, System, message
from corvette import wait_for

# As Frigate's page takes a line apart.
LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{9}  \[[\d\s:-]*\] [\w.]+ +(DEBUG|INFO|WARNING|ERROR) *: ")


def lines(system, query="", service="frigate"):
    answer = system.json(f"/api/logs/{service}{query}")
    assert set(answer) == {"lines", "totalLines"}
    return answer["lines"], answer["totalLines"]


def test_lines(system):
    wait_for(lambda: any("capture.back" in line for line in lines(system)[0]), "a line of a worker")
    found, total = lines(system)
    assert total == len(found) > 3
    assert all(LINE.match(line) for line in found)
    assert not any("s3cret" in line for line in found)


def number(text):
    try:
        return int(text)
    except ValueError:
        return None


@pytest.mark.parametrize("start", ["", "0", "2", "-2", "-100000", "100000", "abc", "-0"])
@pytest.mark.parametrize("end", ["", "0", "3", "-1", "-100000", "100000", "x"])
def test_slices_are_pythons(system, start, end):
    def same():
        whole = lines(system)[0]
        found, total = lines(system, f"?start={start}&end={end}")
        # Lines may come while we look: then once more.
        return total == len(whole) and [found, whole[number(start) or 0:number(end)]]
    found, wanted = wait_for(same, "no new line")
    assert found == wanted


def test_other_services(system):
    message(system.get("/api/logs/foo"), 404, "Not a valid service")
    message(system.get("/api/logs/frigate%2f"), 404, "Not a valid service")
    for service in ("go2rtc", "nginx"):
        assert lines(system, service=service) == ([], 0)


def test_lines_outlive_the_server_and_a_restart(tmp_path):
    with System(CONFIG, tmp_path) as system:
        def has(text):
            try:
                return any(text in line for line in lines(system)[0])
            except (OSError, requests.RequestException):
                return False
        pid = system.wait_pid("server")
        wait_for(lambda: has("starting 2 cameras"), "the first line")
        os.kill(pid, signal.SIGKILL)
        pid = system.wait_pid("server", other_than=pid)
        wait_for(lambda: has("server died: killed by signal 9"), "why it died")
        assert has("starting 2 cameras")
        first = lines(system, "?end=1")[0]
        assert system.request("POST", "/api/restart").status_code == 200
        system.wait_pid("server", other_than=pid)
        wait_for(lambda: has("supervisor               INFO    : stopped"), "the restart's end")
        assert lines(system, "?end=1")[0] == first
