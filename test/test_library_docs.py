# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The code in docs/library.md and in the README's section on the library runs as it stands."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from face_recon_ros import Face, Faces
from face_recon_ros.io.image_files import VideoWriter, read_image
from face_recon_ros.paths import share_directory

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / 'docs' / 'library.md'


def snippets(path):
    return re.findall(r'^```python\n(.*?)^```', path.read_text(), re.MULTILINE | re.DOTALL)


@pytest.fixture
def folder(portrait, tmp_path, monkeypatch):
    shutil.copy(share_directory() / 'samples' / 'astronaut.png', tmp_path / 'portrait.png')
    with VideoWriter(tmp_path / 'clip.mp4', 25.0) as writer:
        for index in range(4):
            writer.write(np.roll(portrait, index, axis=1))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_page_runs_from_top_to_bottom(folder, capsys):
    names = {}
    for number, code in enumerate(snippets(PAGE), start=1):
        exec(compile(code, f'{PAGE.name}, block {number}', 'exec'), names)
    said = capsys.readouterr().out
    assert re.search(r'^0\.00 s: face f1 at \[.*\] m$', said, re.MULTILINE)
    assert 'stamp_s is nan; give the time of the image in seconds, a finite number' in said
    # the shapes in comments are those that are printed
    for shape in ('(1, 4)', '(1, 68, 3)', '(1, 4, 4)', '(1, 3, 3)', '(1, 6, 6) (1, 62)'):
        assert f'\n{shape}\n' in said
    assert isinstance(names['sure'], Faces)
    assert isinstance(names['first'], Face)
    assert names['vertices_m'].shape == names['vertices_px'].shape == names['colors'].shape
    assert {p.name for p in folder.iterdir()} == {
        'portrait.png', 'clip.mp4', 'mesh.png', 'depth.png', 'copy.png', 'faces.csv',
    }  # fmt: skip
    assert len((folder / 'faces.csv').read_text().splitlines()) == 2
    assert np.isfinite(names['depth_m']).any()
    assert (read_image(folder / 'mesh.png') != names['image']).any()


def test_the_readme_runs(portrait):
    (code,) = snippets(ROOT / 'README.md')
    names = {'image_bgr': portrait, 'stamp_s': 0.0}
    exec(compile(code, 'README.md', 'exec'), names)
    assert names['faces'].ids.tolist() == ['f1']


def test_the_page_has_every_value_and_array():
    text = PAGE.read_text()
    public = {n for n in vars(Face) if not n.startswith('_')} - {'depth_plane'}
    assert {name for name in public if f'`{name}`' not in text} == set()
    tables = {n for n, v in vars(Faces).items() if isinstance(v, property)} - {'fit_errors'}
    assert {name for name in tables if f'faces.{name}' not in text} == set()
