"""The golden corpus (golden/README.md): what the reference implementation answered to a thousand
requests over one database, replayed."""
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

from corvette import PROGRAM, Corvette

GOLDEN = pathlib.Path(__file__).parent / "golden"
FILES = {"main": "requests.tsv", "open": "requests-open.tsv", "clock": "requests-clock.tsv"}
FAKETIME = next(iter(sorted(pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))), None)


def replay(tmp_path, name, *options, env=None):
    data = tmp_path / "data"
    data.mkdir()
    database = data / "frigate.db"
    shutil.copy(GOLDEN / "frigate.db", database)
    database.chmod(0o644)
    config = (GOLDEN / "config.yml").read_text().replace("path: frigate.db", f"path: {database}")
    with Corvette(config, data, env=env) as corvette:
        result = subprocess.run(
            [sys.executable, GOLDEN / "compare.py", corvette.url, GOLDEN, "--set", name, "--bytes",
             "--no-crash", "--db", database, *options], capture_output=True, text=True)
    print(result.stdout[-20000:], result.stderr[-5000:])
    passed, failed = map(int, re.search(r"(\d+) passed, (\d+) failed", result.stdout).groups())
    expected = len((GOLDEN / FILES[name]).read_text().splitlines()) - 1
    assert (passed, failed, result.returncode) == (expected, 0, 0)


def test_main(tmp_path):
    replay(tmp_path, "main")


def test_rows_that_appear_while_running(tmp_path):
    replay(tmp_path, "open")


@pytest.mark.skipif(FAKETIME is None, reason="needs faketime")
@pytest.mark.skipif(PROGRAM.exists() and b"__asan_init" in PROGRAM.read_bytes(),
                    reason="faketime and AddressSanitizer both want to be first")
def test_answers_that_depend_on_the_clock(tmp_path):
    replay(tmp_path, "clock",
           env={"LD_PRELOAD": str(FAKETIME), "FAKETIME": "@2024-11-05 12:34:56", "TZ": "UTC",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1"})
