# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Photographs people in full perspective, and says what a regressor should find in the crop.

A regressor's weak perspective is turned by the viewing ray and fitted again (pose.metric_pose).
The truth that it is taught is the rotation from which that step makes the true one, so that what
is minimised is the error of the pose that is published.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np

from face_recon_ros.camera import Camera
from face_recon_ros.errors import GeometryError
from face_recon_ros.face_model.decoding import ParameterDecoder
from face_recon_ros.face_model.model import FaceModel
from face_recon_ros.face_model.parameters import SCREEN_FROM_MODEL_AXES, FaceParameters
from face_recon_ros.pose import metric_pose
from face_recon_ros.regression.region import CROP_CENTRE_M
from face_recon_ros.rendering.renderer import PlacedMesh, Renderer, Shading
from face_recon_ros.rotations import (
    MODEL_FROM_FACE,
    OPTICAL_FROM_VIEWER,
    rotation_matrix,
    rotation_to,
)
from model_building.network.heads import BRIGHTEST, DISPLAYED, Light, torso_rotation
from model_building.network.ict_people import Person
from model_building.network.piece import GAMMA, Piece, normals_of, ramp
from model_building.network.subject import View

DISTANCES_M, FIELDS_OF_VIEW_DEG = (0.3, 3.0), (30.0, 110.0)
FARTHEST_OFF_AXIS_DEG = 45.0
OVERSAMPLING = 2
FLAT = Shading(ambient=1.0, diffuse=0.0, specular=0.0)
NECK_PIVOT_M = np.array([0.0, -0.11, -0.11])
CHEST_M = np.array([0.0, -0.30, -0.13])
"""Middle of the shoulders' ellipsoid, and its half axes."""
CHEST_RADII_M = np.array([0.22, 0.13, 0.12])
RIGID_NECK_SHARE = 0.35
SHADOW_SIZE, SHADOW_SIDE_M = 256, 0.5
LABEL_ROUNDS, DECODING_ROUNDS = 3, 4
NEAREST_M = 0.05
"""What is nearer to the lens is not drawn."""


@dataclass(slots=True, frozen=True)
class Sight:
    """A crop and its truth; see generate.Crop."""

    image: np.ndarray
    rotation: np.ndarray
    scale_px_per_m: float
    centre_px: np.ndarray
    coefficients: np.ndarray
    landmarks: np.ndarray


@dataclass(slots=True, frozen=True)
class Lens:
    """
    Where the camera is that sees a head.

    ray (3,): unit vector from it to CROP_CENTRE_M of the head, optical frame; distance_m along
    it; camera: in pixels of the crop.
    """

    ray: np.ndarray
    distance_m: float
    camera: Camera

    @classmethod
    def draw(cls, view: View, rng: np.random.Generator) -> Lens:
        """Choose one that sees a head as large and where a crop's view says."""
        low, high = np.log(DISTANCES_M)
        distance = float(np.exp(rng.uniform(low, high)))
        half = np.radians(rng.uniform(*FIELDS_OF_VIEW_DEG) / 2)
        # anywhere in an image of 4:3
        place = rng.uniform(-1, 1, 2) * np.tan(half) * [1.0, 0.75]
        limit = np.tan(np.radians(FARTHEST_OFF_AXIS_DEG))
        place *= min(1.0, limit / max(float(np.linalg.norm(place)), 1e-9))
        turn = rng.uniform(0, 2 * np.pi)  # the image's own roll
        place = rotation_matrix(np.array([0.0, 0.0, turn]))[:2, :2] @ place
        ray = np.append(place, 1.0)
        focal = view.scale_px_per_m * distance / np.linalg.norm(ray)
        ray /= np.linalg.norm(ray)
        centre = view.centre_px - focal * place
        return cls(ray, distance, Camera(
            view.size, view.size, float(focal), float(focal), float(centre[0]), float(centre[1])))

    @classmethod
    def straight(cls, view: View, rng: np.random.Generator) -> Lens:
        """Choose a camera that looks at the middle of the crop; see straight_view.py."""
        low, high = np.log(DISTANCES_M)
        distance = float(np.exp(rng.uniform(low, high)))
        middle = (view.size - 1) / 2
        aside = (view.centre_px - middle) / (view.scale_px_per_m * distance)
        # aside is the sine of the angle off the axis: the focal length is scale * distance * cos
        cosine = float(np.sqrt(1 - aside @ aside))
        focal = view.scale_px_per_m * distance * cosine
        return cls(np.append(aside, cosine), distance, Camera(
            view.size, view.size, focal, focal, middle, middle))

    def optical_from_model(self, rotation: np.ndarray) -> np.ndarray:
        """Return (3, 3) of a rotation relative to the ray."""
        return rotation_to(self.ray) @ OPTICAL_FROM_VIEWER @ rotation

    def place(self, points_m: np.ndarray, rotation: np.ndarray) -> np.ndarray:
        """Take model points (N, 3) to the optical frame."""
        turned = (points_m - CROP_CENTRE_M) @ self.optical_from_model(rotation).T
        return turned + self.distance_m * self.ray

    def pixels(self, placed_m: np.ndarray) -> np.ndarray:
        """Return pixels of placed points (N, 3); the third grows towards the viewer."""
        depth = placed_m[:, 2]
        inverse = 1 / np.where(depth > NEAREST_M, depth, np.nan)
        camera, middle = self.camera, self.distance_m * self.ray[2]
        # affine in 1 / depth, and of the scale of x and y where the head is
        toward = camera.fx * (middle * inverse - 1)
        return np.column_stack([
            camera.fx * placed_m[:, 0] * inverse + camera.cx,
            camera.fy * placed_m[:, 1] * inverse + camera.cy, toward,
        ])


DrawLens = Callable[[View, np.random.Generator], Lens]
"""Chooses where the camera is: Lens.draw or Lens.straight."""


class Photographer:
    """Makes crops of people."""

    def __init__(self, model: FaceModel, draw_lens: DrawLens = Lens.draw) -> None:
        self._model = model
        self._draw_lens = draw_lens
        self._decode = ParameterDecoder(model)
        self._torso = _torso()
        self._torso_renderer = Renderer(self._torso.triangles)

    def __call__(self, person: Person, view: View, background: np.ndarray,
                 rng: np.random.Generator) -> Sight:
        """Photograph somebody at the view's rotation, relative to the ray, through some lens."""
        lens = self._draw_lens(view, rng)
        image = self.picture(person, view.rotation, lens, background, rng)
        placed = lens.place(person.landmarks_m, view.rotation)
        landmarks = lens.pixels(placed)
        parameters = self.truth(landmarks, view.rotation, lens)
        coefficients = np.concatenate([parameters.shape, parameters.expression])
        centre = parameters.project(CROP_CENTRE_M[None])[0]
        landmarks[:, 2] = ((placed - lens.distance_m * lens.ray) @ -lens.ray
                           * parameters.scale_px_per_m)
        return Sight(image, parameters.model_rotation, parameters.scale_px_per_m, centre[:2],
                     coefficients, landmarks)

    def truth(self, landmarks_px: np.ndarray, rotation: np.ndarray,
              lens: Lens) -> FaceParameters:
        """
        Return the weak perspective from which metric_pose makes the true rotation.

        :param rotation: (3, 3) relative to the ray
        """
        wanted = lens.optical_from_model(rotation)
        told = rotation
        coefficients = np.zeros(50)
        for _ in range(LABEL_ROUNDS):
            parameters = self._decode(landmarks_px, told, coefficients, rounds=DECODING_ROUNDS)
            coefficients = np.concatenate([parameters.shape, parameters.expression])
            try:
                pose = metric_pose(parameters, self._model.landmarks_68.points(parameters),
                                   lens.camera)
            except GeometryError:
                break
            found = pose.rotation @ MODEL_FROM_FACE.T
            # the rest is turned in the ray's frame
            frame = rotation_to(lens.ray) @ OPTICAL_FROM_VIEWER
            told = frame.T @ wanted @ found.T @ frame @ told
        return self._decode(landmarks_px, told, coefficients, rounds=DECODING_ROUNDS)

    def picture(self, person: Person, rotation: np.ndarray, lens: Lens, background: np.ndarray,
                rng: np.random.Generator) -> np.ndarray:
        """Return a picture of somebody over a background (H, W, 3) uint8 BGR."""
        whole = person.whole
        torso = rotation if rng.random() < RIGID_NECK_SHARE else torso_rotation(rotation, rng)
        points = lens.place(whole.points, rotation)
        chest = lens.place(NECK_PIVOT_M[None], rotation)[0]
        turn = lens.optical_from_model(torso)

        def with_torso(points_m: np.ndarray) -> np.ndarray:
            return (points_m - NECK_PIVOT_M) @ turn.T + chest

        below = np.flatnonzero(stiffness(whole.points) < 1)
        stiff = stiffness(whole.points[below])[:, None]
        points[below] = (stiff * points[below]
                         + (1 - stiff) * with_torso(whole.points[below].astype(np.float64)))
        screen = SCREEN_FROM_MODEL_AXES @ rotation
        normals = whole.normals @ screen.T.astype(np.float32)
        light = Light.even(rng) if person.is_lit and rng.random() < 0.5 else Light.draw(rng)
        shadows = rng.random() < 0.7
        arrival = [self._arrival(person, rotation, lamp[0], shadows) for lamp in light.lamps]
        exposure = np.exp(rng.normal(-0.25, 0.3))
        colors = _lit(whole, normals, light, arrival, exposure)
        shirt = self._torso
        shirt_normals = shirt.normals @ (SCREEN_FROM_MODEL_AXES @ torso).T.astype(np.float32)
        full = [np.ones(len(shirt.points), np.float32) for _ in light.lamps]
        cloth = replace(shirt, albedo=shirt.albedo * 0 + rng.uniform(0.05, 0.9, 3).astype('f4'))
        shirt_colors = _lit(cloth, shirt_normals, light, full, exposure)
        image = background.repeat(OVERSAMPLING, axis=0).repeat(OVERSAMPLING, axis=1)
        cloth_points = with_torso(shirt.points * rng.uniform(0.9, 1.15, 3))
        self._torso_renderer.draw(
            [PlacedMesh(_fine(lens.pixels(cloth_points)), None, shirt_colors)], image.shape[:2],
            image=image, shading=FLAT)
        mesh = [PlacedMesh(_fine(lens.pixels(points)), None, colors)]
        drawn = image.copy() if person.without_lenses else image
        person.renderer.draw(mesh, image.shape[:2], image=drawn, shading=FLAT)
        if person.without_lenses:
            person.without_lenses.draw(mesh, image.shape[:2], image=image, shading=FLAT)
            image = cv2.addWeighted(drawn, person.lens_opacity, image, 1 - person.lens_opacity, 0)
        return np.asarray(cv2.resize(image, background.shape[1::-1],
                                     interpolation=cv2.INTER_AREA))

    def _arrival(self, person: Person, rotation: np.ndarray, towards: np.ndarray,
                 shadows: bool) -> np.ndarray:
        """Return how much (N,) of a lamp's light reaches each vertex: what the lamp sees."""
        points = person.whole.points
        if not shadows:
            return np.ones(len(points), np.float32)
        direction = rotation.T @ (towards * [1, -1, 1])
        turn = rotation_to(direction / np.linalg.norm(direction))
        seen_from = (points - CROP_CENTRE_M) @ turn
        scale = SHADOW_SIZE / SHADOW_SIDE_M
        pixels = np.column_stack([seen_from[:, 0], -seen_from[:, 1], seen_from[:, 2]]) * scale
        pixels[:, :2] += SHADOW_SIZE / 2
        seen = person.renderer.visibility(
            np.ascontiguousarray(pixels, np.float32), (SHADOW_SIZE, SHADOW_SIZE))
        return seen.astype(np.float32)


def stiffness(points: np.ndarray) -> np.ndarray:
    """Return how far the neck at points (N, 3) turns with the head: (N,), 0 to 1."""
    height = points[:, 1] + 0.3 * np.clip(points[:, 2] + 0.13, -0.04, 0.1)
    return ramp(height, -0.22, -0.09).astype(np.float32)


def _fine(pixels: np.ndarray) -> np.ndarray:
    fine = (OVERSAMPLING * pixels).astype(np.float32)
    fine[:, :2] += (OVERSAMPLING - 1) / 2
    return np.ascontiguousarray(fine)


def _lit(piece: Piece, normals: np.ndarray, light: Light, arrival: list[np.ndarray],
         exposure: float) -> np.ndarray:
    """Return displayed colours (N, 3) uint8."""
    diffuse, shine = light.on(normals, piece.sky, piece.gloss, arrival)
    linear = diffuse * piece.albedo ** np.float32(GAMMA) + shine
    linear *= np.float32(exposure / max(0.25, float(np.quantile(diffuse[::16, 1], 0.8)))
                         * (len(DISPLAYED) - 1) / BRIGHTEST)
    return DISPLAYED[np.minimum(linear, len(DISPLAYED) - 1).astype(np.int32)]


def _torso() -> Piece:
    """Return shoulders: an ellipsoid below the neck."""
    rows, columns = 24, 36
    theta, phi = np.meshgrid(np.linspace(0, np.pi, rows), np.linspace(0, 2 * np.pi, columns),
                             indexing='ij')
    unit = np.stack([np.sin(theta) * np.cos(phi), np.cos(theta), -np.sin(theta) * np.sin(phi)], -1)
    points = unit.reshape(-1, 3) * CHEST_RADII_M + CHEST_M
    i = (np.arange(rows - 1)[:, None] * columns + np.arange(columns - 1)).ravel()
    triangles = np.concatenate([
        np.column_stack([i, i + columns, i + 1]),
        np.column_stack([i + 1, i + columns, i + columns + 1]),
    ]).astype(np.int32)
    count = len(points)
    return Piece('torso', points.astype(np.float32), normals_of(points, triangles), triangles,
                 np.full((count, 3), 0.5, np.float32), np.full(count, 0.02, np.float32),
                 np.full(count, 0.9, np.float32))
