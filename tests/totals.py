"""Adds up the JUnit files of all suites and prints the closing line.

Usage: totals.py FOLDER STATUS    STATUS: 0 when every runner was content."""
import pathlib
import sys
import xml.etree.ElementTree as ElementTree


def main():
    folder, status = pathlib.Path(sys.argv[1]), int(sys.argv[2])
    total = failed = skipped = 0
    for path in sorted(folder.glob("*.xml")):
        for suite in ElementTree.parse(path).getroot().iter("testsuite"):
            total += int(suite.get("tests", 0))
            failed += int(suite.get("failures", 0)) + int(suite.get("errors", 0))
            skipped += int(suite.get("skipped", 0))
    if status != 0 and failed == 0:
        failed = 1  # a runner failed without naming a test: that is a failure all the same
    passed = total - failed - skipped
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed or passed == 0 else 0


sys.exit(main())
