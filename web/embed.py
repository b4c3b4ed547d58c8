#!/usr/bin/env python3
"""Packs the files of the web page into a C file: embed.py OUT.c FILE...

Each file becomes a row of page_files (src/http/page_files.h), plain and compressed. The same files
always give the same output.
"""
import gzip
import hashlib
import os
import sys

TYPES = {
    '.html': 'text/html; charset=utf-8',
    '.css': 'text/css; charset=utf-8',
    '.js': 'text/javascript; charset=utf-8',
    '.svg': 'image/svg+xml',
    '.json': 'application/json',
}


def array(name, data):
    lines = [','.join(str(b) for b in data[i:i + 32]) for i in range(0, len(data), 32)]
    return 'static const unsigned char %s[] = {\n%s};\n' % (name, ',\n'.join(lines))


def main(out, files):
    text = ['#include "http/page_files.h"\n']
    rows = []
    for i, path in enumerate(sorted(files, key=os.path.basename)):
        with open(path, 'rb') as f:
            plain = f.read()
        packed = gzip.compress(plain, 9, mtime=0)
        name = os.path.basename(path)
        text.append(array('plain_%d' % i, plain))
        text.append(array('packed_%d' % i, packed))
        rows.append('    {"/%s", "%s", "\\"%s\\"", plain_%d, %d, packed_%d, %d},\n' % (
            name, TYPES[os.path.splitext(name)[1]], hashlib.sha256(plain).hexdigest()[:16],
            i, len(plain), i, len(packed)))
    text.append('const struct page_file page_files[] = {\n%s};\n' % ''.join(rows))
    text.append('const size_t page_file_count = %d;\n' % len(rows))
    with open(out, 'w') as f:
        f.write(''.join(text))


main(sys.argv[1], sys.argv[2:])
