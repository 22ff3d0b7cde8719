# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Write the parameter file and the tables of docs/ros.md anew, from the settings of the nodes.

    python scripts/write_parameters.py            write both
    python scripts/write_parameters.py --check    say which differs, write nothing
"""

from __future__ import annotations

import argparse
import sys
import textwrap
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from face_recon_ros.errors import FaceReconError
from face_recon_ros.nodes.declarations import DECLARATIONS, Declaration
from face_recon_ros.settings import Change
from face_recon_ros.tools.sample_camera_node import DECLARATIONS as SAMPLE_CAMERA

ROOT = Path(__file__).resolve().parents[1]
YAML = 'config/face_recon.yaml'
DOCUMENT = 'docs/ros.md'
BEGIN, END = '<!-- made by make parameters -->', '<!-- end of what is made -->'
WIDTH = 100
NO_BREAK = '\N{NO-BREAK SPACE}'
WHEN = {
    Change.ANY_TIME: '',
    Change.UNCONFIGURED: 'unconfigured',
    Change.START: 'start',
}

HEAD = """\
# Every parameter of the face_recon node with its default. Made by `make parameters`.
#
#   ros2 launch face_recon_ros face_recon.launch.py params_file:=<a copy of this file>
#   ros2 param load /face_recon <a copy of this file>
#   ros2 param describe /face_recon <name>
#
# '/**' stands for every node that is given this file, in any namespace. In a file that other nodes
# are given, too, write the node's full name there: /face_recon, /front/face_recon.
#
# "start": can only be set at the start. "configure": at the start, or while the node is
# unconfigured. All others can be set at any time and take effect with the next image. A change
# that cannot be made is refused with the reason.

/**:
  ros__parameters:
"""
QOS = """\

    # --- quality of service, by the topic's full name as it is after remapping (start)
    # Images are subscribed to as sensor data (best effort, depth 1: the newest image wins) and
    # results published reliable. Where the camera's process has Fast DDS's default shared-memory
    # segment, best effort loses images: use its profile there (docs/ros.md), or reliable here:
    # qos_overrides:
    #   /image:
    #     subscription:
    #       reliability: reliable

# The sample camera: all can only be set at the start
/**/sample_camera:
  ros__parameters:
"""


class OutdatedError(FaceReconError):
    """What is written differs from what the settings say."""


def parameter_file() -> str:
    """Return the text of config/face_recon.yaml."""
    sections = (
        '\n'.join([f'    # --- {section}', *(_entry(d) for d in declarations)])
        for section, declarations in groupby(DECLARATIONS, key=lambda d: d.section)
    )
    camera = '\n'.join(_entry(d, with_change=False) for d in SAMPLE_CAMERA)
    return HEAD + '\n\n'.join(sections) + '\n' + QOS + camera + '\n'


def _entry(declaration: Declaration, with_change: bool = True) -> str:
    meaning = declaration.meaning
    words = [meaning.description]
    if meaning.limits:
        words.append(f'[{meaning.limits}]'.replace(' ', NO_BREAK))
    if with_change and meaning.change is not Change.ANY_TIME:
        words.append(f'({meaning.change.value})')
    comment = textwrap.fill(
        ' '.join(words), WIDTH, initial_indent='    # ', subsequent_indent='    # '
    )
    value = _value(declaration.default)
    return f'{comment.replace(NO_BREAK, " ")}\n    {declaration.name}: {value}'


def _value(value: bool | float | str) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else repr(value)


def tables() -> str:
    """Return the tables of the parameters and of their former names, in Markdown."""
    lines = ['| parameter | default | values | meaning | can be set |', '|---|---|---|---|---|']
    for d in DECLARATIONS:
        meaning = d.meaning
        cells = (
            f'`{d.name}`',
            f'`{_value(d.default)}`',
            meaning.limits,
            meaning.description,
            WHEN[meaning.change],
        )
        lines.append(_row(cells))
    lines += ['', '| former name | name |', '|---|---|']
    lines += [
        _row((f'`{d.meaning.former_parameter}`', f'`{d.name}`'))
        for d in DECLARATIONS
        if d.meaning.former_parameter
    ]
    return '\n'.join(lines) + '\n'


def _row(cells: Sequence[str]) -> str:
    escaped = (cell.replace('<', '&lt;').replace('|', '\\|') for cell in cells)
    return f'| {" | ".join(escaped)} |'


def document(text: str) -> str:
    """
    Return docs/ros.md with the tables of today.

    :raises OutdatedError: the marks between which they stand are not there.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise OutdatedError(f'{DOCUMENT}: write {BEGIN} and {END} where the tables shall be')
    return f'{before}{BEGIN}\n{tables()}{END}{after}'


def outdated(root: Path) -> Iterator[tuple[Path, str]]:
    """Yield the files that are not as the settings say, with what they shall hold."""
    for name, make in ((YAML, lambda _: parameter_file()), (DOCUMENT, document)):
        path = root / name
        text = path.read_text() if path.exists() else ''
        if text != (wanted := make(text)):
            yield path, wanted


def main(arguments: Sequence[str] | None = None) -> int:
    """Write, or check; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument('--check', action='store_true', help='write nothing')
    parser.add_argument('--root', type=Path, default=ROOT, help='of the repository')
    options = parser.parse_args(arguments)
    try:
        found = list(outdated(options.root))
    except FaceReconError as error:
        sys.stderr.write(f'error: {error}\n')
        return 1
    for path, text in found:
        if options.check:
            sys.stderr.write(f'{path} is not as the settings say: make parameters\n')
        else:
            path.write_text(text)
    return 1 if found and options.check else 0


if __name__ == '__main__':
    sys.exit(main())
