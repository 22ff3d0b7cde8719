# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
A clip's faces as glTF 2.0 (.glb): the mesh with ARKit's units as morph targets, and their motion.

Axes of glTF and of Blender's and three.js' readers: x right, y up, z towards the viewer, metres;
the origin is the camera. Time 0 is the recording's first image.
"""

from __future__ import annotations

import json
import struct
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from face_recon_ros.errors import FaceReconError, OutputError
from face_recon_ros.expression.units import COUNT as UNIT_COUNT
from face_recon_ros.face import Face
from face_recon_ros.face_model.model import FaceModel
from face_recon_ros.face_model.normals import vertex_normals
from face_recon_ros.io.outputs import check_can_be_written, signals_held, write_bytes
from face_recon_ros.rotations import MODEL_FROM_FACE, quaternion

# The normal where a mesh has none: the format wants unit length
FORWARD = (0.0, 0.0, 1.0)
GLTF_FROM_OPTICAL = np.diag([1.0, -1.0, -1.0])
OPTION = '--gltf'
GENERATOR = 'face_recon_ros'
FLOAT, UNSIGNED_SHORT, UNSIGNED_INT = 5126, 5123, 5125
ARRAY_BUFFER, ELEMENT_ARRAY_BUFFER = 34962, 34963
_KINDS = {1: 'SCALAR', 3: 'VEC3', 4: 'VEC4'}
_TYPES = {'f': FLOAT, 'H': UNSIGNED_SHORT, 'I': UNSIGNED_INT}
# A face that is missing for longer is hidden; for less it moves on to where it is found again
BRIDGED_S = 0.5

# Places of a row: what is animated of a face at one time
_TRANSLATION, _ROTATION, _WEIGHTS = slice(0, 3), slice(3, 7), slice(7, 7 + UNIT_COUNT)


class ClipFace:
    """
    One face of a clip: its times (s, ascending), and what is written of it at each.

    Long recordings have many: the faces themselves are not kept.
    """

    def __init__(self) -> None:
        self.times_s: list[float] = []
        self._rows: list[np.ndarray] = []
        self._head_scales: list[float] = []
        self._shapes: np.ndarray | float = 0.0

    def add(self, stamp_s: float, face: Face) -> None:
        """Add the face of the next image; one of the same time or before is left out."""
        if self.times_s and stamp_s <= self.times_s[-1]:
            return
        before = self._rows[-1] if self._rows else np.zeros(7 + UNIT_COUNT, np.float32)
        turn = quaternion(GLTF_FROM_OPTICAL @ face.pose.rotation @ MODEL_FROM_FACE.T)
        if before[_ROTATION] @ turn < 0:  # a jump of sign is none of the head
            turn = -turn
        row = np.empty_like(before)
        row[_TRANSLATION] = GLTF_FROM_OPTICAL @ face.pose.translation_m
        row[_ROTATION] = turn
        # those not known are the last known, 0 before
        known = np.isfinite(face.blendshapes)
        row[_WEIGHTS] = np.where(known, face.blendshapes, before[_WEIGHTS])
        self.times_s.append(stamp_s)
        self._rows.append(row)
        self._head_scales.append(face.head_scale)
        self._shapes = self._shapes + face.parameters.shape

    @property
    def shape(self) -> np.ndarray:
        """The mean of the face model's (40,)."""
        return np.asarray(self._shapes / len(self.times_s))

    @property
    def head_scale(self) -> float:
        """The median."""
        return float(np.median(self._head_scales))

    def motion(self) -> Iterator[tuple[str, np.ndarray]]:
        """Yield what is animated of the face: path of the channel, values float32."""
        rows = np.array(self._rows)
        yield 'translation', rows[:, _TRANSLATION]
        yield 'rotation', rows[:, _ROTATION]
        yield 'weights', rows[:, _WEIGHTS].ravel()

    def sight(self, images_s: np.ndarray) -> list[tuple[float, bool]]:
        """
        Return from when on the face is seen, and from when on it is not, in turn.

        :param images_s: stamps of the clip's images, ascending, the face's among them
        """
        times_s = np.array(self.times_s)
        ends_s = np.append(images_s, np.inf)[np.searchsorted(images_s, times_s, 'right')]
        changes = [(float(images_s[0]), False)] if times_s[0] > images_s[0] else []
        changes.append((float(times_s[0]), True))
        back_s = np.append(times_s[1:], np.inf)
        for end_s, seen_s in zip(ends_s, back_s, strict=True):
            if end_s + BRIDGED_S < seen_s:
                changes.append((float(end_s), False))
                if np.isfinite(seen_s):
                    changes.append((float(seen_s), True))
        return changes


class Clip(defaultdict[str, ClipFace]):
    """The faces of a clip, by id, and the stamps of its images."""

    def __init__(self) -> None:
        super().__init__(ClipFace)
        self.images_s: list[float] = []

    def see(self, stamp_s: float) -> None:
        """Take note of an image, with a face or without: time runs from the first one on."""
        self.images_s.append(stamp_s)


@contextmanager
def clip_writer(path: Path | None, model: FaceModel) -> Iterator[Clip]:
    """
    Collect the faces of a clip, by id, and write them at the end, as write_clip(); None: nowhere.

    Whether the file can be made is seen at the beginning. If the block ends with an error it
    contains the faces so far; without any the old file stays.

    :raises OutputError, ModelFileError: as write_clip().
    """
    if path is not None:
        check_can_be_written(path, OPTION)
    clip = Clip()
    try:
        yield clip
    except BaseException:
        if path is not None and clip:
            # the first error is what has to be told
            with signals_held(), suppress(FaceReconError):
                write_clip(path, model, clip, clip.images_s)
        raise
    if path is not None:
        with signals_held():
            write_clip(path, model, clip, clip.images_s)


def write_clip(
    path: Path, model: FaceModel, clip: Mapping[str, ClipFace], images_s: Sequence[float] = ()
) -> None:
    """
    Write the faces of a clip, by id, as a .glb.

    Each is a node named face_<id>, moved by its pose and scaled to its head, to 0 while it is not
    seen; where the expression is not known it stays as it was.

    :param images_s: stamps of the clip's images, also of those without a face; the first one is
        time 0 of the animation
    :raises OutputError: there is no face, or the file cannot be written.
    :raises ModelFileError: models/face_units.npz cannot be used.
    """
    clip = {face_id: track for face_id, track in clip.items() if track.times_s}
    if not clip:
        raise OutputError(f'{path}: no face to write')
    known_s = np.unique(np.concatenate([images_s, *(track.times_s for track in clip.values())]))
    scene = _Scene(model)
    for face_id, track in clip.items():
        scene.add(face_id, track, known_s)
    write_bytes(path, scene.glb(), OPTION)


class _Scene:
    """Collects the nodes, and the bytes that they share."""

    def __init__(self, model: FaceModel) -> None:
        self._model = model
        self._names = model.face_units.names
        self._bytes = bytearray()
        self._views: list[dict[str, Any]] = []
        self._accessors: list[dict[str, Any]] = []
        self._nodes: list[dict[str, Any]] = []
        self._meshes: list[dict[str, Any]] = []
        self._samplers: list[dict[str, Any]] = []
        self._channels: list[dict[str, Any]] = []
        triangles = model.triangles.astype(np.uint32).ravel()
        self._triangles = self._accessor(triangles, ELEMENT_ARRAY_BUFFER)
        self._colors = self._accessor(_linear(model.colors), ARRAY_BUFFER, normalized=True)
        self._targets = [{'POSITION': self._target(name)} for name in self._names]

    def add(self, face_id: str, track: ClipFace, images_s: np.ndarray) -> None:
        """Add a face with its motion."""
        points = self._model.vertices(blendshapes={}, shape=track.shape)
        normals = vertex_normals(points, self._model.triangles)
        normals[~normals.any(axis=1)] = FORWARD
        attributes = {
            'POSITION': self._accessor(points, ARRAY_BUFFER, extent=True),
            'NORMAL': self._accessor(normals.astype(np.float32), ARRAY_BUFFER),
            'COLOR_0': self._colors,
        }
        primitive = {
            'attributes': attributes, 'indices': self._triangles, 'targets': self._targets,
            'material': 0,
        }  # fmt: skip
        self._meshes.append({
            'name': f'face_{face_id}',
            'primitives': [primitive],
            'weights': [0.0] * len(self._names),
            'extras': {'targetNames': list(self._names)},
        })
        node = len(self._nodes)
        self._nodes.append({
            'name': f'face_{face_id}',
            'mesh': len(self._meshes) - 1,
            'scale': [track.head_scale] * 3,
        })
        clock = self._clock(track.times_s, images_s[0])
        for way, values in track.motion():
            self._animate(node, way, clock, values, 'LINEAR')
        changes = track.sight(images_s)
        if len(changes) > 1:
            # the format's own way to hide a node
            scales = [[track.head_scale * seen] * 3 for _, seen in changes]
            clock = self._clock([time_s for time_s, _ in changes], images_s[0])
            self._animate(node, 'scale', clock, np.array(scales, np.float32), 'STEP')

    def _clock(self, times_s: Sequence[float], start_s: float) -> int:
        """Add times of an animation, from its start on."""
        return self._accessor((np.array(times_s) - start_s).astype(np.float32), extent=True)

    def _animate(
        self, node: int, way: str, clock: int, values: np.ndarray, interpolation: str
    ) -> None:
        output = self._accessor(values)
        target = {'node': node, 'path': way}
        self._channels.append({'sampler': len(self._samplers), 'target': target})
        self._samplers.append(
            {'input': clock, 'output': output, 'interpolation': interpolation}
        )

    def glb(self) -> bytes:
        """Return the file."""
        material = {
            'pbrMetallicRoughness': {'metallicFactor': 0.0, 'roughnessFactor': 0.8},
            'doubleSided': True,
        }
        tree = {
            # first, by which outputs.is_own knows its own files
            'asset': {'generator': GENERATOR, 'version': '2.0'},
            'scene': 0,
            'scenes': [{'nodes': list(range(len(self._nodes)))}],
            'nodes': self._nodes,
            'meshes': self._meshes,
            'materials': [material],
            'animations': [{'channels': self._channels, 'samplers': self._samplers}],
            'accessors': self._accessors,
            'bufferViews': self._views,
            'buffers': [{'byteLength': len(self._bytes)}],
        }
        text = json.dumps(tree, separators=(',', ':')).encode()
        text += b' ' * (-len(text) % 4)
        total = 12 + 8 + len(text) + 8 + len(self._bytes)
        return b''.join([
            struct.pack('<4sII', b'glTF', 2, total),
            struct.pack('<I4s', len(text), b'JSON'), text,
            struct.pack('<I4s', len(self._bytes), b'BIN\0'), bytes(self._bytes),
        ])  # fmt: skip

    def _view(self, array: np.ndarray, target: int | None = None) -> int:
        view: dict[str, Any] = {
            'buffer': 0, 'byteOffset': len(self._bytes), 'byteLength': array.nbytes
        }
        if target is not None:
            view['target'] = target
        self._views.append(view)
        self._bytes += array.tobytes() + bytes(-array.nbytes % 4)
        return len(self._views) - 1

    def _accessor(
        self,
        array: np.ndarray,
        target: int | None = None,
        extent: bool = False,
        normalized: bool = False,
    ) -> int:
        array = np.ascontiguousarray(array)
        width = array.shape[1] if array.ndim > 1 else 1
        accessor: dict[str, Any] = {
            'bufferView': self._view(array, target),
            'componentType': _TYPES[array.dtype.char],
            'count': len(array),
            'type': _KINDS[width],
        }
        if normalized:
            accessor['normalized'] = True
        if extent:
            rows = array.reshape(len(array), width)
            accessor['min'], accessor['max'] = (
                [float(v) for v in end] for end in (rows.min(axis=0), rows.max(axis=0))
            )
        self._accessors.append(accessor)
        return len(self._accessors) - 1

    def _target(self, name: str) -> int:
        """Add a unit: only the vertices that it moves are written."""
        moved, moves = self._model.face_units.unit(name)
        accessor: dict[str, Any] = {
            'componentType': FLOAT, 'count': len(self._model.mean), 'type': 'VEC3',
            'min': [min(0.0, float(v)) for v in moves.min(axis=0, initial=0.0)],
            'max': [max(0.0, float(v)) for v in moves.max(axis=0, initial=0.0)],
        }  # fmt: skip
        if len(moved):
            indices = {
                'bufferView': self._view(moved.astype(np.uint16)),
                'componentType': UNSIGNED_SHORT,
            }
            values = {'bufferView': self._view(np.ascontiguousarray(moves))}
            accessor['sparse'] = {'count': len(moved), 'indices': indices, 'values': values}
        self._accessors.append(accessor)
        return len(self._accessors) - 1


def _linear(colors: np.ndarray) -> np.ndarray:
    """
    Return colours (V, 3) uint8 BGR, sRGB, as glTF has those of vertices: RGBA, linear light.

    (V, 4) uint16: eight bits of it are too few for what is dark.
    """
    values = colors[:, ::-1] / 255
    light = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    opaque = np.ones((len(colors), 1))
    return np.round(np.hstack([light, opaque]) * 65535).astype(np.uint16)
