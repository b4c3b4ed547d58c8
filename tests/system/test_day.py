"""A day of ten busy cameras, opened, worked on and closed: Frigate would find its own schema in it."""
import subprocess
import time

from corvette import ROOT, Corvette, base_config, wait_for
from schema import assert_frigates, opened

MAKE = ROOT / "bench/make_db.py"


def test_a_day_leaves_frigates_schema(tmp_path):
    path = tmp_path / "corvette.db"
    subprocess.run(["/usr/bin/python3", MAKE, path, "--end", str(int(time.time())), "--days", "1",
                    "--events", "3000", "--reviews", "1500"], check=True, capture_output=True)
    with opened(path) as database:
        count = lambda table: database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        events, recordings = count("event"), count("recordings")
    cameras = {f"cam{i:02}": {"ffmpeg": {"inputs": [{"path": "rtsp://127.0.0.1:1/x", "roles": ["record"]}]},
                              "detect": {"enabled": False, "width": 320, "height": 180}} for i in range(1, 11)}
    keep = {"enabled": True, "retain": {"days": 10000}, "events": {"retain": {"default": 10000}}}
    with Corvette(base_config(cameras, record=keep), tmp_path) as corvette:
        def summed():
            days = [d for name in cameras for d in corvette.json(f"/api/{name}/recordings/summary")]
            return sum(h["duration"] for d in days for h in d["hours"])
        wait_for(lambda: abs(summed() - recordings * 10) < 0.01 * recordings * 10, "the sums")
        gone, kept, named = corvette.json("/api/events?limit=3&include_thumbnails=0")
        assert corvette.request("DELETE", f"/api/events/{gone['id']}").ok
        assert corvette.request("POST", f"/api/events/{kept['id']}/retain").ok
        assert corvette.request("POST", f"/api/events/{named['id']}/sub_label", json={"subLabel": "Ada"}).ok
        assert corvette.request("POST", "/api/events/cam01/bell/create", json={"duration": 1}).ok
        item = corvette.json("/api/review?limit=1&reviewed=1")[0]
        assert corvette.request("POST", "/api/reviews/viewed", json={"ids": [item["id"]]}).ok
        wait_for(lambda: sum(r["count"] for r in corvette.json("/api/events/summary")) == events,
                 "the summary, with one gone and one made")
    assert_frigates(path)
    with opened(path) as database:
        assert database.execute("SELECT count(*) FROM recordings").fetchone() == (recordings,)
