#!/usr/bin/env python3
# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Time a tracked image beside MediaPipe's and 3DDFA_V2's, in turns on the same images.

    taskset -c 0 .venv/bin/python scripts/compare_speed.py --mediapipe mp/bin/python
        [--task face_landmarker.task] --tddfa 3DDFA_V2 [--tddfa-python PYTHON]

Neither is a dependency: each runs in a process of its own, with a Python that has it.

mediapipe: `pip install mediapipe`; with --task (Google's model bundle) its Face Landmarker with
blendshapes, without the Face Mesh solution of releases up to 0.10.21: 478 points, no blendshapes.
3DDFA_V2: a checkout with its weights, built as its README says, and onnxruntime: its TDDFA_ONNX
class on a given box, so without its detector, with the 68 landmarks and with the dense vertices.

Ours: pose, landmarks and tracking alone; with eyes; with eyes and expressions. Search for new
faces is not in it, nor in the others while they follow a face. Milliseconds are medians; processor
time counts all threads of a process. Pinned to one core (taskset) nobody gains by threads.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

SIZE, CROP = (640, 480), (110, 0, 230)
IMAGES, ROUND = 24, 12
RATE_HZ = 30.0
ALL = 'ours, with eyes and expressions'
Look = Callable[[np.ndarray], object]


def main() -> int:
    """Print the table, or be one of the processes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--mediapipe', metavar='PYTHON', help='a Python that has it')
    parser.add_argument('--task', type=Path, help='face_landmarker.task')
    parser.add_argument('--tddfa', type=Path, metavar='FOLDER', help='a checkout of 3DDFA_V2')
    parser.add_argument('--tddfa-python', default=sys.executable, metavar='PYTHON')
    parser.add_argument('--rounds', type=int, default=10, help='of 12 images each')
    parser.add_argument('--be', nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.be:
        return serve(options.be[0], options.be[1], options)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'images.npy'
        np.save(path, images())
        return compare(path, options)


def images() -> np.ndarray:
    """Return a head that moves a little, (IMAGES, H, W, 3) uint8 BGR."""
    import cv2

    from face_recon_ros.io.image_files import read_image
    from face_recon_ros.paths import share_directory

    portrait = read_image(share_directory() / 'samples' / 'astronaut.png')
    x, y, side = CROP
    head = cv2.resize(portrait[y : y + side, x : x + side], (360, 360))
    stream = np.full((IMAGES, SIZE[1], SIZE[0], 3), 128, np.uint8)
    for index, image in enumerate(stream):
        turn = 2 * np.pi * index / IMAGES
        left, top = 140 + round(12 * np.cos(turn)), 60 + round(8 * np.sin(turn))
        image[top : top + 360, left : left + 360] = head
    return stream


def peers(options: argparse.Namespace) -> dict[str, list[str]]:
    """Return who is compared: names, and commands but for the images."""
    here = [sys.executable, __file__, '--be']
    found = {
        'ours: pose, 68 landmarks': [*here, 'pose'],
        'ours, with eyes': [*here, 'eyes'],
        ALL: [*here, 'expressions'],
        'ours, dense vertices too': [*here, 'dense'],
    }
    if options.mediapipe:
        name = 'Face Landmarker, blendshapes' if options.task else 'Face Mesh, 478 points'
        found[f'MediaPipe {name}'] = [options.mediapipe, __file__, '--be', 'mediapipe']
    if options.tddfa:
        there = [options.tddfa_python, __file__, '--be']
        found['3DDFA_V2, 68 landmarks'] = [*there, '3ddfa']
        found['3DDFA_V2, dense vertices'] = [*there, '3ddfa_dense']
    return found


def compare(path: Path, options: argparse.Namespace) -> int:
    """Let all take turns; print what an image took each."""
    more = [str(path)]
    for name in ('task', 'tddfa'):
        if getattr(options, name):
            more += [f'--{name}', str(getattr(options, name).resolve())]
    pipe = subprocess.PIPE
    running = {
        name: subprocess.Popen([*command, *more], stdin=pipe, stdout=pipe, text=True)
        for name, command in peers(options).items()
    }
    try:
        times = {name: asked(name, process, 1)[:0] for name, process in running.items()}
        for _ in range(options.rounds):
            for name, process in running.items():
                times[name] += asked(name, process, ROUND)
    finally:
        for process in running.values():
            process.kill()
            process.communicate()
    print(f'{"median ms an image of 640x480, one face":42}   wall  processor   x ours with all')
    unit = np.median([t[1] for t in times[ALL]])
    for name, taken in times.items():
        wall, processor = np.median(taken, axis=0)
        print(f'{name:42}{wall:7.2f}{processor:11.2f}{processor / unit:18.2f}')
    return 0


def asked(name: str, process: subprocess.Popen[str], count: int) -> list[list[float]]:
    """Return wall and processor ms of each of some images that a process is asked to look at."""
    assert process.stdin is not None
    assert process.stdout is not None
    with contextlib.suppress(BrokenPipeError):  # it has ended: nothing to read either
        process.stdin.write(f'{count}\n')
        process.stdin.flush()
    for line in process.stdout:
        if line.startswith('{"times"'):
            return json.loads(line)['times']
    raise SystemExit(f'compare_speed: {name}: it ended; its message is above')


def serve(kind: str, path: str, options: argparse.Namespace) -> int:
    """Look at as many images as each line of standard input says; say how long each took."""
    stream = np.load(path)
    look = LOOKS[kind](options)
    for image in stream:  # warm, and past the search for the face
        look(image)
    index = 0
    for line in sys.stdin:
        times = []
        for _ in range(int(line)):
            image = stream[index % len(stream)]
            index += 1
            wall, processor = time.perf_counter(), time.process_time()
            look(image)
            ended = time.process_time()
            times.append([1e3 * (time.perf_counter() - wall), 1e3 * (ended - processor)])
        print(json.dumps({'times': times}), flush=True)
    return 0


def ours(eyes: bool = False, expressions: bool = False, dense: bool = False) -> Look:
    """Return our way of looking at an image."""
    from face_recon_ros.pipeline import Pipeline, PipelineConfig

    pipeline = Pipeline(
        PipelineConfig(use_eyes='always' if eyes else 'never', expressions=expressions)
    )
    stamps = iter(np.arange(10**6) / RATE_HZ)
    found: list[object] = []

    def look(image: np.ndarray) -> object:
        faces = pipeline.track_without_search(image, next(stamps))
        if not found or not faces:
            pipeline.search(image)
        found[:] = faces
        return [pipeline.model.dense_px(f.parameters) for f in faces] if dense else faces

    return look


def mediapipe(options: argparse.Namespace) -> Look:
    """Return MediaPipe's, following one face."""
    import mediapipe as mp

    if options.task is None:
        mesh = mp.solutions.face_mesh.FaceMesh(max_num_faces=1, refine_landmarks=True)

        def look(image: np.ndarray) -> object:
            found = mesh.process(image[:, :, ::-1].copy()).multi_face_landmarks
            return found or exit_without_face()

        return look
    tasks = mp.tasks
    landmarker = tasks.vision.FaceLandmarker.create_from_options(
        tasks.vision.FaceLandmarkerOptions(
            base_options=tasks.BaseOptions(model_asset_path=str(options.task)),
            running_mode=tasks.vision.RunningMode.VIDEO,
            output_face_blendshapes=True,
        )
    )
    stamps_ms = iter(range(0, 10**9, 33))

    def look_at_all(image: np.ndarray) -> object:
        given = mp.Image(image_format=mp.ImageFormat.SRGB, data=image[:, :, ::-1].copy())
        found = landmarker.detect_for_video(given, next(stamps_ms)).face_blendshapes
        return found or exit_without_face()

    return look_at_all


def exit_without_face() -> object:
    """End a process that times the search for a face instead of the face."""
    raise SystemExit('compare_speed: no face found')


def tddfa(options: argparse.Namespace, dense: bool) -> Look:
    """Return 3DDFA_V2's on a box that stays; a detector would come on top."""
    sys.path.insert(0, str(options.tddfa))
    import yaml
    from TDDFA_ONNX import TDDFA_ONNX

    config = yaml.safe_load((options.tddfa / 'configs' / 'mb1_120x120.yml').read_text())
    for name in ('checkpoint_fp', 'bfm_fp'):
        config[name] = str(options.tddfa / config[name])
    network = TDDFA_ONNX(**config)
    box = [230.0, 130.0, 410.0, 350.0]

    def look(image: np.ndarray) -> object:
        parameters, boxes = network(image, [box])
        return network.recon_vers(parameters, boxes, dense_flag=dense)

    return look


LOOKS: dict[str, Callable[[argparse.Namespace], Look]] = {
    'pose': lambda _: ours(),
    'eyes': lambda _: ours(eyes=True),
    'expressions': lambda _: ours(eyes=True, expressions=True),
    'dense': lambda _: ours(dense=True),
    'mediapipe': mediapipe,
    '3ddfa': lambda options: tddfa(options, dense=False),
    '3ddfa_dense': lambda options: tddfa(options, dense=True),
}

if __name__ == '__main__':
    sys.exit(main())
