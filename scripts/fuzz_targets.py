# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What is fuzzed: how a case becomes input of the package, and with what cases to begin."""

from __future__ import annotations

import csv
import functools
import io
import json
import os
import signal
import struct
import subprocess
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import cv2
import numpy as np

from face_recon_ros.camera import DISTORTION_COUNTS, Camera
from face_recon_ros.errors import CalibrationError, FaceReconError, ImageError, ModelFileError
from face_recon_ros.face_model.model import FaceModel
from face_recon_ros.face_model.parameters import FaceParameters
from face_recon_ros.io import encodings
from face_recon_ros.io.bags import BagVideo
from face_recon_ros.io.image_files import read_image
from face_recon_ros.io.records import COLUMNS, csv_writer
from face_recon_ros.paths import model_file, share_directory
from face_recon_ros.rendering.renderer import Renderer
from face_recon_ros.tflite import Network


@dataclass(frozen=True, slots=True)
class Target:
    """
    A kind of input.

    run: raises anything only if the package is at fault; gets a folder to write to. seeds: good
    cases, to be damaged. cost: how much longer than others a case takes.
    """

    name: str
    run: Callable[[bytes, Path], None]
    seeds: Callable[[], list[bytes]]
    cost: int = 1


def one_line(error: FaceReconError) -> None:
    """:raises AssertionError: an error's text is not one line."""
    text = str(error)
    assert text and '\n' not in text, f'not one line: {text!r}'  # noqa: PT018


# --- images --------------------------------------------------------------------------


def picture() -> np.ndarray:
    """Return a small picture that compresses neither well nor badly."""
    image = read_image(share_directory() / 'samples' / 'astronaut.png')
    return cv2.resize(image, (48, 40), interpolation=cv2.INTER_AREA)


def image_seeds() -> list[bytes]:
    """Return pictures as files of all formats."""
    image = picture()
    kinds = ['.png', '.jpg', '.bmp', '.webp', '.tiff', '.ppm']
    seeds = [cv2.imencode(kind, image)[1].tobytes() for kind in kinds]
    seeds.append(cv2.imencode('.pgm', image[..., 0])[1].tobytes())
    progressive = [cv2.IMWRITE_JPEG_PROGRESSIVE, 1, cv2.IMWRITE_JPEG_RST_INTERVAL, 2]
    seeds.append(cv2.imencode('.jpg', image, progressive)[1].tobytes())
    seeds.append(cv2.imencode('.png', image.astype(np.uint16) * 257)[1].tobytes())
    return seeds


def run_image(data: bytes, folder: Path) -> None:
    """Read a file."""
    path = folder / 'picture.jpg'
    path.write_bytes(data)
    try:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter('always')
            image = read_image(path)
    except ImageError as error:
        one_line(error)
        return
    finally:
        assert not said, f'said beside it: {said[0].message}'
    check_picture(image)


def check_picture(image: np.ndarray) -> None:
    """:raises AssertionError: an image is not as promised."""
    assert image.dtype == np.uint8
    assert image.ndim == 3
    assert image.shape[2] == 3
    assert image.size


# --- messages ------------------------------------------------------------------------

NAMES = [*encodings.LAYOUTS, '', 'rgb101010', 'BGR8']
HEADER = struct.Struct('<BBIII')


def message_seeds() -> list[bytes]:
    """Return raw images of every encoding, and compressed ones."""
    seeds = []
    for index, layout in enumerate(encodings.LAYOUTS.values()):
        step = 12 * layout.channels * layout.sample_bytes + 4
        data = bytes(8 * layout.rows_per_two // 2 * step)
        seeds.append(HEADER.pack(index, 0, 12, 8, step) + data)
    compressed = [HEADER.pack(0, 255, 0, 0, 0) + data for data in image_seeds()]
    return seeds + compressed


def run_message(data: bytes, folder: Path) -> None:
    """Convert a raw message; or, by its second byte, a compressed one."""
    kind, flags, width, height, step = HEADER.unpack(data[: HEADER.size].ljust(HEADER.size, b'\0'))
    rest = data[HEADER.size :]
    try:
        if flags == 255:
            image = encodings.compressed_to_bgr(SimpleNamespace(data=rest, format='x'), '/image')
        else:
            message = SimpleNamespace(
                width=width, height=height, step=step, encoding=NAMES[kind % len(NAMES)],
                is_bigendian=flags & 1, data=rest)
            image = encodings.to_bgr(message, '/image')
            assert image.shape[:2] == (height, width)
    except ImageError as error:
        one_line(error)
        return
    check_picture(image)


# --- calibrations --------------------------------------------------------------------


def calibration_seeds() -> list[bytes]:
    """Return calibrations as JSON."""
    k = [600.0, 0, 320, 0, 600, 240, 0, 0, 1]
    seeds = []
    for model, counts in DISTORTION_COUNTS.items():
        for count in counts:
            d = [0.1 / (i + 1) for i in range(count)]
            seeds.append(json.dumps([640, 480, k, d, model, [1, 1], [0, 0]]).encode())
    return seeds


def run_calibration(data: bytes, folder: Path) -> None:
    """Make a camera, and rays of pixels all over its image."""
    try:
        width, height, k, d, model, binning, roi = json.loads(data)
        k, d = np.array(k, float), np.array(d, float)
        width, height = int(width), int(height)
        binning, roi = tuple(map(int, binning)), tuple(map(int, roi))
    except (ValueError, TypeError, OverflowError, RecursionError):
        return  # not what a CameraInfo can hold
    fits = 0 < width < 1 << 16 and 0 < height < 1 << 16 and len(binning) == len(roi) == 2
    if not fits or not isinstance(model, str):
        return
    with np.errstate(all='ignore'):
        try:
            camera = Camera.from_calibration(width, height, k, d, model, binning, roi)
        except CalibrationError as error:
            one_line(error)
            return
        rays = camera.rays(np.array([[0.0, 0.0], [width - 1, height - 1], [width / 2, 0.0]]))
    assert rays.shape == (3, 3)


# --- model files ---------------------------------------------------------------------


DAMAGE = struct.Struct('<BBIq')
CHANGES: tuple[Callable[[np.ndarray], np.ndarray], ...] = (
    lambda a: a.astype(np.float64) if a.dtype.kind in 'iufb' else np.atleast_1d(a)[:0],
    lambda a: a.astype(np.int32) if a.dtype.kind in 'iub' else a[None],
    lambda a: a.astype(str),
    lambda a: a[:0] if a.ndim else a[None],
    lambda a: a[: len(a) // 2] if a.ndim else a[None],
    lambda a: a[..., None],
    lambda a: np.zeros_like(a),
    lambda a: np.full(a.shape, np.nan) if a.dtype.kind == 'f' else np.ones_like(a),
    lambda a: a[::-1] if a.ndim else a,
    lambda a: a.T,
)


@functools.cache
def model_arrays() -> dict[str, np.ndarray]:
    """Return the arrays of the shipped face model, with the vertices alone that are named."""
    with np.load(model_file('face_model.npz')) as file:
        arrays = {name: file[name] for name in file.files}
    of_vertices = ('landmarks_68_vertices', 'landmarks_468_vertices', 'lip_upper', 'lip_lower')
    eyes = arrays['eye_mask'].nonzero()[0][::50]
    needed = np.unique(np.concatenate([eyes, *(arrays[name].ravel() for name in of_vertices)]))
    kept = np.union1d(needed, arrays['mirror'][needed])
    number = np.full(len(arrays['mean']), -1)
    number[kept] = np.arange(len(kept))
    triangles = number[arrays['triangles']]
    arrays['triangles'] = triangles[(triangles >= 0).all(axis=1)].astype(np.int32)
    for name in of_vertices:
        arrays[name] = number[arrays[name]].astype(np.int32)
    arrays['mirror'] = number[arrays['mirror'][kept]].astype(np.int32)
    for name in ('mean', 'eye_mask', 'uv', 'colors'):
        arrays[name] = arrays[name][kept]
    for name in ('shape_basis', 'expression_basis'):
        arrays[name] = np.ascontiguousarray(arrays[name][:, kept])
    return arrays


def model_seeds() -> list[bytes]:
    """Return damages of the face model: of every array, every change, or a wild value."""
    count, last = len(model_arrays()), len(CHANGES)
    changes = [DAMAGE.pack(a, c, 0, 0) for a in range(count) for c in range(last)]
    wild = [DAMAGE.pack(a, last, 7, v) for a in range(count) for v in (-1, 1 << 30, 99999)]
    return changes + wild


@functools.lru_cache(maxsize=1024)
def model_with(name: str, change: int, place: int, value: int) -> bytes:
    """Return a face model's file of which one array is as no model has it."""
    arrays = dict(model_arrays())
    array = arrays[name].copy()
    if change < len(CHANGES):
        array = CHANGES[change](array)
    elif array.size and array.dtype.kind in 'iufb':
        with np.errstate(all='ignore'):
            array.flat[place % array.size] = np.array(value).astype(array.dtype)
    packed = io.BytesIO()
    np.savez(packed, **{**arrays, name: array})
    return packed.getvalue()


def damaged_model(data: bytes) -> bytes:
    """Return a face model's file with one array as no model has it, and bytes overwritten."""
    which, change, place, value = DAMAGE.unpack(data[: DAMAGE.size].ljust(DAMAGE.size, b'\0'))
    names = sorted(model_arrays())
    change %= len(CHANGES) + 1
    is_wild = change == len(CHANGES)
    file = bytearray(model_with(
        names[which % len(names)], change, place if is_wild else 0, value if is_wild else 0))
    patches = data[DAMAGE.size :]
    for at in range(0, len(patches) - 4, 5):
        file[int.from_bytes(patches[at : at + 4], 'little') % len(file)] = patches[at + 4]
    return bytes(file)


def run_face_model(data: bytes, folder: Path) -> None:
    """Load a damaged face model and use it."""
    path = folder / 'model.npz'
    path.write_bytes(damaged_model(data))
    try:
        model = FaceModel(path)
    except ModelFileError as error:
        one_line(error)
        return
    mean = FaceParameters(np.eye(3, 4), np.zeros(40), np.zeros(10))
    vertices = model.dense_px(mean)
    Renderer(model.triangles).render(vertices, np.zeros((8, 8, 3), np.uint8), colors=model.colors)
    assert np.isfinite(vertices).all()
    assert np.isfinite(model.interpupillary_distance_m)
    assert np.isfinite(model.landmarks_68.points(mean)).all()


def network_seeds() -> list[bytes]:
    """Return a shipped network, the smallest."""
    return [Path(model_file('face_detection_short_range.tflite')).read_bytes()]


def in_a_fork(
    arguments: list[str], *, timeout: float, **_: object
) -> subprocess.CompletedProcess[bytes]:
    """Run the Python code of a command in a fork: as subprocess.run, but 20 times as fast."""
    child = os.fork()
    if child == 0:
        signal.alarm(int(timeout))
        try:
            sys.argv = ['-c', *arguments[3:]]
            exec(arguments[2], {})
        except BaseException:
            os._exit(1)
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status == -signal.SIGALRM:
        raise subprocess.TimeoutExpired(arguments, timeout)
    return subprocess.CompletedProcess(arguments, status)


def run_network(data: bytes, folder: Path) -> None:
    """Load a network, and run it in a process of its own, as the package does before."""
    path = folder / 'network.tflite'
    path.write_bytes(data)
    try:
        with mock.patch('subprocess.run', in_a_fork):
            Network(path)
    except ModelFileError as error:
        one_line(error)


# --- bags ----------------------------------------------------------------------------


def bag_seeds() -> list[bytes]:
    """Return an MCAP and an SQLite bag with three images and a calibration."""
    from fuzz_bags import small_bags

    return small_bags(picture())


def run_bag(data: bytes, folder: Path) -> None:
    """Read all images of a bag's file."""
    path = folder / ('bag.db3' if data.startswith(b'SQLite') else 'bag.mcap')
    path.write_bytes(data)
    try:
        with BagVideo.open(path) as bag:
            for image in bag:
                check_picture(image.pixels)
            assert all('\n' not in line for line in bag.broken)
    except ImageError as error:
        one_line(error)


# --- CSV -----------------------------------------------------------------------------


def run_csv(data: bytes, folder: Path) -> None:
    """Write a row with a name as a file system may have it, and read it again."""
    name = data.replace(b'\0', b'').replace(b'/', b'').decode(errors='surrogateescape')
    path = folder / 'faces.csv'
    with csv_writer(path) as writer:
        writer.writerow([name, *('1' for _ in COLUMNS[1:])])
    with path.open(newline='', errors='surrogateescape') as file:
        header, row = csv.reader(file)
    assert tuple(header) == COLUMNS
    assert row[0] == name


def name_seeds() -> list[bytes]:
    """Return names of files."""
    names = ['a.png', 'a,b.png', '"quoted".jpg', 'line\nbreak.png', ' ', 'Größe 漢字.png', "'=1+1",
             'a\rb', '\t']
    return [name.encode() for name in names] + [b'\xff\xfe.png']


TARGETS = {
    t.name: t
    for t in (
        Target('images', run_image, image_seeds),
        Target('encodings', run_message, message_seeds),
        Target('calibrations', run_calibration, calibration_seeds),
        Target('face_models', run_face_model, model_seeds, cost=5),
        Target('networks', run_network, network_seeds, cost=10),
        Target('bags', run_bag, bag_seeds),
        Target('csv', run_csv, name_seeds),
    )
}
