# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Heads of known pose, drawn as a calibrated camera sees them, and how far the pipeline is off.

    .venv/bin/python test/golden_scenes.py            print the errors, as in golden.json
    .venv/bin/python test/golden_scenes.py --write    and write them there

The heads are the face model with the sample portrait's colours, so they say little of how good the
pipeline is with people. They say when it has changed.
"""

import argparse
import itertools
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from face_recon_ros.camera import Camera
from face_recon_ros.face_model.model import FaceModel
from face_recon_ros.face_model.parameters import FaceParameters
from face_recon_ros.io.image_files import read_image
from face_recon_ros.paths import share_directory
from face_recon_ros.pipeline import Pipeline, PipelineConfig
from face_recon_ros.regression.loader import REGRESSORS
from face_recon_ros.rendering.renderer import Renderer, Shading
from face_recon_ros.rendering.texture import sample_colors

TABLE = Path(__file__).with_name('golden.json')
WIDTH, HEIGHT, FOCAL_LENGTH_PX = 640, 480, 620.0
CAMERA = Camera(WIDTH, HEIGHT, FOCAL_LENGTH_PX, FOCAL_LENGTH_PX, 325.0, 235.0)
UNLIT = Shading(ambient=1.0, diffuse=0.0, specular=0.0)
RATE_HZ = 30
STILL_COUNT, STREAM_COUNT, STANDING_COUNT = 24, 75, 30
WRITTEN_DRAWS = 8  # of the sensor's noise, from which the table's means and scatter come
# The fit to the sample portrait, kept so that the colours do not depend on what is tested
PORTRAIT_MATRIX = np.array([
    [665.62, 38.48, -2.75, 225.72], [38.58, -663.47, 53.44, 96.57], [-0.35, 53.51, 664.59, 0.0],
])
PORTRAIT_SHAPE = np.array([
    0.92, -0.05, 0.05, -0.39, -0.58, -0.02, -0.06, 0.37, 0.11, 0.07, -0.18, 0.78, 0.28, -0.06,
    0.09, 0.46, -0.29, 0.68, -1.24, 0.39, 0.41, -0.22, -0.35, -0.43, 0.19, 0.2, 0.05, 0.02, 0.29,
    0.0, 0.13, -0.05, -0.1, 0.11, 0.01, -0.19, 0.05, -0.17, -0.24, -0.35,
])
PORTRAIT_EXPRESSION = np.array([1.26, 0.41, 1.95, -0.13, -0.44, 0.02, -0.03, -0.26, -0.19, -1.13])
# Model axes (x image-right of a frontal face, y up, z out of it) in the optical frame (x right,
# y down, z forward), and the face frame (x out, y to its left, z up) in model axes
OPTICAL_FROM_FRONTAL = np.diag([1.0, -1.0, -1.0])
MODEL_FROM_FACE = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
LEAST_SCORE = 0.25
UPPER_LIP, LOWER_LIP = 62, 66  # the inner ones', iBUG-68
RIGHT_EYE, LEFT_EYE = slice(36, 42), slice(42, 48)


@dataclass(slots=True, frozen=True)
class Head:
    """A head: rotation (3, 3) face -> optical frame, place (3,) m of its origin there."""

    shape: np.ndarray
    expression: np.ndarray
    rotation: np.ndarray
    place_m: np.ndarray


@dataclass(slots=True, frozen=True)
class View:
    """An image (H, W, 3) BGR with the head in it and its landmarks (68, 2) px."""

    image: np.ndarray
    head: Head
    landmarks_px: np.ndarray


def turn(yaw_deg, pitch_deg, roll_deg):
    """Return the rotation (3, 3) face -> optical frame of a head turned about its own axes."""
    matrix = np.eye(3)
    for axis, degrees in ((2, roll_deg), (1, yaw_deg), (0, pitch_deg)):
        matrix = matrix @ cv2.Rodrigues(np.radians(degrees) * np.eye(3)[axis])[0]
    return OPTICAL_FROM_FRONTAL @ matrix @ MODEL_FROM_FACE


class Studio:
    """Draws heads."""

    def __init__(self):
        self._model = FaceModel()
        portrait = read_image(share_directory() / 'samples' / 'astronaut.png')
        fit = FaceParameters(PORTRAIT_MATRIX, PORTRAIT_SHAPE, PORTRAIT_EXPRESSION)
        self._colors = sample_colors(portrait, self._model.dense_px(fit))
        self._renderer = Renderer(self._model.triangles)
        # a wall with light and shade on it
        self._wall = cv2.GaussianBlur(cv2.resize(portrait, (WIDTH, HEIGHT)), (0, 0), 40)

    def view(self, head, noise_rng, noise=3.0):
        """Return the view of a head through the lens and the sensor."""
        identity = FaceParameters(np.eye(3, 4), head.shape, head.expression)
        vertices = self._projected(self._model.dense_px(identity), head)
        image = self._wall.copy()
        self._renderer.render(vertices.astype(np.float32), image, colors=self._colors,
                              shading=UNLIT)
        image = cv2.GaussianBlur(image, (0, 0), 0.7)
        noisy = image + noise_rng.normal(0, noise, image.shape)
        landmarks = self._projected(self._model.landmarks_68.points(identity), head)
        return View(np.clip(noisy, 0, 255).astype(np.uint8), head, landmarks[:, :2])

    @staticmethod
    def _projected(points_m, head):
        """Return screen coordinates (N, 3): perspective in the image, z towards the viewer."""
        seen = points_m @ (head.rotation @ MODEL_FROM_FACE.T).T + head.place_m
        xy = FOCAL_LENGTH_PX * seen[:, :2] / seen[:, 2:] + [CAMERA.cx, CAMERA.cy]
        z = FOCAL_LENGTH_PX / head.place_m[2] * (head.place_m[2] - seen[:, 2])
        return np.column_stack([xy, z])


def person(rng):
    """Return somebody's shape, near the portrait's."""
    return 0.5 * PORTRAIT_SHAPE + 0.7 * rng.standard_normal(40)


def still_heads():
    """Return heads all over the image, near and far, turned every way."""
    rng = np.random.default_rng(11)
    heads = []
    for index in range(STILL_COUNT):
        yaw, pitch, roll = (index % 9 - 4) * 11, (index % 5 - 2) * 8, (index % 7 - 3) * 9
        distance_m = (0.5, 0.7, 1.0)[index % 3]
        place = distance_m * np.append(rng.uniform((-0.3, -0.2), (0.3, 0.2)), 1.0)
        expression = PORTRAIT_EXPRESSION + rng.standard_normal(10)
        heads.append(Head(person(rng), expression, turn(yaw, pitch, roll), place))
    return heads


def stream_heads():
    """Return a head that stands still for a second, and then turns, nods, leans and comes near."""
    shape = person(np.random.default_rng(5))
    heads = []
    for index in range(STREAM_COUNT):
        time_s = max(index - STANDING_COUNT, 0) / RATE_HZ
        wave = np.sin(2 * np.pi * time_s * np.array([0.5, 0.7, 0.4]))
        rotation = turn(15 + 30 * wave[0], 5 + 12 * wave[1], 15 * wave[2])
        place = np.array([0.05 + 0.1 * wave[1], -0.02, 0.8 - 0.15 * wave[0]])
        expression = PORTRAIT_EXPRESSION + np.append(1.5 * wave, np.zeros(7))
        heads.append(Head(shape, expression, rotation, place))
    return heads


def angle_deg(a, b):
    """Return by how much two rotations (3, 3) differ."""
    return float(np.degrees(np.linalg.norm(cv2.Rodrigues(a @ b.T)[0])))


def relative(view, length_px):
    """Return a length as part of the face's size, %."""
    size = np.sqrt(np.prod(np.ptp(view.landmarks_px, axis=0)))
    return float(100 * np.abs(length_px) / size)


def errors(view, face):
    """Return how far a face is off: degrees, and percent of the face's size or distance."""
    offsets = face.landmarks_px[:, :2] - view.landmarks_px
    gaps = [np.linalg.norm(p[UPPER_LIP, :2] - p[LOWER_LIP, :2])
            for p in (face.landmarks_px, view.landmarks_px)]
    distance, true = (np.linalg.norm(p) for p in (face.pose.translation_m, view.head.place_m))
    return {
        'rotation_deg': angle_deg(face.pose.rotation, view.head.rotation),
        'landmarks_percent': relative(view, np.linalg.norm(offsets, axis=1).mean()),
        'lips_percent': relative(view, gaps[0] - gaps[1]),
        'distance_percent': 100 * abs(distance / true - 1),
    }


def mean(rows, left_out=0):
    """Return the means of dictionaries of numbers, each without so many largest."""
    kept = slice(0, len(rows) - left_out)
    return {name: float(np.mean(sorted(row[name] for row in rows)[kept])) for name in rows[0]}


def measure_stills(config, studio, draw=0):
    """Return the mean errors of still images with one draw of noise, by name."""
    pipeline, rng = Pipeline(config), np.random.default_rng((1, draw))
    rows = []
    for head in still_heads():
        view = studio.view(head, rng)
        faces = sure(pipeline.detect(view.image, CAMERA))
        mirrored = sure(pipeline.detect(np.ascontiguousarray(view.image[:, ::-1]), CAMERA))
        if len(faces) == len(mirrored) == 1:
            rows.append(errors(view, faces[0]) | {'mirror_deg': unlike(faces[0], mirrored[0])})
    # in some views a grain of noise decides what is found
    return {'found': len(rows)} | mean(rows, left_out=3)


def sure(faces):
    """Return the faces that are no candidates: those of a score of 0.1 come and go with noise."""
    return [face for face in faces if face.score > LEAST_SCORE]


def unlike(face, mirrored):
    """Return by how much the rotation found in the mirrored image is not that of the image."""
    back = np.diag([-1.0, 1.0, 1.0]) @ mirrored.rotation @ np.diag([1.0, -1.0, 1.0])
    return angle_deg(face.rotation, back)


def measure_stream(config, studio, draw=0):
    """Return the mean errors of a stream with one draw of noise, and a still head's jitter."""
    pipeline, rng = Pipeline(config), np.random.default_rng((2, draw))
    rows, rotations = [], []
    for index, head in enumerate(stream_heads()):
        view = studio.view(head, rng, noise=6.0)
        (face,) = pipeline.track(view.image, stamp_s=index / RATE_HZ, camera=CAMERA)
        rows.append(errors(view, face))
        rotations.append(face.rotation)
    standing = rotations[STANDING_COUNT // 2 : STANDING_COUNT]
    steps = [angle_deg(b, a) for a, b in itertools.pairwise(standing)]
    return mean(rows[STANDING_COUNT:]) | {'jitter_deg': float(np.mean(steps))}


def scatter(measured):
    """Return the mean and standard deviation of each figure over dictionaries of them."""
    return {
        name: [round(float(of([row[name] for row in measured])), 4) for of in (np.mean, deviation)]
        for name in measured[0]
    }


def deviation(values):
    """Return the standard deviation of a sample."""
    return np.std(values, ddof=1)


def measure(regressor, studio):
    """Return [mean, standard deviation] of all figures of a regressor, by kind and name."""
    config = PipelineConfig(regressor=regressor)
    return {
        kind: scatter([of(config, studio, draw) for draw in range(1, WRITTEN_DRAWS + 1)])
        for kind, of in MEASURES.items()
    }


MEASURES = {'stills': measure_stills, 'stream': measure_stream}


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument('--write', action='store_true', help=f'write them to {TABLE.name}')
    parser.add_argument('--pictures', help='write the views to this folder')
    arguments = parser.parse_args()
    studio = Studio()
    if arguments.pictures:
        rng = np.random.default_rng(0)
        for name, heads in (('still', still_heads()), ('stream', stream_heads())):
            for index, head in enumerate(heads):
                path = Path(arguments.pictures, f'{name}_{index:02d}.png')
                path.parent.mkdir(parents=True, exist_ok=True)
                cv2.imwrite(str(path), studio.view(head, rng).image)
    text = json.dumps({name: measure(name, studio) for name in REGRESSORS}, indent=2) + '\n'
    sys.stdout.write(text)
    if arguments.write:
        TABLE.write_text(text)


if __name__ == '__main__':
    main()
