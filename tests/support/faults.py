"""A failing disk and a moving clock for a program under test (faults.c, put under it by LD_PRELOAD),
and the disk as a power cut would leave it, made from the journal of what was written and synced."""
import ctypes
import errno
import mmap
import os
import pathlib
import random
import struct

from corvette import BUILD

LIBRARY = BUILD / "tests/support/libfaults.so"

OPS = {"create": 1, "write": 2, "truncate": 3, "sync": 4, "rename": 5, "unlink": 6, "mkdir": 7}
NAMES = {number: name for name, number in OPS.items()}


class _Control(ctypes.Structure):
    _fields_ = [("clock_offset_us", ctypes.c_int64), ("fail_ops", ctypes.c_uint32),
                ("fail_errno", ctypes.c_int32), ("pass_first", ctypes.c_int32),
                ("fail_count", ctypes.c_int32), ("failed", ctypes.c_uint32),
                ("below", ctypes.c_char * 232)]


class Faults:
    """`env` goes to the program; the methods act on it while it runs."""

    def __init__(self, folder, journal=False):
        folder = pathlib.Path(folder)
        path = folder / "faults.control"
        path.write_bytes(bytes(ctypes.sizeof(_Control)))
        self._file = open(path, "r+b")
        self._map = mmap.mmap(self._file.fileno(), ctypes.sizeof(_Control))
        self._control = _Control.from_buffer(self._map)
        self.journal = folder / "faults.journal"
        self.env = {"LD_PRELOAD": str(LIBRARY), "FAULTS_CONTROL": str(path)}
        if journal:
            self.env["FAULTS_JOURNAL"] = str(self.journal)

    def fail(self, ops, error, below="/recordings/", after=0, count=-1):
        """Calls of these kinds fail from now on (after `after` good ones, `count` times)."""
        self._control.fail_ops = 0
        self._control.below = below.encode()
        self._control.fail_errno = getattr(errno, error)
        self._control.pass_first = after
        self._control.fail_count = count
        self._control.fail_ops = sum(1 << OPS[op] for op in ops)

    def heal(self):
        self._control.fail_ops = 0

    @property
    def failed(self):
        return self._control.failed

    def set_clock(self, offset_s):
        self._control.clock_offset_us = int(offset_s * 1e6)


# ---- power cuts ----

_HEAD = struct.Struct("<IIqQQQII")


def read_journal(path):
    """Records (op, monotonic seconds, file, offset, path, target, data) in order."""
    data = pathlib.Path(path).read_bytes()
    at, found = 0, []
    while at + _HEAD.size <= len(data):
        magic, op, mono_us, file, offset, length, path_length, target_length = _HEAD.unpack_from(data, at)
        assert magic == 0x4A524E4C
        at += _HEAD.size
        name = data[at:at + path_length].decode()
        at += path_length
        target = data[at:at + target_length].decode()
        at += target_length
        content = b""
        if NAMES[op] == "write":
            content = data[at:at + length]
            at += length
        found.append((NAMES[op], mono_us / 1e6, file, offset, name, target, content))
    return found


class _File:
    def __init__(self):
        self.now, self.synced = bytearray(), b""
        self.unsynced = []  # (offset, bytes) since the last sync; None, length: a truncation


def _apply(content, change):
    offset, data = change
    if offset is None:
        del content[data:]
        return
    content.extend(bytes(max(0, offset - len(content))))
    content[offset:offset + len(data)] = data


class Disk:
    """What a file system promises and nothing more: a file has the bytes of its last sync, a name is
    where it was when its folder was synced. With `luck` (0..1), each later change may have reached
    the disk or not."""

    def __init__(self):
        self.files = {}         # inode -> _File
        self.names = {}         # path -> inode, as the program sees it
        self.synced_names = {}  # path -> inode, on disk
        self.changed = []       # (folder, path, inode or None) since its folder's sync

    def take(self, record):
        op, _, inode, offset, path, target, data = record
        if op == "create":
            if self.names.get(path) != inode:
                self.files[inode] = _File()
                self._name(path, inode)
        elif op in ("write", "truncate"):
            file = self.files.setdefault(inode, _File())
            change = (offset, data) if op == "write" else (None, offset)
            _apply(file.now, change)
            file.unsynced.append(change)
        elif op == "sync":
            if inode in self.files:
                file = self.files[inode]
                file.synced, file.unsynced = bytes(file.now), []
            else:  # a folder
                for folder, name, what in self.changed:
                    if folder == path:
                        self._commit(name, what)
                self.changed = [c for c in self.changed if c[0] != path]
        elif op == "rename":
            inode = self.names.get(path)
            self._name(path, None)
            self._name(target, inode)
        elif op == "unlink":
            self._name(path, None)

    def _name(self, path, inode):
        if inode is None:
            self.names.pop(path, None)
        else:
            self.names[path] = inode
        self.changed.append((str(pathlib.Path(path).parent), path, inode))

    def _commit(self, path, inode):
        if inode is None:
            self.synced_names.pop(path, None)
        else:
            self.synced_names[path] = inode

    def after_power_cut(self, luck=0, seed=0):
        """{path: bytes} of what is left."""
        dice = random.Random(seed)
        names = dict(self.synced_names)
        for _, path, inode in self.changed:
            if dice.random() < luck:
                if inode is None:
                    names.pop(path, None)
                else:
                    names[path] = inode
        left = {}
        for path, inode in names.items():
            content = bytearray(self.files[inode].synced)
            for change in self.files[inode].unsynced:
                if dice.random() < luck:
                    _apply(content, change)
            left[path] = bytes(content)
        return left


def write_tree(files, old_root, new_root):
    """Puts the files of a Disk below another folder."""
    for path, content in files.items():
        target = pathlib.Path(new_root) / os.path.relpath(path, old_root)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
