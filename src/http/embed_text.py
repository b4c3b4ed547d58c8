#!/usr/bin/env python3
"""Packs a text file into a C file: embed_text.py OUT.c NAME FILE

The text becomes NAME_text[], NUL-terminated, and NAME_length."""
import sys

out, name, path = sys.argv[1:]
with open(path, 'rb') as file:
    data = file.read()
lines = [','.join(str(byte) for byte in data[i:i + 32]) for i in range(0, len(data), 32)]
with open(out, 'w') as file:
    file.write('#include "http/openapi.h"\n\nconst char %s_text[] = {\n%s,0};\n' % (name, ',\n'.join(lines)))
    file.write('const size_t %s_length = %d;\n' % (name, len(data)))
