#!/usr/bin/env python3
# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Name the source files that do not begin with the copyright and licence lines.

    scripts/copyright_lines.py [--add]

--add: write them there. The lines go below what has to be first: an interpreter (#!), the syntax
of a Dockerfile. Empty files and message definitions need none.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LINES = (
    'Copyright 2026 face_recon_ros contributors',
    'SPDX-License-Identifier: Apache-2.0',
)
# A later year, or several, are as good
YEARS = re.compile(r'^(Copyright) [0-9]{4}([,-] ?[0-9]{4})* ')
COMMENTS = {
    **dict.fromkeys(('.py', '.pyi', '.sh', '.cmake', '.in'), '# '),
    **dict.fromkeys(('.cpp', '.hpp'), '// '),
}
NAMED = ('CMakeLists.txt', 'Dockerfile', 'Makefile', '.ci/run')
MADE = ('build', 'install', 'log')
FIRST = re.compile(r'#!|# syntax=')


def source_files(root: Path) -> Iterator[Path]:
    """Yield the source files below a folder; not those of virtual environments and builds."""
    for path in sorted(root.iterdir()):
        if path.is_dir():
            hidden = path.name.startswith('.') and path.name != '.ci'
            if not (hidden or path.name in MADE or (path / 'pyvenv.cfg').exists()):
                yield from source_files(path)
        elif comment_of(path) and path.stat().st_size:
            yield path


def comment_of(path: Path) -> str:
    """Return what begins a comment in a file, '' for one that needs no copyright line."""
    named = any(path.parts[-len(Path(name).parts) :] == Path(name).parts for name in NAMED)
    return '# ' if named else COMMENTS.get(path.suffix, '')


def place_in(lines: list[str]) -> int:
    """Return the index of the line that has to be the first of the copyright lines."""
    return int(bool(lines) and FIRST.match(lines[0]) is not None)


def has_copyright(path: Path) -> bool:
    """Tell whether a file begins with the copyright lines."""
    lines = path.read_text().splitlines()
    first, comment = place_in(lines), comment_of(path)
    found = [YEARS.sub(r'\1 ', line.removeprefix(comment)) for line in lines[first : first + 2]]
    return found == [YEARS.sub(r'\1 ', line) for line in LINES]


def add_copyright(path: Path) -> None:
    """Write the copyright lines into a file, with a blank line after them."""
    lines = path.read_text().splitlines(keepends=True)
    first = place_in([line.rstrip('\n') for line in lines])
    header = [f'{comment_of(path)}{line}\n' for line in LINES]
    rest = lines[first:]
    if rest and rest[0].strip():
        header.append('\n')
    path.write_text(''.join([*lines[:first], *header, *rest]))


def main() -> None:
    """Name the files without copyright lines, or add them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--add', action='store_true', help='write the lines')
    add = parser.parse_args().add
    missing = [path for path in source_files(ROOT) if not has_copyright(path)]
    for path in missing:
        print(path.relative_to(ROOT))
        if add:
            add_copyright(path)
    if missing and not add:
        sys.exit(f'{len(missing)} files without copyright lines: scripts/copyright_lines.py --add')


if __name__ == '__main__':
    main()
