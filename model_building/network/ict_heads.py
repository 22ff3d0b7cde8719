"""
Whole heads of the ICT face model, with people's skin, photographed in full perspective.

Their rotation is known, and no network here has learnt from them.
"""
from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np

from face_recon_ros.camera import Camera
from face_recon_ros.face_model.parameters import SCREEN_FROM_MODEL_AXES
from face_recon_ros.face_model.procrustes import similarity
from face_recon_ros.io.image_files import read_image
from face_recon_ros.pipeline import Pipeline
from face_recon_ros.rendering.renderer import PlacedMesh, Renderer, Shading
from face_recon_ros.rendering.texture import sample_colors
from face_recon_ros.rotations import OPTICAL_FROM_VIEWER
from model_building.face_model import ict_model
from model_building.face_model.ict_model import IctModel

UNLIT = Shading(ambient=1.0, diffuse=0.0, specular=0.0)
OVERSAMPLING = 2
"""Pixels are averages of so many to each side."""
NECK_M = np.array([0.0, -0.12, -0.03])
"""What a head turns about."""
IDENTITY_LIMIT = 2.5
"""Weights of identity modes are drawn again beyond this."""
FITTED_MODES, FIT_RIDGE_M2, FIT_ROUNDS = 40, 3e-6, 6
WARP_M = 0.02
"""How far around a landmark its residual moves the place that a colour is taken from."""
HAIR_BGR = ((25, 28, 32), (30, 42, 60), (45, 70, 105), (95, 130, 165), (125, 128, 130),
            (185, 188, 190))
SKIN_TONES_BGR = ((150, 180, 224), (120, 155, 205), (95, 130, 185), (60, 90, 140), (40, 58, 92))


class Subdivision:
    """Each quad into eight triangles: colours are of vertices."""

    def __init__(self, quads: np.ndarray) -> None:
        edges = np.sort(np.stack([quads, np.roll(quads, -1, axis=1)], axis=-1), axis=-1)
        self._edges, inverse = np.unique(edges.reshape(-1, 2), axis=0, return_inverse=True)
        self._quads = quads
        count = ict_model.DRAWN_COUNT
        middle = count + inverse.reshape(-1, 4)
        centre = count + len(self._edges) + np.arange(len(quads))
        parts = []
        for k in range(4):
            before = middle[:, k - 1]
            parts.append(np.column_stack([quads[:, k], middle[:, k], centre]))
            parts.append(np.column_stack([quads[:, k], centre, before]))
        self.triangles = np.concatenate(parts).astype(np.int32)

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Return values (V, C) at the vertices as those of all vertices."""
        values = values[: ict_model.DRAWN_COUNT]
        return np.concatenate([
            values, values[self._edges].mean(axis=1), values[self._quads].mean(axis=1)
        ])


@dataclass(slots=True, frozen=True)
class Skin:
    """Colours (N, 3) BGR 0..255 of all vertices of a subdivided head; hair 0..1 (N,)."""

    colors: np.ndarray
    hair: np.ndarray
    hair_depth_m: float


@dataclass(slots=True, frozen=True)
class Shot:
    """
    How a head is photographed.

    rotation (3, 3): model axes -> image-right, up, towards the viewer (as the camera sees, not
    along the ray). position_m (3,): of the point between the eyes' outer corners, optical frame.
    """

    rotation: np.ndarray
    position_m: np.ndarray
    camera: Camera


class IctHeads:
    """Makes and draws people."""

    def __init__(self, model: IctModel) -> None:
        self.model = model
        self._subdivide = Subdivision(model.quads)
        self._renderer = Renderer(
            np.concatenate([self._subdivide.triangles, _TORSO_TRIANGLES + self._count])
        )
        self._skin_renderer = Renderer(self._subdivide.triangles)
        self._neutral = self._subdivide(model.neutral)
        part = np.zeros((len(model.neutral), 5))
        for column, vertices in enumerate((
            ict_model.SKIN, ict_model.MOUTH, ict_model.EYE_SOCKETS, ict_model.GUMS,
            ict_model.TEETH,
        )):
            part[vertices, column] = 1
        self._parts = self._subdivide(part)
        eyes = np.zeros((len(model.neutral), 2))
        eyes[ict_model.LEFT_EYE, 0] = eyes[ict_model.RIGHT_EYE, 1] = 1
        self._eyes = self._subdivide(eyes)
        self._scalp = _scalp(self._neutral) * (self._parts[:, 0] > 0.99)

    @property
    def _count(self) -> int:
        return int(self._subdivide.triangles.max()) + 1

    def person(self, rng: np.random.Generator) -> np.ndarray:
        """Return the vertices (N, 3) of somebody drawn from the model, subdivided."""
        weights = rng.standard_normal(len(self.model.identity))
        weights = np.clip(weights, -IDENTITY_LIMIT, IDENTITY_LIMIT)
        smile, jaw = rng.uniform(0, 0.6) * (rng.random() < 0.5), rng.uniform(0, 0.25)
        brow = rng.uniform(0, 0.5) * (rng.random() < 0.3)
        expression = {
            'mouthSmile_L': smile, 'mouthSmile_R': smile, 'browInnerUp_L': brow,
            'browInnerUp_R': brow, 'jawOpen': jaw * (rng.random() < 0.3),
        }
        return self._subdivide(self.model.points(weights, expression))

    def landmarks_m(self, points: np.ndarray) -> np.ndarray:
        """Return iBUG's 68 (68, 3) of a subdivided head."""
        return points[self.model.landmarks_68]

    def plain_skin(self, rng: np.random.Generator) -> Skin:
        """Return a skin without a photo: a tone, brows, lips, and something of a texture."""
        tone = np.array(SKIN_TONES_BGR[rng.integers(len(SKIN_TONES_BGR))], float)
        tone = tone * rng.uniform(0.9, 1.1)
        colors = np.tile(tone, (self._count, 1))
        colors += 6 * _smooth_noise(self._neutral, rng, 0.03)[:, None]
        colors += 4 * _smooth_noise(self._neutral, rng, 0.008)[:, None]
        marks = self.model.neutral[self.model.landmarks_68]
        hair = np.array(HAIR_BGR[rng.integers(len(HAIR_BGR))]) * rng.uniform(0.5, 1.0)
        for line, width, color, strength in (
            (marks[17:22], 0.0035, hair, 0.75), (marks[22:27], 0.0035, hair, 0.75),
            (marks[36:40], 0.0015, hair * 0.6, 0.8), (marks[42:46], 0.0015, hair * 0.6, 0.8),
            (marks[48:55], 0.004, tone * [0.72, 0.66, 0.9], 0.8),
            (marks[54:60], 0.005, tone * [0.72, 0.66, 0.9], 0.8),
            (marks[[31, 31]], 0.004, tone * 0.35, 0.7), (marks[[35, 35]], 0.004, tone * 0.35, 0.7),
        ):
            near = strength * np.exp(-((_distance_to_line(self._neutral, line) / width) ** 2))
            near = near[:, None] * self._parts[:, :1]
            colors += near * (color - colors)
        return self._finished(colors, hair, rng)

    def skin_of(self, photo: Path, pipeline: Pipeline, rng: np.random.Generator) -> Skin:
        """
        Return the skin of the face in a photo.

        :raises ValueError: not one face in it.
        """
        image = read_image(photo)
        faces = pipeline.detect(image)
        if len(faces) != 1:
            raise ValueError(f'{photo}: {len(faces)} faces')
        target = pipeline.model.landmarks_68_px(faces[0].parameters)
        points_px = self._laid_on(target)
        seen = self._skin_renderer.visibility(
            np.ascontiguousarray(points_px, np.float32), image.shape[:2]
        )
        facing = _facing(points_px, self._subdivide.triangles)
        height = self._neutral[:, 1]
        trust = _step(facing, 0.3, 0.6) * seen * self._parts[:, 0]
        # not of hair, nor of the neck behind the jaw
        trust *= _step(height, -0.09, -0.08) * (1 - _step(height, 0.085, 0.1))
        trust *= np.maximum(_step(self._neutral[:, 2], 0.05, 0.06), _step(height, -0.045, -0.035))
        colors = sample_colors(image, np.ascontiguousarray(points_px, np.float32)).astype(float)
        cheeks = (trust > 0.9) & (height < 0.02) & (height > -0.04)
        tone = np.median(colors[cheeks], axis=0)
        fill = tone + 4 * _smooth_noise(self._neutral, rng, 0.01)[:, None]
        colors = fill + trust[:, None] * (colors - fill)
        hair = np.array(HAIR_BGR[rng.integers(len(HAIR_BGR))])
        return self._finished(colors, hair * rng.uniform(0.8, 1.2), rng)

    def _laid_on(self, target_px: np.ndarray) -> np.ndarray:
        """Return the pixels (N, 3) of all vertices of the head that fits landmarks (68, 3) px."""
        model, target = self.model, target_px @ SCREEN_FROM_MODEL_AXES
        basis = model.identity[:FITTED_MODES, model.landmarks_68].transpose(1, 2, 0)
        basis = basis.astype(np.float64)
        mean = model.neutral[model.landmarks_68].astype(np.float64)
        weights = np.zeros(FITTED_MODES)
        for _ in range(FIT_ROUNDS):
            marks = mean + basis @ weights
            scale, rotation, move = similarity(marks, target)
            linear = (scale * rotation)[:2] / scale
            rows = np.einsum('xy,nyk->nxk', linear, basis).reshape(-1, FITTED_MODES)
            missing = (target[:, :2] - move[:2]) / scale - mean @ linear.T
            normal = rows.T @ rows + FIT_RIDGE_M2 * len(mean) * np.eye(FITTED_MODES)
            weights = np.linalg.solve(normal, rows.T @ missing.ravel())
        points = self._subdivide(model.points(weights)).astype(np.float64)
        marks = mean + basis @ weights
        placed = points @ (scale * rotation).T + move
        residual = target - (marks @ (scale * rotation).T + move)
        kernel = np.exp(-(_distances(marks, marks) / WARP_M) ** 2)
        strengths = np.linalg.solve(kernel + 0.1 * np.eye(68), residual[:, :2])
        for start in range(0, len(points), 20000):
            part = slice(start, start + 20000)
            near = np.exp(-(_distances(points[part], marks) / WARP_M) ** 2)
            placed[part, :2] += near @ strengths
        return placed @ SCREEN_FROM_MODEL_AXES

    def _finished(self, colors: np.ndarray, hair_color: np.ndarray,
                  rng: np.random.Generator) -> Skin:
        """Give a skin hair, mouth, teeth and eyes."""
        bald = rng.random() < 0.15
        strand = 1 + 0.25 * _smooth_noise(self._neutral * [1, 0.3, 0.6], rng, 0.002)
        hair = np.zeros(self._count) if bald else self._scalp
        colors = colors + hair[:, None] * (strand[:, None] * hair_color - colors)
        for column, color in ((1, (40, 40, 90)), (2, (60, 60, 110)), (3, (80, 80, 150)),
                              (4, (200, 215, 225))):
            inside = self._parts[:, column] > 0.5
            colors[inside] = color
        iris = np.array([(60, 90, 120), (30, 45, 70), (130, 110, 80)][rng.integers(3)])
        look = np.append(rng.uniform(-0.2, 0.2, 2) * [1, 0.5], 1.0)
        look /= np.linalg.norm(look)
        for side in range(2):
            ball = self._eyes[:, side] > 0.99
            centre = (self._neutral[ball].max(axis=0) + self._neutral[ball].min(axis=0)) / 2
            out = self._neutral[ball] - centre
            angle = np.degrees(np.arccos(np.clip(
                out @ look / np.linalg.norm(out, axis=1), -1, 1)))
            white = np.array([150, 162, 172])
            colors[ball] = np.select(
                [angle[:, None] < 9, angle[:, None] < 23], [(15, 15, 15), iris], white)
        return Skin(np.clip(colors, 0, 255), hair, rng.uniform(0.004, 0.02))

    def draw(self, points: np.ndarray, skin: Skin, shot: Shot, background: np.ndarray,
             rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """
        Photograph a head over background (H, W, 3) uint8 BGR.

        Return the photo and iBUG's landmarks (68, 2) px in it.
        """
        normals = _normals(points, self._subdivide.triangles)
        grown = points + (skin.hair * skin.hair_depth_m)[:, None] * normals
        marks = self.landmarks_m(points)
        origin = marks[[36, 45]].mean(axis=0)
        turn = OPTICAL_FROM_VIEWER @ shot.rotation

        def placed(model_points: np.ndarray) -> np.ndarray:
            return (model_points - origin) @ turn.T + shot.position_m

        torso = OPTICAL_FROM_VIEWER @ (_TORSO_POINTS * rng.uniform(0.9, 1.1)).T
        # under the neck, wherever the head turns to
        torso = torso.T + placed(NECK_M[None])[0]
        camera_points = np.concatenate([placed(grown), torso])
        shirt = np.tile(rng.uniform(20, 230, 3), (len(torso), 1))
        colors = np.concatenate([skin.colors, shirt])
        normals = np.concatenate([_normals(grown, self._subdivide.triangles) @ turn.T,
                                  _TORSO_NORMALS @ OPTICAL_FROM_VIEWER])
        lit = np.clip(colors * _light(normals, rng), 0, 255).astype(np.uint8)
        size = background.shape[1::-1]
        large = cv2.resize(background, None, fx=OVERSAMPLING, fy=OVERSAMPLING)
        pixels = _projected(camera_points, shot)
        pixels[:, :2] = (pixels[:, :2] + 0.5) * OVERSAMPLING - 0.5
        self._renderer.draw([PlacedMesh(pixels.astype(np.float32), None, lit)],
                            large.shape[:2], image=large, shading=UNLIT)
        image = cv2.resize(large, size, interpolation=cv2.INTER_AREA)
        return image, _projected(placed(marks), shot)[:, :2]


def _projected(points: np.ndarray, shot: Shot) -> np.ndarray:
    """Return pixels (N, 2) and what grows towards the viewer as linearly as they do."""
    camera = shot.camera
    inverse = 1 / points[:, 2]
    return np.column_stack([
        camera.fx * points[:, 0] * inverse + camera.cx,
        camera.fy * points[:, 1] * inverse + camera.cy,
        camera.fx * shot.position_m[2] * inverse,
    ])


def _light(normals: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return how bright (N, 1) a key light and a sky make surfaces of normals (N, 3), optical."""
    key = np.array([rng.uniform(-1, 1), rng.uniform(-0.9, 0.2), -rng.uniform(0.4, 1.2)])
    key /= np.linalg.norm(key)
    ambient = rng.uniform(0.45, 0.75)
    sky = 0.5 - 0.5 * normals[:, 1]
    bright = ambient * (0.8 + 0.2 * sky) + (1.1 - ambient) * np.clip(normals @ key, 0, 1)
    return bright[:, None] * rng.uniform(0.8, 1.1)


def photographed(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a picture as a camera gives it: a little blur, noise, JPEG."""
    image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.3, 0.9))
    noisy = image + rng.normal(0, rng.uniform(1, 4), image.shape)
    coded = cv2.imencode('.jpg', np.clip(noisy, 0, 255).astype(np.uint8),
                         [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(75, 96))])[1]
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR))


def _scalp(points: np.ndarray) -> np.ndarray:
    """Return 0..1 (N,): where hair grows on the neutral head."""
    x, y, z = points.T
    azimuth = np.degrees(np.arctan2(np.abs(x), z))
    line = np.interp(azimuth, (0, 35, 55, 68, 80, 95, 180),
                     (0.092, 0.088, 0.06, 0.03, 0.045, -0.02, -0.045))
    ear = (np.abs(x) > 0.072) & (y < 0.065) & (y > -0.04) & (np.abs(z) < 0.04)
    return _step(y - line, 0.0, 0.008) * ~ear


def _step(values: np.ndarray, low: float, high: float) -> np.ndarray:
    t = np.clip((values - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def _distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.linalg.norm(a[:, None] - b[None], axis=2)


def _distance_to_line(points: np.ndarray, line: np.ndarray) -> np.ndarray:
    """Return the distance (N,) of points to a polyline (K, 3)."""
    nearest = np.full(len(points), np.inf)
    for a, b in pairwise(line):
        way = b - a
        part = np.clip((points - a) @ way / max(way @ way, 1e-12), 0, 1)
        nearest = np.minimum(nearest, np.linalg.norm(points - a - part[:, None] * way, axis=1))
    return nearest


def _smooth_noise(points: np.ndarray, rng: np.random.Generator, size_m: float) -> np.ndarray:
    """Return about N(0, 1) (N,) that varies over size_m in space."""
    waves = rng.normal(0, 1 / size_m, (24, 3))
    phases = rng.uniform(0, 2 * np.pi, 24)
    return np.cos(points @ waves.T + phases).sum(axis=1) / np.sqrt(12)


def _normals(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    a, b, c = (points[triangles[:, k]] for k in range(3))
    faces = np.cross(b - a, c - a)
    normals = np.column_stack([
        sum(np.bincount(triangles[:, k], faces[:, axis], len(points)) for k in range(3))
        for axis in range(3)
    ])
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)


def _facing(points_px: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Return the cosine (N,) between surface and viewer."""
    return _normals(points_px @ SCREEN_FROM_MODEL_AXES, triangles)[:, 2]


def _torso() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return points, normals and triangles of shoulders, below the neck's point."""
    rows, columns = 24, 36
    theta, phi = np.meshgrid(np.linspace(0, np.pi, rows), np.linspace(0, 2 * np.pi, columns),
                             indexing='ij')
    unit = np.stack([np.sin(theta) * np.cos(phi), np.cos(theta), -np.sin(theta) * np.sin(phi)], -1)
    radii = np.array([0.21, 0.13, 0.12])
    points = unit.reshape(-1, 3) * radii + np.array([0, -0.165, -0.01])
    normals = unit.reshape(-1, 3) / radii
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    i = (np.arange(rows - 1)[:, None] * columns + np.arange(columns - 1)).ravel()
    triangles = np.concatenate([
        np.column_stack([i, i + columns, i + 1]),
        np.column_stack([i + 1, i + columns, i + columns + 1]),
    ])
    return points, normals, triangles.astype(np.int32)


_TORSO_POINTS, _TORSO_NORMALS, _TORSO_TRIANGLES = _torso()
