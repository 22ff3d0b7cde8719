# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Skin, eyes, teeth, stubble, clothes: colours and small shapes of the head mesh itself."""
from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from model_building.face_model.head_mesh import HeadMesh
from model_building.face_model.head_paint import PAINT
from model_building.face_model.head_parts import EYE, SKIN, TONGUE
from model_building.network.photo_face import PaintedFace
from model_building.network.piece import Noise, Piece, blended, normals_of, ramp

# As displayed, red, green, blue, 0..255: fair to dark.
TONES = np.array([[238, 196, 172], [226, 178, 148], [212, 160, 126], [194, 140, 104],
                  [170, 116, 82], [140, 90, 62], [106, 66, 46], [74, 46, 36]], float)
HAIR = np.array([[16, 14, 14], [30, 24, 20], [52, 38, 28], [84, 60, 40], [120, 88, 56],
                 [170, 134, 88], [208, 176, 124], [132, 66, 36], [110, 108, 106],
                 [176, 174, 172], [222, 220, 216]], float)
HAIR_SHARES = np.array([22, 18, 14, 11, 8, 6, 5, 4, 5, 4, 3], float)
IRISES = np.array([[58, 36, 22], [84, 54, 30], [110, 80, 44], [104, 108, 70], [96, 128, 150],
                   [130, 140, 148], [70, 104, 140]], float)
IRIS_SHARES = np.array([34, 24, 12, 9, 10, 6, 5], float)
SCLERA, VEINS, TEETH, GUMS = (np.array(c, float) for c in (
    (226, 222, 218), (214, 176, 166), (228, 220, 200), (150, 74, 72)))
PALATE = np.array((96, 34, 34), float)
IRIS_RADIUS_M, PUPIL_RADIUS_M = 0.0059, (0.0013, 0.0030)
GAZE_SPREAD_DEG, LARGEST_GAZE_DEG = 11.0, 28.0
WHISKER_LENGTH_M = 0.022


@dataclass(slots=True, frozen=True)
class Looks:
    """What someone's skin and hair are like. Colours (3,) BGR as displayed, 0..1."""

    skin: np.ndarray
    hair: np.ndarray
    darkness: float
    has_beard: bool
    beard: float
    """Length of the whiskers, 0 (shaved) to 1 (a full beard)."""
    scalp: float
    """How much the scalp is coloured by its hair."""
    is_bald: bool
    """On top; the sides may have hair."""

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Looks:
        """Draw somebody from all over the world."""
        darkness = rng.uniform(0, 1) ** 1.5
        skin = _tone(darkness) * rng.uniform(0.93, 1.05)
        warmth = rng.normal(0, 0.022)
        skin = skin * np.array([1 - warmth, 1 - 0.3 * warmth, 1 + warmth])
        shares = HAIR_SHARES.copy()
        # Fair hair with very dark skin is dyed, and rare.
        shares[4:8] *= max(0.03, 1 - 1.6 * darkness)
        hair = _bgr(HAIR[rng.choice(len(HAIR), p=shares / shares.sum())])
        if rng.random() < 0.02:
            hair = rng.uniform(0.15, 0.8, 3)
        hair = np.clip(hair * np.exp(rng.normal(0, 0.15)), 0.02, 0.95)
        has_beard = rng.random() < 0.28
        beard = float(rng.choice([rng.uniform(0, .12), rng.uniform(.1, .4), rng.uniform(.4, 1)]))
        return cls(np.clip(skin, 0.05, 1), hair, float(darkness), bool(has_beard), beard,
                   float(rng.uniform(0.75, 1)), bool(has_beard or rng.random() < .3)
                   and bool(rng.random() < .16))


    def with_face(self, face: PaintedFace) -> Looks:
        """Return looks for somebody whose face is a photo's."""
        hair = self.hair if face.hair is None else np.clip(face.hair, 0.02, 0.95)
        return replace(self, skin=np.clip(face.skin, 0.05, 1), hair=hair, has_beard=False,
                       is_bald=False)


def _bgr(rgb: np.ndarray) -> np.ndarray:
    return np.asarray(rgb)[..., ::-1] / 255


def _tone(darkness: float) -> np.ndarray:
    at = darkness * (len(TONES) - 1)
    return _bgr(np.array([np.interp(at, np.arange(len(TONES)), TONES[:, k]) for k in range(3)]))


def paint_person(head: HeadMesh, points: np.ndarray, looks: Looks, noise: Noise,
                 rng: np.random.Generator) -> Piece:
    """Return the head mesh at points (V, 3) with skin, whiskers, eyes and teeth of its own."""
    paint = dict(zip(PAINT, head.paint.T, strict=True))
    # Noise lives on the mean, so that it does not swim with the expression.
    coarse = noise(head.mean, 0.022, rng)
    middle = noise(head.mean, 0.006, rng)
    fine = noise(head.mean, 0.0013, rng)
    whiskers = _whiskers(paint, looks, middle, rng)
    albedo = _skin_albedo(paint, looks, coarse, middle, fine, rng)
    albedo = _with_hair(albedo, paint, looks, whiskers, fine, head.mean[:, 1], rng)
    gloss = np.full(len(points), rng.uniform(0.02, 0.16)) * (1 - 0.6 * whiskers)
    gloss += paint['lips'] * rng.choice([0, 0.1, 0.35], p=[.6, .25, .15])
    sky = head.occlusion ** rng.uniform(0.8, 1.3)
    sky = np.where(paint['mouth'] > 0.5, 0.30, sky)
    albedo = _with_eyes(albedo, head, looks.darkness, rng)
    eyes, teeth = head.part == EYE, head.part > EYE
    gloss[eyes] = rng.uniform(0.5, 1.0)
    sky[eyes] *= rng.uniform(0.55, 0.9)
    _paint_teeth(albedo, sky, head, rng)
    gloss[teeth] = 0.25
    length = WHISKER_LENGTH_M * max(0.0, looks.beard - 0.1)
    normals = normals_of(points, head.triangles)
    if looks.has_beard and length > 0:
        grown = (whiskers * np.clip(1 + 0.3 * coarse + 0.12 * middle, 0.2, 2) * length)
        # A beard hangs: half along the skin's normal, half down.
        points = points + grown[:, None] * (0.75 * normals + np.array([0, -0.45, 0]))
        normals = normals_of(points, head.triangles)
    return Piece('head', points.astype(np.float32), normals, head.triangles,
                 np.clip(albedo, 0.01, 1).astype(np.float32), gloss.astype(np.float32),
                 sky.astype(np.float32))


def with_photo(body: Piece, head: HeadMesh, face: PaintedFace) -> Piece:
    """Return the body (a Piece of the head mesh) with a photo's face, lit as it was there."""
    front = np.flatnonzero(head.face_vertex >= 0)
    vertex = head.face_vertex[front]
    trust = face.trust[vertex].astype(np.float32)
    albedo, gloss, sky = body.albedo.copy(), body.gloss.copy(), body.sky.copy()
    albedo[front] = np.clip(blended(albedo[front], face.colors[vertex], trust), 0.01, 1)
    gloss[front] *= 1 - trust
    sky[front] += trust * (1 - sky[front])
    return replace(body, albedo=albedo, gloss=gloss, sky=sky)


def _skin_albedo(paint: dict[str, np.ndarray], looks: Looks, coarse: np.ndarray,
                 middle: np.ndarray, fine: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    albedo = np.tile(looks.skin, (len(coarse), 1))
    blotch = rng.uniform(0.005, 0.025) * coarse + rng.uniform(0.003, 0.015) * middle
    blotch += rng.uniform(0.003, 0.02) * fine
    albedo *= 1 + blotch[:, None] * np.array([1.2, 1.1, 0.6])
    red = np.array([0.72, 0.72, 1.0]) * looks.skin
    albedo = blended(albedo, red, rng.uniform(0, 0.45) * np.clip(paint['flush'] + 0.15 * coarse,
                                                                0, 1))
    albedo = blended(albedo, red, 0.5 * paint['ears'] * rng.random())
    if rng.random() < 0.12:
        spots = ramp(fine + 0.5 * middle, 1.3, 1.9) * rng.uniform(0.15, 0.5)
        albedo = blended(albedo, looks.skin * np.array([0.62, 0.7, 0.8]), spots)
    lips = looks.skin * np.array([0.66, 0.60, 0.86]) * rng.uniform(0.85, 1.08)
    strength = rng.uniform(0.4, 0.95)
    if not looks.has_beard and rng.random() < 0.18:
        lips = np.array([rng.uniform(.1, .45), rng.uniform(.05, .3), rng.uniform(.4, .85)])
        strength = rng.uniform(0.7, 1)
    albedo = blended(albedo, lips, strength * paint['lips'])
    albedo = blended(albedo, looks.skin * np.array([.45, .42, .6]), paint['sockets'])
    albedo = blended(albedo, looks.skin * np.array([.22, .2, .3]), paint['nostrils'])
    return blended(albedo, _bgr(PALATE), paint['mouth'])


def _whiskers(paint: dict[str, np.ndarray], looks: Looks, middle: np.ndarray,
              rng: np.random.Generator) -> np.ndarray:
    """Return where (V,) hair grows on the face, 0..1."""
    if not looks.has_beard:
        return np.zeros(len(middle))
    beard, moustache = paint['beard'], paint['moustache']
    kind = rng.choice(4, p=[.55, .15, .2, .1])
    if kind == 1:
        grown = moustache
    elif kind == 2:
        grown = np.maximum(moustache, beard * paint['chin'])
    elif kind == 3:
        grown = beard
    else:
        grown = np.maximum(beard, moustache)
    # The edge is ragged, as hair thins out there.
    grown = ramp(grown + 0.12 * middle * (grown > 0.02), 0.15, 0.85)
    return grown * (1 - paint['lips'])


def _with_hair(albedo: np.ndarray, paint: dict[str, np.ndarray], looks: Looks,
               whiskers: np.ndarray, fine: np.ndarray, height: np.ndarray,
               rng: np.random.Generator) -> np.ndarray:
    """Paint stubble, brows, lashes and the scalp; height (V,) in metres."""
    tint = np.clip(1 + 0.25 * fine, 0.3, 2)[:, None]
    shadow = 0.55 * looks.skin + 0.45 * looks.hair
    dense = rng.uniform(0.15, 0.6) if looks.beard < 0.12 else 0.55 + 0.45 * min(1, looks.beard * 2)
    color = (shadow if looks.beard < 0.12 else looks.hair) * tint
    albedo = blended(albedo, color, dense * whiskers)
    brow = np.clip(0.8 * looks.hair, 0.02, 0.5) * tint
    albedo = blended(albedo, brow, rng.uniform(0.2, 0.95) * np.clip(
        paint['brows'] * (1 + 0.35 * fine), 0, 1))
    albedo = blended(albedo, np.full(3, 0.1), rng.uniform(0.3, 1) * paint['lashes'])
    scalp = looks.scalp * paint['scalp']
    if looks.is_bald:
        scalp = scalp * (1 - ramp(height, rng.uniform(-.02, .03), .05)) * rng.uniform(0, 1)
    return blended(albedo, looks.hair * tint, scalp)


def _with_eyes(albedo: np.ndarray, head: HeadMesh, darkness: float,
               rng: np.random.Generator) -> np.ndarray:
    """Paint eyeballs that look somewhere; only the colours turn."""
    gaze = np.clip(rng.normal(0, GAZE_SPREAD_DEG, 2), -LARGEST_GAZE_DEG, LARGEST_GAZE_DEG)
    yaw, pitch = np.radians(gaze * [1, 0.5])
    ahead = np.array([np.sin(yaw) * np.cos(pitch), np.sin(pitch), np.cos(yaw) * np.cos(pitch)])
    # Light eyes are rare with dark skin.
    shares = IRIS_SHARES * np.where(np.arange(len(IRISES)) < 3, 1, max(0.02, 1 - 1.8 * darkness))
    iris = _bgr(IRISES[rng.choice(len(IRISES), p=shares / shares.sum())])
    iris = iris * rng.uniform(0.7, 1.3)
    white = _bgr(SCLERA) * rng.uniform(0.8, 1.05)
    pupil = rng.uniform(*PUPIL_RADIUS_M)
    for side, centre in zip((-1, 1), head.eye_centres, strict=True):
        index = np.flatnonzero((head.part == EYE) & (side * head.mean[:, 0] > 0))
        ray = head.mean[index] - centre
        radius = np.linalg.norm(ray, axis=1)
        along = np.clip(ray @ ahead / radius, -1, 1)
        off = np.where(along > 0, radius * np.sqrt(1 - along ** 2), np.inf)
        color = np.tile(white, (len(index), 1))
        color = blended(color, _bgr(VEINS), 0.6 * ramp(off, 1.4 * IRIS_RADIUS_M,
                                                       2.2 * IRIS_RADIUS_M))
        color = blended(color, 0.35 * iris, 1 - ramp(off, .92 * IRIS_RADIUS_M,
                                                     1.1 * IRIS_RADIUS_M))
        color = blended(color, iris, 1 - ramp(off, .7 * IRIS_RADIUS_M, .95 * IRIS_RADIUS_M))
        albedo[index] = blended(color, np.full(3, .04), 1 - ramp(off, .8 * pupil, 1.25 * pupil))
    return albedo


def _paint_teeth(albedo: np.ndarray, sky: np.ndarray, head: HeadMesh,
                 rng: np.random.Generator) -> None:
    teeth = head.part > EYE
    depth = head.mean[:, 2]
    front = depth[teeth].max()
    albedo[teeth] = _bgr(TEETH) * rng.uniform(0.75, 1.05)
    albedo[head.part == TONGUE] = _bgr(GUMS)
    deep = ramp(front - depth, 0.004, 0.03)
    sky[teeth] = (0.62 - 0.5 * deep)[teeth]


def dress(body: Piece, head: HeadMesh, noise: Noise, rng: np.random.Generator) -> Piece:
    """Return the body with a garment: some neck line, colour and pattern."""
    x, y, z = head.mean.T
    line = rng.uniform(-0.20, -0.15)
    kind = rng.choice(4, p=[.4, .25, .2, .15])
    edge = line + 0.28 * np.clip(-0.10 - z, -0.1, 0.1)
    if kind == 1:
        edge = edge - np.clip(rng.uniform(0.03, 0.1) - 1.1 * np.abs(x), 0, 1) * (z > -0.11)
    elif kind == 2:
        edge = edge + rng.uniform(0.02, 0.045)
    elif kind == 3:
        edge = edge - 0.05
    cloth = ramp(edge - y, -0.0015, 0.0015) * (head.part == SKIN)
    cloth *= 1 - ramp(-head.off_face, -0.03, -0.02)
    color = rng.uniform(0.03, 0.95) * np.array([1, 1, 1]) + rng.normal(0, 0.14, 3)
    color = np.tile(np.clip(color, 0.02, 0.97), (len(y), 1))
    if rng.random() < 0.3:
        other = np.clip(rng.uniform(0.02, 0.97, 3), 0, 1)
        along = (x, y, x + y)[rng.integers(3)]
        color = blended(color, other, ramp(np.sin(along * 2 * np.pi / rng.uniform(.008, .05)),
                                           -0.2, 0.2))
    color = color * (1 + 0.08 * noise(head.mean, 0.012, rng)
                     + 0.05 * noise(head.mean, 0.003, rng))[:, None]
    thick = rng.uniform(0.002, 0.012) * ramp(edge - y, -0.001, 0.006) * cloth
    points = body.points + (thick[:, None] * body.normals).astype(np.float32)
    return Piece(body.kind, points, body.normals, body.triangles,
                 np.clip(blended(body.albedo, color, cloth), 0.01, 1).astype(np.float32),
                 (body.gloss * (1 - cloth)).astype(np.float32), body.sky)
