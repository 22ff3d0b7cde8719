# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Face Mesh and its fit near the front, the network beyond, blended between.

Both estimate one pose. Near the front Face Mesh's fit is more accurate, above all in pitch; it
underestimates yaw and finds no face beyond about 55 degrees. The network's weight is 0 up to
FACE_MESH_ALONE_RAD of yaw, 1 from NETWORK_ALONE_RAD on, and rises continuously between, so that
nothing jumps; docs/network.md has the accuracy of each. In a stream the one without weight is not
run.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from face_recon_ros.confidence import BY_BOTH
from face_recon_ros.face_model.decoding import ParameterDecoder
from face_recon_ros.face_model.landmarks import SparseModel
from face_recon_ros.face_model.model import FaceModel
from face_recon_ros.face_model.parameters import FaceParameters, camera_matrix
from face_recon_ros.regression.base import Regression, Regressor
from face_recon_ros.regression.region import Region, turn_to_side_rad
from face_recon_ros.rotations import rotation_matrix, rotation_vector

# Turns to the side as Face Mesh finds them up to which it is alone, as the network finds them from
# which that is: chosen on the development heads of `model_building.evaluation heads`
FACE_MESH_ALONE_RAD, NETWORK_ALONE_RAD = math.radians(20), math.radians(50)
# A face that Face Mesh does not see is turned for it by so much more: it finds profiles frontal,
# but with a presence near 0
UNSEEN_TURN_RAD = math.radians(40)
# Face Mesh's fit takes heads for so much more bent down than they are, the network does not: the
# difference of both on the development heads
FACE_MESH_BENT_RAD = math.radians(4.7)
# Rotation sigma of Face Mesh's fit per fit error, on the network's scale: one posed head in a
# hundred has a fit error above 0.04, a network's sigma above 0.2 rad
SIGMA_RAD_PER_FIT_ERROR = 5.0


class HybridRegressor:
    """Two regressors as one; see the module's description."""

    def __init__(self, model: FaceModel, face_mesh: Regressor, network: Regressor) -> None:
        """Take a regressor for the front, which gives no sigma, and one for beyond, which does."""
        self._sparse = model.landmarks_68
        self._landmarks_468 = model.landmarks_468
        self._decode = ParameterDecoder(model)
        self._face_mesh = face_mesh
        self._network = network
        self._prepared = face_mesh

    def __call__(self, image: np.ndarray, region: Region, denoise: bool = False) -> Regression:
        """Run the one that the face's last turn asks for, and the other where both have weight."""
        if region.turned_rad is None:
            return self._network(image, region, denoise)
        if self._expected(region) is self._network:
            profile = self._network(image, region, denoise)
            if turn_to_side_rad(profile.parameters) >= NETWORK_ALONE_RAD:
                return _by_both(profile)
            return self._joined(self._front(image, region, denoise), profile)
        front = self._front(image, region, denoise)
        if _turn_for_face_mesh(front) <= FACE_MESH_ALONE_RAD:
            return front
        return self._joined(front, self._network(image, region, denoise))

    def flip_augmented(self, image: np.ndarray, region: Region) -> Regression:
        """Run both, the network with flip augmentation; of a new face the network alone."""
        if region.turned_rad is None:
            return self._network.flip_augmented(image, region)
        front = self._front(image, region, denoise=False)
        return self._joined(front, self._network.flip_augmented(image, region))

    def refined(self, image: np.ndarray, found: Regression, still: bool) -> Regression:
        """
        Run both, now that it is known which way up the face is.

        Until then the network is alone: upside down Face Mesh finds faces, too, and with a high
        presence.
        """
        if still:
            return self.flip_augmented(image, found.region)
        return self(image, found.region, denoise=True)

    def preprocess(self, image: np.ndarray, region: Region, denoise: bool = False) -> Any:
        """As a Regressor, of the one that the face's last turn asks for."""
        self._prepared = self._expected(region)
        return self._prepared.preprocess(image, region, denoise)

    def infer(self) -> list[np.ndarray]:
        """Run the network on what was cut out last."""
        return self._prepared.infer()

    def postprocess(self, outputs: list[np.ndarray], place: Any) -> Regression:
        """Say what the outputs of the network that ran last mean in the image."""
        found = self._prepared.postprocess(outputs, place)
        return _by_both(found) if self._prepared is self._network else self._unbent(found)

    def _expected(self, region: Region) -> Regressor:
        middle = (FACE_MESH_ALONE_RAD + NETWORK_ALONE_RAD) / 2
        # a new face may be turned: Face Mesh may find a profile frontal, the network does not
        beyond = region.turned_rad is None or region.turned_rad > middle
        return self._network if beyond else self._face_mesh

    def _front(self, image: np.ndarray, region: Region, denoise: bool) -> Regression:
        return self._unbent(self._face_mesh(image, region, denoise))

    def _unbent(self, found: Regression) -> Regression:
        """Return Face Mesh's finding about the network's zero of pitch, with a sigma."""
        if not found.presence:
            return _as_sure_as_fit(found)
        before = found.parameters
        rotation = before.model_rotation @ rotation_matrix(np.array([-FACE_MESH_BENT_RAD, 0, 0]))
        points_px = self._landmarks_468.points_px(before)
        coefficients = np.concatenate([before.shape, before.expression])
        parameters = self._decode(points_px, rotation, coefficients)
        return _as_sure_as_fit(replace(found, parameters=parameters))

    def _joined(self, front: Regression, profile: Regression) -> Regression:
        weight = network_weight(
            _turn_for_face_mesh(front), turn_to_side_rad(profile.parameters), front.presence
        )
        return blended(self._sparse, front, _by_both(profile), weight)


def network_weight(
    face_mesh_turn_rad: float, network_turn_rad: float, face_mesh_presence: float = 1.0
) -> float:
    """
    Return 0..1 of the turns to the side that the two have found.

    What does not see a face has no say: Face Mesh's part shrinks with its presence 0..1.

    It is 0 wherever Face Mesh alone is looked at and 1 wherever the network alone is, whatever the
    other would have found.
    """
    past = max(face_mesh_turn_rad - FACE_MESH_ALONE_RAD, 0.0)
    left = max(NETWORK_ALONE_RAD - network_turn_rad, 0.0)
    # where Face Mesh sees no face, past is at least UNSEEN_TURN_RAD - FACE_MESH_ALONE_RAD
    return past / (past + left * face_mesh_presence) if left else 1.0


def _if_whole(found: Regression) -> float:
    whole = found.presence_if_whole
    return found.presence if whole is None else whole


def blended(
    sparse: SparseModel, front: Regression, profile: Regression, weight: float
) -> Regression:
    """Return what lies between two regressions of a face, by the weight 0..1 of the second."""
    if weight in (0.0, 1.0):
        return profile if weight else front

    def mean(a, b):  # type: ignore[no-untyped-def]
        return (1 - weight) * a + weight * b

    parameters = _between(sparse, front.parameters, profile.parameters, weight)
    return replace(
        profile,
        parameters=parameters,
        presence=mean(front.presence, profile.presence),
        fit_error=mean(front.fit_error, profile.fit_error),
        box=mean(front.box, profile.box),
        region=_region_between(front.region, profile.region, parameters, weight),
        rotation_sigma_rad=mean(front.rotation_sigma_rad, profile.rotation_sigma_rad),
        out_of_sight=(
            mean(front.out_of_sight[0], profile.out_of_sight[0]),
            mean(front.out_of_sight[1], profile.out_of_sight[1]),
        ),
        presence_if_whole=mean(_if_whole(front), _if_whole(profile)),
    )


def _between(
    sparse: SparseModel, a: FaceParameters, b: FaceParameters, weight: float
) -> FaceParameters:
    """Return parameters on the way from a to b whose landmarks' centre is on the way, too."""
    turn = rotation_vector(b.model_rotation @ a.model_rotation.T)
    rotation = rotation_matrix(weight * turn) @ a.model_rotation
    scale = a.scale_px_per_m ** (1 - weight) * b.scale_px_per_m**weight
    shape = (1 - weight) * a.shape + weight * b.shape
    expression = (1 - weight) * a.expression + weight * b.expression
    centre = sum(
        part * sparse.points_px(parameters).mean(axis=0)
        for part, parameters in ((1 - weight, a), (weight, b))
    )
    found = FaceParameters(camera_matrix(scale, rotation, np.zeros(3)), shape, expression)
    found.camera_matrix[:, 3] = centre - sparse.points_px(found).mean(axis=0)
    return found


def _region_between(
    a: Region, b: Region, parameters: FaceParameters, weight: float
) -> Region:
    """Return a region on the way from a to b: each sees best in crops as it makes them."""
    turn = (b.roll_rad - a.roll_rad + math.pi) % (2 * math.pi) - math.pi
    return Region(
        (1 - weight) * a.centre + weight * b.centre,
        a.side_px ** (1 - weight) * b.side_px**weight,
        a.roll_rad + weight * turn,
        turn_to_side_rad(parameters),
    )


def _turn_for_face_mesh(front: Regression) -> float:
    return turn_to_side_rad(front.parameters) + UNSEEN_TURN_RAD * (1 - front.presence)


def _as_sure_as_fit(found: Regression) -> Regression:
    """Return Face Mesh's finding with a sigma as the network has one."""
    return replace(
        _by_both(found),
        region=replace(found.region, turned_rad=turn_to_side_rad(found.parameters)),
        rotation_sigma_rad=SIGMA_RAD_PER_FIT_ERROR * found.fit_error,
    )


def _by_both(found: Regression) -> Regression:
    return replace(found, calibration=BY_BOTH)
