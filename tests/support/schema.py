"""Whether a database still has Frigate's schema."""
import contextlib
import sqlite3

from corvette import ROOT

GOLDEN = ROOT / "tests/conformance/golden/frigate.db"


def opened(path):
    """For reading; closed at the end of a `with`."""
    return contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True))


def tables(path):
    """What Frigate knows of a database; our tables and indexes are named corvette_."""
    with opened(path) as database:
        rows = database.execute("SELECT type, name, tbl_name, sql FROM sqlite_master WHERE "
                                "name NOT LIKE 'corvette_%' AND tbl_name NOT LIKE 'sqlite%'").fetchall()
    return {(kind, name): (table, "".join((sql or "").split())) for kind, name, table, sql in rows}


def assert_frigates(path):
    assert tables(path) == tables(GOLDEN)
    with opened(path) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert database.execute("SELECT count(*) FROM migratehistory").fetchone() == (25,)
