"""From a region of the image to the 62 parameters of the face in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast

import cv2
import numpy as np

from face_recon_ros.confidence import RotationCalibration
from face_recon_ros.detection.detectors import Detection
from face_recon_ros.equality import ComparedByValue
from face_recon_ros.errors import GeometryError, ModelFileError
from face_recon_ros.face_model.model import (
    EXPRESSION_COUNT,
    SHAPE_COUNT,
    FaceModel,
    FaceParameters,
    LandmarkFitter,
    camera_matrix,
)
from face_recon_ros.opencv import takeable
from face_recon_ros.paths import model_file
from face_recon_ros.tflite import Network

Look = TypeVar('Look', bound=Callable[..., Any])

FACE_MESH_FILE = 'face_landmark.tflite'
FACE_MESH_LANDMARKS = 468
# Face Mesh places landmarks this far up and left, in pixels of its crop: on mirrored crops they
# fall twice as far from the mirrored ones. scripts/measure_crop_bias.py prints 0.14 to 0.40 by
# set of photos; with 0.31 Helen's NME68 is 3.33 %, without 3.48 %
FACE_MESH_BIAS_PX = 0.31
# Point of the head, in model axes and metres, that a crop is centred on, and the side of the crop:
# half way from nose to ear, so that profiles are in the middle too, and as large as Face Mesh's
# crop of a frontal face
CROP_CENTRE_M = np.array([0.0, -0.037, -0.045])
CROP_SIDE_M = 0.24
# Times that a crop's part of the image is halved at most: 16 of its pixels to one of the crop
MOST_HALVINGS = 4
# With less than the first part in the image there is no face, from the second on a regressor is
# believed: it squeezes a face into what it sees of it. Of what it finds, and of where it looks
FOUND_IN_SIGHT = (0.65, 0.8)
LOOKED_AT_IN_SIGHT = (0.35, 0.6)
# Face Mesh indices of the outer eye corners, subject's right then left: the face's upright line
EYE_LINE_468 = (33, 263)


@dataclass(slots=True, frozen=True, eq=False)
class Region(ComparedByValue):
    """A square of the image with a face in it: centre (2,) px, side px, roll in radians.

    roll is the angle of the eye line, positive clockwise in the image. turned_rad: how far the
    face looks to a side, 0 to pi, as it was found last; None where that is not known.
    """

    centre: np.ndarray
    side_px: float
    roll_rad: float
    turned_rad: float | None = None

    # Face Mesh's model card: the crop is the face's square enlarged by half
    ENLARGEMENT = 1.5

    @classmethod
    def from_detection(cls, detection: Detection) -> Region:
        """Return the region of a detector's box, upright by its eyes where it reports them."""
        x0, y0, x1, y1 = detection.box
        roll = 0.0
        if detection.eyes is not None:
            roll = _angle(detection.eyes[1] - detection.eyes[0])
        side = cls.ENLARGEMENT * max(x1 - x0, y1 - y0)
        return cls(np.array([x0 + x1, y0 + y1]) / 2, side, roll)

    @classmethod
    def from_landmarks(cls, landmarks_px: np.ndarray) -> Region:
        """Return the region of a face whose 468 landmarks (468, 2+) in pixels are known."""
        points = landmarks_px[:, :2]
        roll = _angle(points[EYE_LINE_468[1]] - points[EYE_LINE_468[0]])
        cosine, sine = np.cos(roll), np.sin(roll)
        upright = np.array([[cosine, sine], [-sine, cosine]])
        turned = points @ upright.T
        low, high = turned.min(axis=0), turned.max(axis=0)
        return cls((low + high) / 2 @ upright, cls.ENLARGEMENT * (high - low).max(), roll)

    @classmethod
    def from_parameters(cls, parameters: FaceParameters) -> Region:
        """Return the region of a face whose parameters are known, upright by the head's axis."""
        up = parameters.model_rotation[:2, 1]
        roll = float(np.arctan2(up[0], up[1]))
        centre = parameters.project(CROP_CENTRE_M[None])[0, :2]
        side_px = CROP_SIDE_M * parameters.scale_px_per_m
        return cls(centre, side_px, roll, turn_to_side_rad(parameters))

    def image_from_crop(self, size: int) -> np.ndarray:
        """Return the affine map (2, 3) from pixels of a size x size crop to the image's."""
        cosine, sine = np.cos(self.roll_rad), np.sin(self.roll_rad)
        linear = self.side_px / size * np.array([[cosine, -sine], [sine, cosine]])
        middle = np.full(2, (size - 1) / 2)
        return np.column_stack([linear, self.centre - linear @ middle])


def of_newcomer(region: Region) -> Region:
    """Return a region as of a face of which it is not known how far it looks to a side."""
    return replace(region, turned_rad=None)


def turn_to_side_rad(parameters: FaceParameters) -> float:
    """Return how far a face looks to a side, 0 to pi."""
    right, _, near = parameters.model_rotation[:, 2]
    return float(np.arctan2(abs(right), near))


def _angle(direction: np.ndarray) -> float:
    return float(np.arctan2(direction[1], direction[0]))


@dataclass(slots=True, frozen=True, eq=False)
class Regression(ComparedByValue):
    """What a regressor finds in a region.

    presence: 0..1, that there is a face at all. fit_error: see face_model.Fit. box (4,) x0, y0,
    x1, y1 px around the face. region: where to look for the same face in the next image.
    rotation_sigma_rad: the network's own idea of its rotation's error, None where it has none.
    calibration: what that is worth; None: as of the kinds that confidence.py knows.
    """

    parameters: FaceParameters
    presence: float
    fit_error: float
    box: np.ndarray
    region: Region
    rotation_sigma_rad: float | None = None
    calibration: RotationCalibration | None = None


def no_face(region: Region) -> Regression:
    """Return what is found where nothing is: presence 0, infinite fit error, a neutral face."""
    scale = region.side_px / CROP_SIDE_M
    matrix = camera_matrix(scale, np.eye(3), np.append(region.centre, 0.0))
    parameters = FaceParameters(matrix, np.zeros(SHAPE_COUNT), np.zeros(EXPRESSION_COUNT))
    half = region.side_px / 2
    box = np.concatenate([region.centre - half, region.centre + half])
    return Regression(parameters, 0.0, float('inf'), box, region)


def none_where_no_pose_follows(look: Look) -> Look:
    """Let a regressor's call find no face where its landmarks make none (NaN, in one place)."""

    @wraps(look)
    def wrapped(self: Any, image: np.ndarray, region: Region, *more: Any, **named: Any) -> Any:
        try:
            return look(self, image, region, *more, **named)
        except (GeometryError, np.linalg.LinAlgError):
            return no_face(region)

    return cast('Look', wrapped)


class Regressor(Protocol):
    """What finds the parameters of the face in a region of an image (H, W, 3) uint8 BGR."""

    def __call__(self, image: np.ndarray, region: Region, soften: bool = False) -> Regression:
        """
        Find them.

        :param soften: for images of a stream: see less of what the sensor's noise moves
        """

    def in_both_mirrors(self, image: np.ndarray, region: Region) -> Regression:
        """As a call, from the crop and its mirror image: for twice the time, for still images."""

    def settled(self, image: np.ndarray, found: Regression, still: bool) -> Regression:
        """Return what a newcomer's finding becomes once it is known which way up the face is."""

    def preprocess(
        self, image: np.ndarray, region: Region, soften: bool = False
    ) -> np.ndarray:
        """Cut the region out as the network's input; return the map (2, 3) crop -> image px."""

    def infer(self) -> list[np.ndarray]:
        """Run the network on what was cut out last."""

    def postprocess(self, outputs: list[np.ndarray], image_from_crop: np.ndarray) -> Regression:
        """Say what the network's outputs mean in the image."""


def in_sight(box: np.ndarray, region: Region, image: np.ndarray) -> float:
    """Return 0..1: whether enough of a face's box (4,), found in a region, is in the image."""
    half = region.side_px / Region.ENLARGEMENT / 2
    looked_at = np.concatenate([region.centre - half, region.centre + half])
    return min(
        _part_in_sight(box, image.shape, FOUND_IN_SIGHT),
        _part_in_sight(looked_at, image.shape, LOOKED_AT_IN_SIGHT),
    )


def _part_in_sight(
    box: np.ndarray, shape: tuple[int, ...], parts: tuple[float, float]
) -> float:
    x0, y0, x1, y1 = box.tolist()
    inside_x, inside_y = min(x1, shape[1]) - max(x0, 0), min(y1, shape[0]) - max(y0, 0)
    part = max(inside_x, 0) * max(inside_y, 0) / max((x1 - x0) * (y1 - y0), 1e-9)
    low, high = parts
    return min(max((part - low) / (high - low), 0.0), 1.0)


def softened(rgb: np.ndarray, sigma_px: float) -> np.ndarray:
    """Return a crop with less of what the sensor's noise moves."""
    return cv2.GaussianBlur(rgb, (7, 7), sigma_px) if sigma_px else rgb


def cut(image: np.ndarray, region: Region, size: int) -> tuple[np.ndarray, np.ndarray]:
    """
    Return the region of a BGR image as RGB (size, size, 3) uint8, and the map (2, 3) back.

    A large face is halved first, as often as it can be: to leave pixels out lets through more of
    the sensor's noise, and the pose trembles with it.
    """
    image_from_crop = region.image_from_crop(size)
    source, source_from_crop = image, image_from_crop
    # a size gone wrong, NaN too, must not ask for an image of any size
    halvings = int(np.log2(min(max(1.0, region.side_px / size), 2.0**MOST_HALVINGS)))
    if halvings:
        source, corner = _halved(image, region, halvings)
        factor = 2**halvings
        # a pixel's centre lies in the middle of the pixels it gathers
        source_from_crop = image_from_crop / factor
        source_from_crop[:, 2] -= (corner + (factor - 1) / 2) / factor
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    crop = cv2.warpAffine(takeable(source), source_from_crop, (size, size), flags=flags)
    return cv2.cvtColor(crop, cv2.COLOR_BGR2RGB), image_from_crop


def _halved(
    image: np.ndarray, region: Region, halvings: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the image around a region, halved so many times, and its corner (2,) px."""
    factor = 2**halvings
    reach = region.side_px * (abs(np.cos(region.roll_rad)) + abs(np.sin(region.roll_rad))) / 2
    extent = np.array(image.shape[1::-1])
    # with a border of one small pixel, which interpolation touches
    low = np.clip(np.floor(region.centre - reach) - factor, 0, extent - 1).astype(int)
    high = np.clip(np.ceil(region.centre + reach) + factor, low + 1, extent).astype(int)
    part = takeable(image[low[1] : high[1], low[0] : high[0]])
    bottom, right = -np.array(part.shape[:2]) % factor
    if bottom or right:
        part = cv2.copyMakeBorder(part, 0, bottom, 0, right, cv2.BORDER_CONSTANT)
    for _ in range(halvings):
        size = part.shape[1] // 2, part.shape[0] // 2
        # OpenCV is several times as fast at halves as at other parts
        part = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
    return part, low


class FaceMeshRegressor:
    """MediaPipe's Face Mesh (Kartynnik et al. 2019) and the closed-form fit of the face model."""

    def __init__(
        self,
        model: FaceModel,
        path: str | Path | None = None,
        threads: int = 1,
        softening_px: float = 0.0,
    ) -> None:
        """
        Read the file.

        :param softening_px: standard deviation by which a stream's crops are softened; 0: not,
            Face Mesh's figures are those that others know it by
        :raises ModelFileError: the file is not Face Mesh.
        """
        self._network = Network(path or model_file(FACE_MESH_FILE), threads)
        sizes = sorted(int(np.prod(shape)) for shape in self._network.output_shapes())
        if sizes != [1, 3 * FACE_MESH_LANDMARKS]:
            raise ModelFileError(
                f'model file {self._network.path}: outputs of {sizes} values, Face Mesh has '
                f'{[1, 3 * FACE_MESH_LANDMARKS]}; give face_landmark.tflite'
            )
        self._size = self._network.input_shape[1]
        self._fitter = LandmarkFitter(model)
        self._softening_px = softening_px

    @none_where_no_pose_follows
    def __call__(self, image: np.ndarray, region: Region, soften: bool = False) -> Regression:
        image_from_crop = self.preprocess(image, region, soften)
        return self.postprocess(self.infer(), image_from_crop)

    def settled(self, image: np.ndarray, found: Regression, still: bool) -> Regression:
        """Return what was found: nothing is gained by another look."""
        return found

    def in_both_mirrors(self, image: np.ndarray, region: Region) -> Regression:
        """Look once: Face Mesh's figures are those that others know it by."""
        return self(image, region)

    def preprocess(
        self, image: np.ndarray, region: Region, soften: bool = False
    ) -> np.ndarray:
        """Cut the region out as the network's input; return the map (2, 3) crop -> image px."""
        rgb, image_from_crop = cut(image, region, self._size)
        if soften:
            rgb = softened(rgb, self._softening_px)
        np.multiply(rgb, np.float32(1 / 255), out=self._network.input_tensor()[0])
        return image_from_crop

    def infer(self) -> list[np.ndarray]:
        """Run the network on what was cut out last."""
        return self._network.run()

    def postprocess(self, outputs: list[np.ndarray], image_from_crop: np.ndarray) -> Regression:
        """Fit the face model to the network's landmarks."""
        landmarks_px, presence = self.landmarks(outputs, image_from_crop)
        fit = self._fitter.fit(landmarks_px)
        points = landmarks_px[:, :2]
        return Regression(
            parameters=fit.parameters,
            presence=presence,
            fit_error=fit.error,
            box=np.concatenate([points.min(axis=0), points.max(axis=0)]),
            region=Region.from_landmarks(landmarks_px),
        )

    def landmarks(
        self, outputs: list[np.ndarray], image_from_crop: np.ndarray
    ) -> tuple[np.ndarray, float]:
        """Return Face Mesh's landmarks (468, 3) px, z towards the viewer, and the presence."""
        by_size = {output.size: output.ravel() for output in outputs}
        crop_points = by_size[3 * FACE_MESH_LANDMARKS].reshape(-1, 3).astype(np.float64)
        crop_points[:, :2] += FACE_MESH_BIAS_PX
        xy = crop_points[:, :2] @ image_from_crop[:, :2].T + image_from_crop[:, 2]
        # Face Mesh's z grows away from the viewer, in the crop's pixels
        z = -crop_points[:, 2] * np.linalg.norm(image_from_crop[:, 0])
        return np.column_stack([xy, z]), float(1 / (1 + np.exp(-by_size[1][0])))
