"""The commands of the program beside `run`."""
import json
import subprocess

import pytest

from corvette import PROGRAM
from scenes import scene


def call(*arguments):
    result = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=60)
    return result.returncode, result.stdout, result.stderr


def test_help_names_every_command():
    status, out, _ = call("help")
    assert status == 0
    for command in ("run", "check-config", "config-reference", "api-reference", "probe", "version"):
        assert f"corvette {command}" in out


def test_version():
    assert call("version")[:2] == (0, "0.1.0\n")


@pytest.mark.parametrize("arguments", [("fly",), ("check-config",), ("probe",), ("run", "--fast"),
                                       ("run", "extra"), ("config-reference", "--xml"), ("api-reference", "--xml")])
def test_wrong_words_are_refused(arguments):
    status, _, errors = call(*arguments)
    assert status == 2
    assert "corvette help" in errors


def test_probe_tells_codec_size_and_rate():
    video, _ = scene("short", "--seed", 3, "--duration", 20, "--loopable", "--stamp")
    status, out, _ = call("probe", video)
    assert status == 0
    assert "h264" in out and "1280x720" in out and "20" in out


def test_probe_of_nothing_says_so():
    status, _, errors = call("probe", "/nonexistent.mp4")
    assert status == 1 and "No such file" in errors


def test_the_schema_is_json_and_knows_cameras():
    status, out, _ = call("config-reference", "--json-schema")
    assert status == 0
    assert "cameras" in json.loads(out)["properties"]
