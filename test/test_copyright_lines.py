# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Each source file begins with the copyright and the licence."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = ROOT / 'scripts' / 'copyright_lines.py'
# What ament_copyright takes for a copyright line
AMENT = re.compile(r'^.?\s*copyright\s+(\d{4}(-\d{4})?(,\s*)?)+\s+(?P<holder>.+)$', re.IGNORECASE)


@pytest.fixture
def tree(tmp_path):
    """Return a repository of its own that holds nothing but the script."""
    (tmp_path / 'scripts').mkdir()
    (tmp_path / 'scripts' / SCRIPT.name).write_text(SCRIPT.read_text())
    return tmp_path


def run(tree, *arguments):
    script = tree / 'scripts' / SCRIPT.name
    return subprocess.run(
        [sys.executable, str(script), *arguments], capture_output=True, text=True, check=False
    )


def test_each_source_file_of_the_repository_has_them():
    done = run(ROOT)
    assert (done.returncode, done.stdout) == (0, ''), done.stderr


@pytest.mark.parametrize(
    'name', ['face_recon_ros/camera.py', 'src_cpp/renderer.hpp', 'CMakeLists.txt', 'Makefile']
)
def test_they_name_the_holder_and_the_licence(name):
    first, second = (ROOT / name).read_text().splitlines()[:2]
    comment = '// ' if name.endswith('.hpp') else '# '
    assert AMENT.match(first.removeprefix(comment))['holder'] == 'face_recon_ros contributors'
    assert second == comment + 'SPDX-License-Identifier: Apache-2.0'


@pytest.mark.parametrize(
    ('name', 'before', 'after'),
    [
        ('a.py', 'x = 1\n', '# {}\n# {}\n\nx = 1\n'),
        ('a.hpp', '#pragma once\n', '// {}\n// {}\n\n#pragma once\n'),
        ('run.sh', '#!/bin/sh\ntrue\n', '#!/bin/sh\n# {}\n# {}\n\ntrue\n'),
        ('Dockerfile', '# syntax=a\nFROM b\n', '# syntax=a\n# {}\n# {}\n\nFROM b\n'),
        ('.ci/run', '#!/bin/sh\n\ntrue\n', '#!/bin/sh\n# {}\n# {}\n\ntrue\n'),
    ],
)
def test_a_file_without_them_is_named_and_they_are_added(tree, name, before, after):
    path = tree / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(before)
    done = run(tree)
    assert (done.returncode, done.stdout) == (1, f'{name}\n')
    assert done.stderr == '1 files without copyright lines: scripts/copyright_lines.py --add\n'
    assert path.read_text() == before
    assert run(tree, '--add').returncode == 0
    expected = after.format(
        'Copyright 2026 face_recon_ros contributors', 'SPDX-License-Identifier: Apache-2.0'
    )
    assert path.read_text() == expected
    assert run(tree).returncode == 0


def test_what_needs_none_is_left_alone(tree):
    for folder, file in (('.venv', ''), ('environment', 'pyvenv.cfg'), ('build', '')):
        (tree / folder).mkdir()
        (tree / folder / 'a.py').write_text('x = 1\n')
        if file:
            (tree / folder / file).write_text('')
    (tree / 'empty.py').write_text('')
    (tree / 'Face.msg').write_text('string id\n')
    done = run(tree, '--add')
    assert (done.returncode, done.stdout, done.stderr) == (0, '', '')


def test_later_years_are_as_good_and_other_holders_are_not(tree):
    lines = '# Copyright {} {}\n# SPDX-License-Identifier: Apache-2.0\n\nx = 1\n'
    ours = 'face_recon_ros contributors'
    (tree / 'a.py').write_text(lines.format('2026-2028', ours))
    (tree / 'b.py').write_text(lines.format('2027', ours))
    assert run(tree).returncode == 0
    (tree / 'c.py').write_text(lines.format('2026', 'Somebody Else'))
    done = run(tree)
    assert done.stdout == 'c.py\n'
