"""Rules the source keeps: which folder may use which, what is not called, how files are shaped."""
import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src"

# A folder may include headers of itself and of folders before it; see docs/architecture.md.
USES = {
    "base": [],
    "config": ["base"],
    "ring": ["base"],
    "ipc": ["base", "config", "ring"],
    "vision": ["base"],
    "track": ["base", "config", "vision"],
    "media": ["base"],
    "render": ["base", "media"],
    "store": ["base"],
    "footage": ["base", "config", "media", "render", "store"],
    "link": ["base", "config"],
    "capture": ["base", "config", "ring", "ipc", "media", "vision"],
    "analyse": ["base", "config", "ring", "ipc", "vision", "track"],
    "onnx": ["base"],
    "detector": ["base", "config", "ring", "ipc", "vision", "onnx"],
    "sound": ["base", "config", "ring", "ipc", "onnx"],
    "server": ["base", "config", "ring", "ipc", "vision", "media", "store", "footage", "link"],
    "http": ["base", "config", "ring", "ipc", "vision", "media", "render", "store", "footage",
             "link", "server"],
    "supervisor": ["base", "config", "ring", "ipc"],
}

# Call -> what to use instead. A line may keep one with a comment `allowed: why`.
BANNED = {
    r"\b(sprintf|vsprintf|strcpy|gets|strtok)\(": "snprintf, struct str",
    r"\b(atoi|atof|atol)\(": "str_to_int, str_to_double",
    r"\b(usleep|sleep)\(": "a timer, a condition or an eventfd",
    r"\bsystem\(|\bpopen\(": "a library",
    r"\bmktemp\(|\btmpnam\(": "mkostemp",
}


def sources(suffixes=(".c", ".h")):
    return sorted(p for p in SOURCE.rglob("*") if p.suffix in suffixes)


@pytest.mark.parametrize("folder", sorted(p.name for p in SOURCE.iterdir() if p.is_dir()))
def test_arrows_go_one_way(folder):
    allowed = {folder, *USES[folder]}
    wrong = []
    for path in sorted((SOURCE / folder).glob("*.[ch]")):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            found = re.match(r'#include "([a-z]+)/', line)
            if found and found[1] not in allowed:
                wrong.append(f"{path.relative_to(ROOT)}:{number}: {line}")
    assert not wrong, "\n".join(wrong)


def test_only_the_store_speaks_sqlite():
    users = {p.parent.name for p in sources() if "sqlite3.h" in p.read_text()}
    assert users <= {"store"}


def test_no_discouraged_calls():
    wrong = []
    for path in sources():
        for number, line in enumerate(path.read_text().splitlines(), 1):
            code = re.sub(r'"(\\.|[^"\\])*"', '""', line)
            for pattern, instead in BANNED.items():
                if re.search(pattern, code) and "allowed:" not in line:
                    wrong.append(f"{path.relative_to(ROOT)}:{number}: use {instead}: {line.strip()}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("header", [str(p.relative_to(SOURCE)) for p in sources((".h",))])
def test_headers_stand_alone(header, tmp_path):
    """Each header compiles by itself and is guarded by its own name."""
    path = SOURCE / header
    guard = "CORVETTE_" + re.sub(r"[/.]", "_", header).upper()
    assert f"#ifndef {guard}\n#define {guard}\n" in path.read_text()
    database = ROOT / "build/compile_commands.json"
    flags = ["-Wno-unused-function"]
    if database.exists():
        flags += sorted(set(re.findall(r"-(?:I|isystem)/[^ \"]*", database.read_text())))
    result = subprocess.run(["cc", "-std=gnu17", "-D_GNU_SOURCE", "-Wall", "-Werror", *flags,
                             "-I", SOURCE, "-fsyntax-only", "-x", "c", path],
                            capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def test_text_files_are_tidy():
    listing = ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z", "--cached", "--others",
               "--exclude-standard"]
    files = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True,
                           check=True).stdout.split("\0")
    wrong = []
    for name in filter(None, files):
        path = ROOT / name
        if path.suffix not in {".c", ".h", ".py", ".md", ".js", ".css", ".html", ".yml", ".build"}:
            continue
        text = path.read_text()
        if "\t" in text and path.suffix in {".c", ".h", ".py"}:
            wrong.append(f"{name}: tab")
        if text and not text.endswith("\n"):
            wrong.append(f"{name}: no newline at the end")
        if re.search(r"[ \t]$", text, re.M) and path.suffix in {".c", ".h", ".py", ".js", ".css"}:
            wrong.append(f"{name}: blank at the end of a line")
    assert not wrong, "\n".join(wrong)
