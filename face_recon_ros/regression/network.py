"""
One network from a face crop to the 62 parameters, and the files that can be one.

Two signatures are read. Ours (docs/network.md): image (1, 192, 192, 3) RGB in 0..1; outputs
camera, params, rotation, uncertainty, presence, landmarks_468 by these names. The lineage's
(1996scarlet/Dense-Head-Pose-Estimation): image (1, 3, 120, 120) RGB in -1..1, outputs a camera
matrix (1, 3, 4) and landmarks (1, 68, 2 or 3) or, of the model's own mesh, (1, V, 3), in pixels
of the crop. Their coefficients belong to another face model, so ours is fitted to the landmarks.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np

from face_recon_ros.errors import ModelFileError
from face_recon_ros.face_model.decoding import ParameterDecoder
from face_recon_ros.face_model.model import (
    EXPRESSION_COUNT,
    OUTER_CANTHI_468,
    SCREEN_FROM_MODEL_AXES,
    SHAPE_COUNT,
    FaceModel,
    FaceParameters,
    SparseModel,
    camera_matrix,
    similarity,
)
from face_recon_ros.paths import model_file
from face_recon_ros.regression.hybrid import HybridRegressor
from face_recon_ros.regression.image_fit import fit_in_image
from face_recon_ros.regression.regressor import (
    FACE_MESH_FILE,
    FaceMeshRegressor,
    Region,
    Regression,
    Regressor,
    cut,
    in_sight,
    none_where_no_pose_follows,
    softened,
)
from face_recon_ros.tflite import Network

NETWORK_FILE = 'face_recon.tflite'
NETWORK, FACE_MESH, HYBRID = 'network', 'facemesh', 'hybrid'
REGRESSORS = (NETWORK, FACE_MESH, HYBRID)
OWN_OUTPUTS = ('camera', 'landmarks_468', 'params', 'presence', 'rotation', 'uncertainty')
LINEAGE_INPUT = (1, 3, 120, 120)
# Standard deviation, in pixels of our crops, by which a stream's are softened: the sensor's noise
# trembles from image to image and the pose with it; what faces show is coarser (docs/network.md)
SOFTENING_PX = 1.2
# iBUG-68 landmarks on the outer corners of the eyes: their distance is the unit of fit_error
OUTER_CANTHI_68 = (36, 45)


def load_regressor(
    kind: str, model: FaceModel, path: str | Path | None = None, threads: int = 1
) -> Regressor:
    """
    Return 'hybrid' (both), 'network', or 'facemesh' with its closed-form fit.

    :param path: of another network or, of 'facemesh', Face Mesh; with 'hybrid' a network that
        stands by itself. None: the shipped file
    :raises ModelFileError: the file is not of that kind.
    :raises ValueError: there is no such kind.
    """
    if kind not in REGRESSORS:
        raise ValueError(f'regressor {kind!r}: choose one of {", ".join(REGRESSORS)}')
    if kind == FACE_MESH:
        return FaceMeshRegressor(model, path, threads)
    network = NetworkRegressor(model, path, threads)
    if kind == NETWORK or path:
        return network
    face_mesh = FaceMeshRegressor(model, threads=threads, softening_px=SOFTENING_PX)
    return HybridRegressor(model, face_mesh, network)


def regressor_files(kind: str, path: str | Path | None = None) -> dict[str, Path]:
    """Return the files that load_regressor reads, by what they are for."""
    if kind == HYBRID and not path:
        return {
            f'regressor {FACE_MESH}': model_file(FACE_MESH_FILE),
            f'regressor {NETWORK}': model_file(NETWORK_FILE),
        }
    shipped = FACE_MESH_FILE if kind == FACE_MESH else NETWORK_FILE
    return {'regressor': Path(path or model_file(shipped))}


@dataclass(slots=True, frozen=True)
class Reading:
    """
    What a network's outputs say, in crop pixels.

    points_px (N, 2): landmarks around the face. The rest: see Regression.
    """

    parameters: FaceParameters
    points_px: np.ndarray
    presence: float
    fit_error: float
    rotation_sigma_rad: float | None


class Signature(Protocol):
    """How a kind of file takes its image, size x size, and gives its results."""

    size: int
    softening_px: float

    def fill(self, tensor: np.ndarray, rgb: np.ndarray) -> None:
        """Write a crop (size, size, 3) uint8 RGB into the input tensor."""

    def read(self, outputs: list[np.ndarray]) -> Reading:
        """Say what the outputs mean."""

    def region(self, region: Region) -> Region:
        """Return the region to cut for a face in `region`."""

    def mirrored_too(self, outputs: list[np.ndarray], network: Network) -> list[np.ndarray]:
        """
        Return outputs averaged with those of the mirrored crop.

        :param network: its input holds the crop that outputs are of
        """


class NetworkRegressor:
    """A network that finds the parameters in one go; see the module's description."""

    def __init__(
        self, model: FaceModel, path: str | Path | None = None, threads: int = 1
    ) -> None:
        """:raises ModelFileError: the file has neither signature."""
        self._network = Network(path or model_file(NETWORK_FILE), threads)
        self._signature = _signature_of(self._network, model)

    @none_where_no_pose_follows
    def __call__(self, image: np.ndarray, region: Region, soften: bool = False) -> Regression:
        image_from_crop = self.preprocess(image, region, soften)
        return self._found(self.infer(), image_from_crop, image, region)

    @none_where_no_pose_follows
    def in_both_mirrors(self, image: np.ndarray, region: Region) -> Regression:
        """Look at the crop and its mirror image; what a network errs on one side cancels."""
        image_from_crop = self.preprocess(image, region)
        outputs = self._signature.mirrored_too(self.infer(), self._network)
        return self._found(outputs, image_from_crop, image, region)

    def settled(self, image: np.ndarray, found: Regression, still: bool) -> Regression:
        """Return what was found: nothing is gained by another look."""
        return found

    def _found(
        self,
        outputs: list[np.ndarray],
        image_from_crop: np.ndarray,
        image: np.ndarray,
        region: Region,
    ) -> Regression:
        """Return what was found, less present the less of it lies in the image."""
        found = self.postprocess(outputs, image_from_crop)
        return replace(found, presence=found.presence * in_sight(found.box, region, image))

    def preprocess(
        self, image: np.ndarray, region: Region, soften: bool = False
    ) -> np.ndarray:
        """Cut the region out as the network's input; return the map (2, 3) crop -> image px."""
        signature = self._signature
        rgb, image_from_crop = cut(image, signature.region(region), signature.size)
        if soften:
            rgb = softened(rgb, signature.softening_px)
        signature.fill(self._network.input_tensor()[0], rgb)
        return image_from_crop

    def infer(self) -> list[np.ndarray]:
        """Run the network on what was cut out last."""
        return self._network.run()

    def postprocess(self, outputs: list[np.ndarray], image_from_crop: np.ndarray) -> Regression:
        """Take what the network found in its crop to the image."""
        reading = self._signature.read(outputs)
        parameters = _in_image(reading.parameters, image_from_crop)
        points = reading.points_px @ image_from_crop[:, :2].T + image_from_crop[:, 2]
        return Regression(
            parameters=parameters,
            presence=reading.presence,
            fit_error=reading.fit_error,
            box=np.concatenate([points.min(axis=0), points.max(axis=0)]),
            region=Region.from_parameters(parameters),
            rotation_sigma_rad=reading.rotation_sigma_rad,
        )


def _in_image(parameters: FaceParameters, image_from_crop: np.ndarray) -> FaceParameters:
    """Take the parameters in a crop, cut by a similarity, to the image."""
    linear = np.eye(3)
    linear[:2, :2] = image_from_crop[:, :2]
    linear[2, 2] = np.linalg.norm(image_from_crop[:, 0])
    matrix = linear @ parameters.camera_matrix
    matrix[:2, 3] += image_from_crop[:, 2]
    return FaceParameters(matrix, parameters.shape, parameters.expression)


def _signature_of(network: Network, model: FaceModel) -> Signature:
    if set(OWN_OUTPUTS) <= set(network.output_names):
        return _OwnSignature(network, model)
    shapes = network.output_shapes()
    if network.input_shape == LINEAGE_INPUT and (1, 3, 4) in shapes:
        return _LineageSignature(network, shapes, model)
    raise ModelFileError(
        f'model file {network.path}: image {network.input_shape} -> '
        f'{", ".join(network.output_names)} is no face network this program knows; '
        f'give {NETWORK_FILE}, or one with image {LINEAGE_INPUT}, camera and landmarks'
    )


class _OwnSignature:
    """
    models/face_recon.tflite and networks trained like it.

    The rotation is the pose branch's: what the landmarks in the image would make of it depends on
    the relief of the face, which they do not show (docs/network.md).
    """

    softening_px = SOFTENING_PX

    def __init__(self, network: Network, model: FaceModel) -> None:
        self.size = network.input_shape[1]
        self._index = {name: network.output_names.index(name) for name in OWN_OUTPUTS}
        self._sparse = model.landmarks_468
        self._decode = ParameterDecoder(model)
        self._mirror_landmarks = model.landmarks_468_mirror
        self._mirror_signs = model.coefficient_mirror_signs()

    def fill(self, tensor: np.ndarray, rgb: np.ndarray) -> None:
        np.multiply(rgb, np.float32(1 / 255), out=tensor)

    def region(self, region: Region) -> Region:
        return region

    def mirrored_too(self, outputs: list[np.ndarray], network: Network) -> list[np.ndarray]:
        image = network.input_tensor()
        image[:] = image[:, :, ::-1].copy()
        del image  # the runtime forbids keeping it
        mirrored = network.run()
        both = list(outputs)
        for name in ('presence', 'uncertainty'):
            i = self._index[name]
            both[i] = (outputs[i] + mirrored[i]) / 2
        points, rotation, numbers = (
            self._index[name] for name in ('landmarks_468', 'rotation', 'params')
        )
        both[points] = (outputs[points] + self._landmarks_back(mirrored[points])) / 2
        # the rotation next to both
        u, _, v = np.linalg.svd(outputs[rotation][0] + _rotation_back(mirrored[rotation])[0])
        both[rotation] = (u @ v)[None]
        mirrored_coefficients = self._mirror_signs * mirrored[numbers][0, 12:]
        coefficients = (outputs[numbers][0, 12:] + mirrored_coefficients) / 2
        parameters = self._decode(both[points][0], both[rotation][0], coefficients)
        both[numbers] = parameters.vector()[None]
        return both

    def _landmarks_back(self, landmarks: np.ndarray) -> np.ndarray:
        back = landmarks[:, self._mirror_landmarks].astype(np.float64)
        back[..., 0] = self.size - 1 - back[..., 0]
        return back

    def read(self, outputs: list[np.ndarray]) -> Reading:
        values = {name: outputs[i] for name, i in self._index.items()}
        numbers = values['params'][0].astype(np.float64)
        shape, expression = np.split(numbers[12:], [SHAPE_COUNT])
        parameters = FaceParameters(numbers[:12].reshape(3, 4), shape, expression)
        points = values['landmarks_468'][0, :, :2].astype(np.float64)
        return Reading(
            parameters,
            points,
            float(values['presence'].item()),
            _fit_error(self._sparse, OUTER_CANTHI_468, parameters, points),
            float(values['uncertainty'].item()),
        )


class _LineageSignature:
    """sparse_face.tflite and dense_face.tflite of the lineage, which users may bring."""

    # its crops are coarse already
    softening_px = 0.0
    # Its crop is 1.35 times the face's box, ours ENLARGEMENT times
    REGION_PART = 1.35 / Region.ENLARGEMENT
    # Landmarks that ours cannot follow closer than this part of the eye distance are no face
    LARGEST_FIT_ERROR = 0.12

    def __init__(
        self, network: Network, shapes: list[tuple[int, ...]], model: FaceModel
    ) -> None:
        self.size = LINEAGE_INPUT[2]
        self._sparse = model.landmarks_68
        self._model = model
        count = len(model.mean)
        known = [i for i, shape in enumerate(shapes)
                 if shape in ((1, 68, 2), (1, 68, 3), (1, count, 3))]
        if len(known) != 1:
            raise ModelFileError(
                f'model file {network.path}: outputs {shapes}, wants landmarks of 68 points or '
                f'of the {count} vertices of {model.path.name}; give its sparse sister'
            )
        self._landmarks = known[0]

    def fill(self, tensor: np.ndarray, rgb: np.ndarray) -> None:
        # the lineage stretches each crop to the whole range
        low, high = int(rgb.min()), int(rgb.max())
        scaled = (rgb.transpose(2, 0, 1) - np.float32(low)) * np.float32(2 / max(high - low, 1))
        np.subtract(scaled, 1, out=tensor)

    def region(self, region: Region) -> Region:
        return Region(region.centre, self.REGION_PART * region.side_px, region.roll_rad)

    def mirrored_too(self, outputs: list[np.ndarray], network: Network) -> list[np.ndarray]:
        return outputs

    def read(self, outputs: list[np.ndarray]) -> Reading:
        points = self._points_68(outputs[self._landmarks][0].astype(np.float64))
        parameters = fit_in_image(self._sparse, self._start(points), points, 0.0)
        error = _fit_error(self._sparse, OUTER_CANTHI_68, parameters, points[:, :2])
        # such a network says nothing about whether there is a face: how like one it is does
        presence = float(np.clip(1.5 - error / self.LARGEST_FIT_ERROR, 0, 1))
        return Reading(parameters, points[:, :2], presence, error, None)

    def _points_68(self, points: np.ndarray) -> np.ndarray:
        """Return landmarks (68, 3) of what the network gave; z is 0 where it has none."""
        if len(points) == 68:
            return np.column_stack([points[:, :2], np.zeros(68)])
        return self._model.embed_68(points)

    def _start(self, points: np.ndarray) -> FaceParameters:
        """Return the mean face where the landmarks are, turned in the image only."""
        mean = self._sparse.mean
        flat = np.column_stack([mean[:, :2], np.zeros(68)])
        target = points @ SCREEN_FROM_MODEL_AXES * np.array([1, 1, 0])
        scale, rotation, translation = similarity(flat, target)
        matrix = camera_matrix(scale, rotation, SCREEN_FROM_MODEL_AXES @ translation)
        return FaceParameters(matrix, np.zeros(SHAPE_COUNT), np.zeros(EXPRESSION_COUNT))


def _rotation_back(rotation: np.ndarray) -> np.ndarray:
    """Return a mirrored head's model rotation (1, 3, 3) as the head's own."""
    signs = np.array([-1.0, 1.0, 1.0])
    return rotation * signs[:, None] * signs


def _fit_error(
    sparse: SparseModel, canthi: tuple[int, int], parameters: FaceParameters, points: np.ndarray
) -> float:
    """Return the mean distance in the image of landmarks (N, 2) and the model's; see Fit."""
    model_points = sparse.points(parameters)
    unit = np.linalg.norm(model_points[canthi[0]] - model_points[canthi[1]])
    difference = parameters.project(model_points)[:, :2] - points
    distance = np.sqrt(np.einsum('ij,ij->i', difference, difference)).mean()
    return float(distance / (unit * parameters.scale_px_per_m))
