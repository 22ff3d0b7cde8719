# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""`face-recon video`: faces in a video or bag, with ids over time."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import numpy as np

from face_recon_ros.camera import Camera
from face_recon_ros.cli import options as common
from face_recon_ros.cli.terminal import complain, note, progress, say
from face_recon_ros.depth_image import DepthImage
from face_recon_ros.depth_report import DepthReport, together
from face_recon_ros.errors import ImageError, OutputError
from face_recon_ros.io import records
from face_recon_ros.io.bags import BagVideo, is_bag
from face_recon_ros.io.outputs import (
    Identity,
    check_apart,
    check_output,
    fitting_name,
    identity,
    is_own,
    is_standard_output,
)
from face_recon_ros.io.video_files import Video
from face_recon_ros.io.video_writing import VIDEO_SUFFIXES, VideoWriter, check_video_name
from face_recon_ros.rendering.gltf import clip_writer
from face_recon_ros.rendering.views import FaceViews


def add_command(commands: argparse._SubParsersAction) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser('video', help='faces in a video or bag, with ids over time')
    parser.add_argument('input', type=common.named_path, metavar='FILE')
    parser.add_argument('--topic', help='of the images in a bag (.mcap); default: the only one')
    parser.add_argument(
        '--depth-topic',
        help='of depth images in a bag, registered to those of --topic; default: none are used',
    )
    common.add_common(parser, f'video to write: {" ".join(VIDEO_SUFFIXES)}')
    parser.add_argument(
        '--no-smoothing', action='store_true', help='each frame as it was measured'
    )
    parser.add_argument(
        '--gltf',
        type=common.named_path,
        metavar='FILE.glb',
        help='also write the faces as glTF: the mesh with morph targets, and its motion',
    )
    parser.set_defaults(run=_run)


@dataclass(frozen=True, slots=True)
class _Frame:
    """One image of a recording: its number and time there, pixels, camera."""

    number: int
    stamp_s: float
    pixels: np.ndarray
    camera: Camera
    depth: DepthImage | None = None


def _run(options: argparse.Namespace) -> int:
    cameras = common.Cameras(options)
    if not is_bag(options.input):
        for option in ('topic', 'depth_topic'):
            if getattr(options, option):
                name = option.replace('_', '-')
                raise ImageError(
                    f'{options.input}: no bag, so it has no topics; leave out --{name}'
                )
        video = Video.open(options.input)
        _follow(options, video, _of_video(options, cameras, video))
        for line in video.faults:
            complain(line)
        return 1 if video.faults else 0
    with BagVideo.open(options.input, options.topic, options.depth_topic) as bag:
        _follow(options, bag, _of_bag(options, cameras, bag))
        for line in bag.broken:
            complain(f'{line}: left out')
        for line in bag.depth.faults() if bag.depth else ():
            complain(f'{options.input}: {line}')
        if bag.calibration_fault and not cameras.given:
            complain(f'{options.input}: {bag.calibration_fault}')
        return 1 if bag.broken or (bag.depth and bag.depth.broken) else 0


def _camera(options: argparse.Namespace, cameras: common.Cameras, image: np.ndarray) -> Camera:
    try:
        return cameras(*image.shape[:2])
    except ImageError as error:
        raise ImageError(f'{options.input}: {error}') from error


def _of_video(
    options: argparse.Namespace, cameras: common.Cameras, video: Video
) -> Iterator[_Frame]:
    for frame in video.frames():
        camera = _camera(options, cameras, frame.pixels)
        yield _Frame(frame.number, frame.stamp_s, frame.pixels, camera)


def _of_bag(
    options: argparse.Namespace, cameras: common.Cameras, bag: BagVideo
) -> Iterator[_Frame]:
    for image in bag:
        camera = None if cameras.given else image.camera
        camera = camera or _camera(options, cameras, image.pixels)
        yield _Frame(image.number, image.stamp_s, image.pixels, camera, image.depth)


def _outputs(options: argparse.Namespace) -> Path | None:
    """Return the video to write. :raises OutputError: an output is an input."""
    inputs = common.input_files(options, [options.input])
    out: Path | None = options.out
    if out:
        check_output(out, '--out', inputs)
        check_video_name(out)
    elif options.mode:
        out = _default_output(f'{options.input.stem}_{options.mode}', inputs)
    table = None if is_standard_output(options.csv) else options.csv
    if table:
        check_output(table, '--csv', inputs)
    if options.gltf:
        check_output(options.gltf, '--gltf', inputs)
        if options.gltf.suffix.lower() != '.glb':
            raise OutputError(f'{options.gltf}: --gltf writes .glb; give such a name')
    check_apart([(out, '--out'), (table, '--csv'), (options.gltf, '--gltf')])
    return out


def _default_output(stem: str, inputs: set[Identity]) -> Path:
    """Return an unused name in the working folder, or that of an earlier run's video."""
    for number in count(1):
        path = Path(fitting_name(stem, '.mp4' if number == 1 else f'_{number}.mp4'))
        there = identity(path)
        if there is None or (there not in inputs and is_own(path)):
            break
    if number > 1:
        complain(f'{stem}.mp4 is not of this program and stays; see {path}')
    return path


def _follow(
    options: argparse.Namespace, source: Video | BagVideo, frames: Iterable[_Frame]
) -> None:
    """Report the faces of a stream and write its pictures."""
    out = _outputs(options)
    pipeline = common.make_pipeline(options, smoothing=not options.no_smoothing)
    views = FaceViews(pipeline.model)
    seen: dict[str, int] = {}
    reports: list[DepthReport] = []
    total = 0
    with (
        clip_writer(options.gltf, pipeline.model) as clip,
        records.csv_writer(options.csv) as rows,
        VideoWriter(out, source.frames_per_second) if out else nullcontext() as writer,
    ):
        for frame in progress(frames, source.frame_count, 'frame'):
            faces = pipeline.track(
                frame.pixels, frame.stamp_s, frame.camera, depth=frame.depth
            )
            clip.see(frame.stamp_s)
            if frame.depth is not None:
                reports.append(pipeline.depth_report())
            for face in faces:
                rows.writerow(records.row(str(frame.number), face, frame.stamp_s))
                seen[face.id] = seen.get(face.id, 0) + 1
                if options.gltf:
                    clip[face.id].add(frame.stamp_s, face)
            if writer:
                views.forget()
                picture = views.draw(options.mode or common.DEFAULT_MODE, frame.pixels, faces)
                writer.write(picture, frame.stamp_s)
            total += 1
    counts = ', '.join(f'face {face_id} in {number}' for face_id, number in seen.items())
    report = note if is_standard_output(options.csv) else say
    depth = together(reports)
    measured = f'; {depth.used} of {depth.faces} by depth' if depth.faces else ''
    report(f'{options.input}: {total} frames; {counts or "no face"}{measured}')
    if doubt := depth.doubt(least_faces=1):
        complain(f'{options.input}: {doubt}')
