"""`face-recon image|video|bench|info`: the pipeline over files and bags, without ROS."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module, metadata
from pathlib import Path
from typing import Any, TypeVar

import cv2
import numpy as np
from tqdm import tqdm

from face_recon_ros import bench, records
from face_recon_ros.bags import BagVideo, is_bag
from face_recon_ros.detection import BOTH
from face_recon_ros.errors import FaceReconError, ImageError
from face_recon_ros.exports import EXPORTS
from face_recon_ros.face_model import FaceModel
from face_recon_ros.image_files import Video, VideoWriter, image_paths, read_image, write_image
from face_recon_ros.network_regression import REGRESSORS
from face_recon_ros.overlay import angles_label
from face_recon_ros.paths import share_directory
from face_recon_ros.pipeline import (
    ADULT_INTERPUPILLARY_DISTANCE_M,
    Face,
    FaceReconPipeline,
    PipelineConfig,
)
from face_recon_ros.pose import Camera
from face_recon_ros.smoothing import SmoothingSettings
from face_recon_ros.tflite import runtime
from face_recon_ros.views import FaceViews

PICTURE_MODES = ('sparse', 'dense', 'pose', 'mesh', 'depth', 'pncc')
DEFAULT_MODE = 'sparse'
DEFAULT_OUTPUT = Path('face_recon_output')
# Flat colours and codes must survive as they are; photos need not
LOSSLESS_MODES = ('depth', 'pncc')
PROGRESS_AFTER_S = 1.0
# Seconds, pixels, camera
Frame = tuple[float, np.ndarray, Camera]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    options = _parser().parse_args(arguments)
    # the messages of this program name the file; OpenCV's and FFmpeg's would come on top of them
    os.environ.setdefault('OPENCV_FFMPEG_LOGLEVEL', '-8')
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        return options.run(options)
    except FaceReconError as error:
        _complain(str(error))
        return 1
    except BrokenPipeError:
        return 1
    except KeyboardInterrupt:
        return 130


def _complain(message: str) -> None:
    tqdm.write(f'face-recon: {message}', file=sys.stderr)


def _say(message: str) -> None:
    tqdm.write(message, file=sys.stdout)


T = TypeVar('T')


def _progress(items: Iterable[T], total: int | None, unit: str) -> Iterable[T]:
    """Show a bar on a terminal when it takes longer than a moment."""
    return tqdm(
        items, total=total, unit=unit, delay=PROGRESS_AFTER_S, leave=False, disable=None
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog='face-recon', description=__doc__)
    commands = parser.add_subparsers(required=True, metavar='COMMAND')

    image = commands.add_parser('image', help='faces in photos')
    image.add_argument('inputs', nargs='+', type=Path, metavar='FILE_OR_DIR')
    _add_common(image, f'folder for the pictures (default {DEFAULT_OUTPUT})')
    image.add_argument(
        '--export',
        nargs='+',
        choices=tuple(EXPORTS),
        default=(),
        help='also write each face as mesh, texture or depth (16-bit: tenths of a millimetre)',
    )
    image.set_defaults(run=_run_image)

    video = commands.add_parser('video', help='faces in a video or bag, with ids over time')
    video.add_argument('input', type=Path, metavar='FILE')
    video.add_argument('--topic', help='of the images in a bag (.mcap); default: the only one')
    _add_common(video, 'video to write, .mp4')
    video.add_argument('--no-smoothing', action='store_true', help='each frame as it was measured')
    video.set_defaults(run=_run_video)

    timing = commands.add_parser('bench', help='how long each stage takes on this machine')
    timing.add_argument('--video', type=Path, metavar='FILE', help='time a video instead')
    timing.add_argument('--json', type=Path, metavar='F', help='also write the figures')
    timing.add_argument('--runs', type=int, default=40, help='per figure (default %(default)s)')
    timing.add_argument('--network', type=Path, help='a .tflite file to time beside the stages')
    timing.add_argument('--no-ros', action='store_true', help='without publishing and image to TF')
    timing.set_defaults(run=_run_bench)

    info = commands.add_parser('info', help='versions, model files and where they come from')
    info.set_defaults(run=_run_info)
    return parser


def _add_common(parser: argparse.ArgumentParser, out_help: str) -> None:
    parser.add_argument('--mode', choices=PICTURE_MODES, help=f'picture (default {DEFAULT_MODE})')
    parser.add_argument('--out', type=Path, help=out_help)
    parser.add_argument('--csv', type=Path, metavar='F', help='one row per face')
    parser.add_argument(
        '--detector',
        default=BOTH,
        help='short_range, full_range, both, or a .tflite file (default %(default)s)',
    )
    parser.add_argument(
        '--regressor',
        choices=REGRESSORS,
        default=PipelineConfig().regressor,
        help='Face Mesh and a fit near the front and the network beyond, or one of them '
        '(default %(default)s)',
    )
    parser.add_argument(
        '--regressor-path', metavar='FILE', help='another .tflite file of that kind'
    )
    parser.add_argument(
        '--focal-length-px',
        type=float,
        help='of the camera; without it the image width is taken, and distances are rough',
    )
    parser.add_argument(
        '--interpupillary-distance-m',
        type=float,
        default=ADULT_INTERPUPILLARY_DISTANCE_M,
        help='of the people seen; distances are proportional to it (default %(default)s)',
    )


def _pipeline(options: argparse.Namespace, smoothing: bool) -> FaceReconPipeline:
    return FaceReconPipeline(
        PipelineConfig(
            detector=options.detector,
            regressor=options.regressor,
            regressor_path=options.regressor_path,
            interpupillary_distance_m=options.interpupillary_distance_m,
            smoothing=SmoothingSettings() if smoothing else None,
        )
    )


def _camera(options: argparse.Namespace, height: int, width: int) -> Camera:
    camera = Camera.uncalibrated(width, height)
    if options.focal_length_px is None:
        return camera
    f = options.focal_length_px
    return Camera(width, height, f, f, camera.cx, camera.cy)


def _run_image(options: argparse.Namespace) -> int:
    pipeline = _pipeline(options, smoothing=False)
    views = FaceViews(pipeline.model)
    pictures = _Pictures(options) if options.mode or options.out or options.export else None
    paths, failures = _existing(options.inputs)
    with records.csv_writer(options.csv) as rows:
        for path in _progress(paths, len(paths), 'image'):
            try:
                image = read_image(path)
                faces = pipeline.process(image, _camera(options, *image.shape[:2]))
                for face in faces:
                    rows.writerow(records.row(str(path), face))
                _report(str(path), faces)
                if pictures:
                    views.forget()
                    pictures.export(path, views, image, faces)
                    pictures.draw(path, views, image, faces)
            except FaceReconError as error:
                _complain(str(error))
                failures += 1
    return 1 if failures else 0


def _existing(inputs: Sequence[Path]) -> tuple[list[Path], int]:
    """Return the images of all inputs that have any, and how many have none."""
    paths, failures = [], 0
    for given in inputs:
        try:
            paths += image_paths([given])
        except ImageError as error:
            _complain(str(error))
            failures += 1
    return paths, failures


def _report(name: str, faces: Sequence[Face]) -> None:
    if not faces:
        _say(f'{name}: no face')
    for face in faces:
        distance_m = face.pose.translation_m[2]
        _say(
            f'{name}: {face.id + " " if face.id else ""}{angles_label(face.rotation)} degrees, '
            f'{distance_m:.2f} m, score {face.score:.2f}'
        )


class _Pictures:
    """Names and writes the pictures of one run."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._mode: str | None = options.mode or (None if options.export else DEFAULT_MODE)
        self._exports: Sequence[str] = options.export
        self._folder: Path = options.out or DEFAULT_OUTPUT
        self._used: set[str] = set()
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ImageError(
                f'{self._folder}: {error.strerror or error}; choose another --out'
            ) from error

    def draw(
        self, source: Path, views: FaceViews, image: np.ndarray, faces: Sequence[Face]
    ) -> None:
        """Write the picture of the mode asked for; draws on the image."""
        if self._mode:
            suffix = '.png' if self._mode in LOSSLESS_MODES else '.jpg'
            picture = views.draw(self._mode, image, faces)
            write_image(self._path(f'{source.stem}_{self._mode}', suffix), picture)

    def export(
        self, source: Path, views: FaceViews, image: np.ndarray, faces: Sequence[Face]
    ) -> None:
        """Write the files asked for, one of each kind per face."""
        for number, face in enumerate(faces, start=1):
            for kind in self._exports:
                ending, write = EXPORTS[kind]
                write(self._path(f'{source.stem}_face{number}', ending), views, image, face)

    def _path(self, stem: str, ending: str) -> Path:
        name, count = stem + ending, 1
        while name in self._used:  # photos of the same name from several folders
            count += 1
            name = f'{stem}_{count}{ending}'
        self._used.add(name)
        return self._folder / name


def _run_video(options: argparse.Namespace) -> int:
    if not is_bag(options.input):
        if options.topic:
            raise ImageError(f'{options.input}: no bag, so it has no topics; leave out --topic')
        video = Video.open(options.input)
        return _follow(options, video, _of_video(options, video))
    with BagVideo.open(options.input, options.topic) as bag:
        _follow(options, bag, _of_bag(options, bag))
        for line in bag.broken:
            _complain(f'{line}: left out')
        if bag.calibration_fault and options.focal_length_px is None:
            _complain(f'{options.input}: {bag.calibration_fault}')
        return 1 if bag.broken else 0


def _of_video(options: argparse.Namespace, video: Video) -> Iterator[Frame]:
    for stamp_s, image in video:
        yield stamp_s, image, _camera(options, *image.shape[:2])


def _of_bag(options: argparse.Namespace, bag: BagVideo) -> Iterator[Frame]:
    for image in bag:
        camera = image.camera if options.focal_length_px is None else None
        yield image.stamp_s, image.pixels, camera or _camera(options, *image.pixels.shape[:2])


def _follow(
    options: argparse.Namespace, source: Video | BagVideo, frames: Iterable[Frame]
) -> int:
    """Report the faces of a stream and write its pictures; return the exit status."""
    pipeline = _pipeline(options, smoothing=not options.no_smoothing)
    views = FaceViews(pipeline.model)
    writer = None
    if options.out or options.mode:
        out = options.out or Path(f'{options.input.stem}_{options.mode}.mp4')
        writer = VideoWriter(out, source.frames_per_second)
    seen: dict[str, int] = {}
    shown = _progress(frames, source.frame_count, 'frame')
    with records.csv_writer(options.csv) as rows:
        for index, (stamp_s, image, camera) in enumerate(shown):
            faces = pipeline.process(image, camera, stamp_s)
            for face in faces:
                rows.writerow(records.row(str(index), face))
                seen[face.id] = seen.get(face.id, 0) + 1
            if writer:
                views.forget()
                writer.write(views.draw(options.mode or DEFAULT_MODE, image, faces))
    if writer:
        writer.close()
    counts = ', '.join(f'face {face_id} in {count}' for face_id, count in seen.items())
    _say(f'{options.input}: {index + 1} frames; {counts or "no face"}')
    return 0


def _run_bench(options: argparse.Namespace) -> int:
    publisher = None if options.no_ros or options.video else _publisher()
    if options.video:
        results = [bench.run_video(options.video, lambda v: _progress(v, v.frame_count, 'frame'))]
    else:
        results = bench.run(
            max(options.runs, 1),
            lambda scenes: _progress(scenes, len(scenes), 'scene'),
            options.network,
            publisher,
        )
    _say(bench.table(results))
    image_to_tf = []
    if publisher:
        publisher.close()
        _say('\nimage published -> transform received, between processes:')
        image_to_tf = _image_to_tf()
    if options.json:
        bench.write_json(options.json, results, image_to_tf)
    return 0


def _publisher() -> Any:
    """Return what times publishing, or None where ROS is not installed."""
    try:
        return import_module('face_recon_ros.nodes.publishing').Publishing()
    except ImportError:
        return None


def _image_to_tf() -> list[object]:
    """Let the processes of nodes/latency.py measure and print; return their figures."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'latency.json'
        module = 'face_recon_ros.nodes.latency'
        command = [sys.executable, '-m', module, '--rate', '30', '60', '--json', str(path)]
        if subprocess.run(command, check=False).returncode:
            raise FaceReconError('bench: image to TF could not be measured; see above')
        return json.loads(path.read_text())


def _run_info(options: argparse.Namespace) -> int:
    for name, value in _information().items():
        _say(f'{name:>24}  {value}')
    return 0


def _information() -> dict[str, str]:
    information = {'face_recon_ros': _version('face_recon_ros')}
    information['python'] = f'{platform.python_version()} on {platform.machine()}'
    try:
        name = runtime().__name__.split('.')[0]
        information['tflite runtime'] = f'{name} {_version(name)}'
    except FaceReconError as error:
        information['tflite runtime'] = str(error)
    information['numpy'] = _version('numpy')
    information['opencv'] = cv2.__version__
    try:
        import_module('rclpy')
        information['rclpy'] = _version('rclpy')
    except ImportError:
        information['rclpy'] = 'not installed: command line and library only'
    models = share_directory() / 'models'
    information['models'] = str(models)
    for path in sorted([*models.glob('*.tflite'), *models.glob('*.npz')]):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        information[path.name] = f'{path.stat().st_size / 1e6:.1f} MB, sha256 {digest}'
    model = FaceModel()
    information['face model'] = f'{len(model.mean)} vertices, {len(model.triangles)} triangles'
    return information


def _version(distribution: str) -> str:
    for name in (distribution, distribution.replace('_', '-'), f'ros-kilted-{distribution}'):
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return 'version unknown'


if __name__ == '__main__':
    sys.exit(main())
