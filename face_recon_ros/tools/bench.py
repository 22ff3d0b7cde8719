# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Time each stage on this machine, for `face-recon bench`."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from face_recon_ros.camera import Camera
from face_recon_ros.depth_alignment import Aligned, DepthAligner
from face_recon_ros.depth_image import DepthImage
from face_recon_ros.errors import FaceReconError
from face_recon_ros.expression.network import ExpressionNetwork
from face_recon_ros.eyes.iris import EyeNetwork
from face_recon_ros.face import Face
from face_recon_ros.faces import Faces
from face_recon_ros.head_size import HeadSize
from face_recon_ros.io.image_files import Video, read_image
from face_recon_ros.io.outputs import is_standard_output, standard_output, write_bytes
from face_recon_ros.paths import share_directory
from face_recon_ros.pipeline import Pipeline
from face_recon_ros.pipeline_config import PipelineConfig
from face_recon_ros.regression.region import Region, seen_through
from face_recon_ros.rendering.views import FaceViews
from face_recon_ros.tflite import Network
from face_recon_ros.tracking.settings import TrackingSettings

SIZES = ((640, 480), (1280, 720), (1920, 1080))
FACE_COUNTS = (1, 2, 4, 8)
THREADS = (1, 2)
# Head and shoulders of the sample portrait: left, top, side in pixels
PORTRAIT_CROP = (110, 0, 230)
# A single face is drawn this high, as part of the image's height
FACE_CELL = 0.75
STREAM_RATE_HZ = 30.0
# The depth behind the faces whose alignment is timed
WALL_M = 4.0
# Of more faces than this a stage of its own looks at so many in an image, in turn
IN_TURN = 4


@dataclass(slots=True, frozen=True)
class Measurement:
    """Milliseconds one stage takes for a whole image, over `runs` runs after warming up."""

    stage: str
    width: int
    height: int
    faces: int
    threads: int
    runs: int
    min_ms: float
    median_ms: float
    p95_ms: float


@dataclass(slots=True, frozen=True)
class Scene:
    """An image (H, W, 3) uint8 BGR with a known number of faces."""

    image: np.ndarray
    faces: int


def portrait_scene(portrait: np.ndarray, width: int, height: int, faces: int) -> Scene:
    """Return an image with `faces` copies of the portrait's head in a grid."""
    columns = int(np.ceil(np.sqrt(faces * width / height)))
    rows = -(-faces // columns)
    side = int(min(width / columns, height / rows) * (FACE_CELL if faces == 1 else 0.98))
    x, y, crop = PORTRAIT_CROP
    head = cv2.resize(portrait[y : y + crop, x : x + crop], (side, side))
    image = np.full((height, width, 3), 128, np.uint8)
    for index in range(faces):
        row, column = divmod(index, columns)
        left = int((column + 0.5) * width / columns - side / 2)
        top = int((row + 0.5) * height / rows - side / 2)
        image[top : top + side, left : left + side] = head
    return Scene(image, faces)


class Publisher(Protocol):
    """Hands results to ROS (nodes/publishing.py)."""

    def faces(self, faces: Sequence[Face], width: int, height: int) -> None: ...

    def picture(self, image: np.ndarray) -> None: ...


class Stages:
    """The stages of the pipeline on one scene, each as a call to be timed."""

    def __init__(self, scene: Scene, threads: int, publisher: Publisher | None = None) -> None:
        """:raises FaceReconError: not every face of the scene was found."""
        self._publisher = publisher
        self._image = scene.image
        # no search for new faces here: the stage `detect` measures that
        tracking = TrackingSettings(max_faces=scene.faces)
        self._pipeline = Pipeline(PipelineConfig(threads=threads, tracking=tracking))
        self._views = FaceViews(self._pipeline.model, threads)
        # eyes are a stage of their own: who listens to TF alone does not wait for them
        self._pipeline.eyes_wanted = False
        self._in_turn = self._pipeline
        if scene.faces > IN_TURN:
            turns = replace(tracking, max_regressions_per_image=IN_TURN)
            self._in_turn = Pipeline(PipelineConfig(threads=threads, tracking=turns))
            self._in_turn.eyes_wanted = False
        self._eyes = EyeNetwork(threads=threads)
        self._expressions = ExpressionNetwork(self._pipeline.model, threads)
        self._stamp_s = 0.0
        self._faces = self.track()
        if len(self._faces) != scene.faces:
            height, width = scene.image.shape[:2]
            raise FaceReconError(
                f'bench: found {len(self._faces)} of {scene.faces} faces at {width}x{height}'
            )
        self._regressor = self._pipeline.regressor
        height, width = scene.image.shape[:2]
        self._camera = Camera.uncalibrated(width, height)
        detections = self._pipeline.detector(self._image)[: scene.faces]
        self._regions = [
            seen_through(Region.from_detection(d), self._camera) for d in detections
        ]
        self._places = [self._regressor.preprocess(self._image, r) for r in self._regions]
        self._outputs = self._regressor.infer()
        self._canvas = self._image.copy()
        self._aligner = DepthAligner(self._pipeline.model)
        measured_m = self._views.depth_m((height, width), self._faces)
        self._depth = DepthImage(np.where(np.isfinite(measured_m), measured_m, WALL_M))

    def track(self) -> Faces:
        """Take the scene as the next image of a stream: all that a tracked image costs."""
        self._stamp_s += 1 / STREAM_RATE_HZ
        return self._pipeline.track(self._image, stamp_s=self._stamp_s)

    def track_in_turn(self) -> Faces:
        """Do as track() with IN_TURN of the faces, each image others."""
        self._stamp_s += 1 / STREAM_RATE_HZ
        return self._in_turn.track(self._image, stamp_s=self._stamp_s)

    def align_depth(self) -> int:
        """Align each face to its depth and take its size in; return how many were aligned."""
        aligned = 0
        for face in self._faces:
            found = self._aligner(
                face.parameters, face.pose, face.pose_covariance, face.head_scale,
                self._camera, self._depth,
            )  # fmt: skip
            if isinstance(found, Aligned):
                size = HeadSize(1.0)
                size.measure(found.apparent_scale, found.skin_ratio, found.relief)
                aligned += 1
        return aligned

    def calls(self) -> dict[str, Callable[[], object]]:
        """Return the stages in the order of the data, by name."""
        calls: dict[str, Callable[[], object]] = {
            'detect (all parts)': lambda: self._pipeline.detector(self._image),
            'detect (one part)': lambda: self._pipeline.detector.next_part(self._image),
            'preprocess': self._preprocess,
            'inference': self._infer,
            'postprocess': self._postprocess,
            'tracked image': self.track,
            'eyes': self._look_at_eyes,
            'expressions': self._read_expressions,
            'decode': self._decode,
            'render': self._render,
            'align depth': self.align_depth,
            'depth': lambda: self._views.depth_m(self._image.shape[:2], self._faces),
        }
        if self._in_turn is not self._pipeline:
            calls[f'track, {IN_TURN} in turn'] = self.track_in_turn
        if publisher := self._publisher:
            height, width = self._image.shape[:2]
            calls['publish (faces, TF)'] = lambda: publisher.faces(self._faces, width, height)
            calls['publish (image)'] = lambda: publisher.picture(self._canvas)
        return calls

    def _preprocess(self) -> None:
        for region in self._regions:
            self._regressor.preprocess(self._image, region, denoise=True)

    def _infer(self) -> None:
        for _ in self._regions:
            self._regressor.infer()

    def _postprocess(self) -> None:
        for place in self._places:
            self._regressor.postprocess(self._outputs, place)

    def _look_at_eyes(self) -> None:
        for face in self._faces:
            self._eyes(self._image, face.landmarks_px)

    def _read_expressions(self) -> None:
        for face in self._faces:
            self._expressions(self._image, face.parameters)

    def _decode(self) -> None:
        self._views.forget()
        for face in self._faces:
            self._views.dense_px(face)

    def _render(self) -> None:
        self._views.mesh(self._canvas, self._faces)


def time_call(call: Callable[[], object], runs: int, warm_up: int = 3) -> np.ndarray:
    """Return the milliseconds (runs,) of a call after warming up."""
    for _ in range(warm_up):
        call()
    times = np.empty(runs)
    for index in range(runs):
        start = time.perf_counter()
        call()
        times[index] = time.perf_counter() - start
    return times * 1e3


def measure(
    stage: str, scene: Scene, threads: int, call: Callable[[], object], runs: int
) -> Measurement:
    """Time one stage on one scene."""
    times_ms = time_call(call, runs)
    height, width = scene.image.shape[:2]
    low, middle, high = np.percentile(times_ms, [0, 50, 95]).round(3).tolist()
    return Measurement(stage, width, height, scene.faces, threads, runs, low, middle, high)


def scenes(portrait: np.ndarray) -> Iterator[tuple[Scene, int]]:
    """Yield scenes and threads, with more faces, pixels and threads."""
    width, height = SIZES[0]
    for faces in FACE_COUNTS:
        for threads in THREADS:
            yield portrait_scene(portrait, width, height, faces), threads
    for width, height in SIZES[1:]:
        yield portrait_scene(portrait, width, height, 1), 1


def run(
    runs: int,
    progress: Callable[[list], Iterable] = iter,
    network_path: Path | None = None,
    publisher: Publisher | None = None,
) -> list[Measurement]:
    """
    Measure every stage on every scene.

    :param network_path: a network to time beside them, such as scripts/stand_in_network.py's
    :param publisher: times publishing too
    :raises FaceReconError: a file cannot be used, or a face is not found.
    """
    portrait = read_image(share_directory() / 'samples' / 'astronaut.png')
    results = []
    for scene, threads in progress(list(scenes(portrait))):
        stages = Stages(scene, threads, publisher)
        results += [
            measure(name, scene, threads, call, runs) for name, call in stages.calls().items()
        ]
        # beside every scene: a machine's speed drifts while it is measured
        if network_path and (threads == 1 or scene.faces == 1):
            call = partial(_infer_anything, Network(network_path, threads))
            results.append(measure(network_path.stem, scene, threads, call, runs))
    return results


def _infer_anything(network: Network) -> None:
    network(np.zeros(network.input_shape, np.float32))


def run_video(path: Path, progress: Callable[[Video], Iterable] = iter) -> Measurement:
    """
    Time the pipeline over a video, image by image.

    :raises FaceReconError: the video cannot be read.
    """
    pipeline, times_ms, faces = Pipeline(), [], []
    for stamp_s, image in progress(Video.open(path)):
        start = time.perf_counter()
        faces.append(len(pipeline.track(image, stamp_s=stamp_s)))
        times_ms.append((time.perf_counter() - start) * 1e3)
    height, width = image.shape[:2]
    low, middle, high = np.percentile(times_ms, [0, 50, 95]).round(3).tolist()
    return Measurement(
        f'{path.name}', width, height, int(np.median(faces)), 1, len(times_ms), low, middle, high
    )


def unit_ms(
    results: Sequence[Measurement], network: str | None, scene: Measurement
) -> float | None:
    """
    Return the network's median with one thread, beside the scene if it was timed there.

    :return: None: it was not timed.
    """
    timed = [m for m in results if m.stage == network and m.threads == 1]
    here = [m for m in timed if (m.width, m.height, m.faces) == (
        scene.width, scene.height, scene.faces)]  # fmt: skip
    return next((m.median_ms for m in here + timed), None)


def table(results: Sequence[Measurement], network: str | None = None) -> str:
    """
    Return the measurements as lines of a table.

    :param network: stage whose multiples medians are told as, too
    """
    multiples = f'  x {network}' if any(m.stage == network for m in results) else ''
    head = '  image      faces threads  stage                     min   median      p95  ms'
    lines = [head + multiples]
    previous = None
    for m in results:
        unit = unit_ms(results, network, m)
        scene = (m.width, m.height, m.faces, m.threads)
        place = f'{m.width:5d}x{m.height:<5d} {m.faces:4d} {m.threads:6d}'
        lines.append(
            f'{place if scene != previous else " " * len(place)}   {m.stage:<22}'
            f'{m.min_ms:8.2f} {m.median_ms:8.2f} {m.p95_ms:8.2f}'
            + (f'{m.median_ms / unit:10.2f}' if unit else '')
        )
        previous = scene
    return '\n'.join(lines)


def write_json(path: Path, results: Sequence[Measurement], ros: Sequence[object] = ()) -> None:
    """
    Write the measurements and what they were made on; the path `-` is standard output.

    :raises OutputError: unwritable.
    """
    record = {
        'machine': platform.machine(),
        'processor': _processor(),
        'python': platform.python_version(),
        'measurements': [asdict(m) for m in results],
        'image_to_tf': list(ros),
    }
    text = f'{json.dumps(record, indent=1)}\n'
    if is_standard_output(path):
        with standard_output() as stream:
            stream.write(text)
        return
    write_bytes(path, text.encode(), '--json')


def _processor() -> str:
    try:
        lines = Path('/proc/cpuinfo').read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [line.split(':', 1)[1].strip() for line in lines if line.startswith('model name')]
    return names[0] if names else platform.processor()
