# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
What training minimises.

The lineage's terms: the parameters weighted by how far they move the vertices (WPDC), the
landmarks and vertices themselves (VDC; Guo et al., "Towards Fast, Accurate and Stable 3D Dense
Face Alignment", 2020), a pose branch that learns from the truth first and agrees with the
parameter branch later; and an uncertainty by its negative log-likelihood.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from face_recon_ros.face_model.model import FaceModel
from face_recon_ros.face_model.parameters import SCREEN_FROM_MODEL_AXES
from face_recon_ros.regression.region import CROP_CENTRE_M
from model_building.network.face_mesh_network import SIZE
from model_building.network.model import Decoded

VERTEX_STEP = 40
"""Every so many of the dense vertices are compared."""
SMALLEST_LOG_SIGMA, LARGEST_LOG_SIGMA = -4.5, 0.5
TAUGHT_FROM = 0.3
"""Where a teacher's presence is less there is no face to learn from."""

Outputs = tuple[Tensor, Tensor, Tensor]


@dataclass(slots=True)
class Batch:
    """
    Crops with their truth; see generate.Crop. The masks (N,) are 0 or 1.

    whole: None, or what a teacher sees where `image` shows a face in part.
    """

    image: Tensor
    whole: Tensor | None
    rotation: Tensor
    scale_px_per_m: Tensor
    centre_px: Tensor
    coefficients: Tensor
    landmarks: Tensor
    is_face: Tensor
    is_photo: Tensor


@dataclass(slots=True, frozen=True)
class Weights:
    """Of the terms, in the order of Losses.terms."""

    rotation: float = 1.0
    photo_rotation: float = 0.0
    agreement: float = 0.3
    place: float = 1.0
    coefficients: float = 0.5
    vertices: float = 1.0
    landmarks: float = 1.0
    photo_landmarks: float = 25.0
    presence: float = 0.2
    uncertainty: float = 0.05


class Losses(nn.Module):
    """The terms, each a mean over the crops it concerns, in radians or parts of the crop."""

    def __init__(self, model: FaceModel, weights: Weights) -> None:
        super().__init__()
        self._weights = weights
        mean, basis = _sparse_vertices(model)
        self.register_buffer('mean', torch.from_numpy(mean - CROP_CENTRE_M).float())
        self.register_buffer('basis', torch.from_numpy(basis).float())
        self.register_buffer('screen', torch.from_numpy(SCREEN_FROM_MODEL_AXES).float())

    def vertices_m(self, coefficients: Tensor) -> Tensor:
        """Return vertices (N, V, 3) about CROP_CENTRE_M, metres, in model axes."""
        return self.mean + torch.einsum('vxk,nk->nvx', self.basis, coefficients)

    def vertices_px(self, vertices_m: Tensor, rotation: Tensor, scale: Tensor,
                    centre_px: Tensor) -> Tensor:
        """Return vertices (N, V, 3) in crop pixels."""
        turned = vertices_m @ (self.screen @ rotation).transpose(1, 2) * scale[:, None, None]
        return turned + functional.pad(centre_px, (0, 1))[:, None]

    def forward(self, outputs: Outputs, decoded: Decoded, batch: Batch,
                late: bool) -> tuple[Tensor, dict[str, float]]:
        """Return the weighted sum and each term; late: the pose branch agrees with the other."""
        return self._summed(self.terms(outputs, decoded, batch, late))

    def _summed(self, terms: dict[str, Tensor]) -> tuple[Tensor, dict[str, float]]:
        total = sum(getattr(self._weights, name) * term for name, term in terms.items())
        return total, {name: float(term.detach()) for name, term in terms.items()}

    def terms(self, outputs: Outputs, d: Decoded, b: Batch,
              late: bool) -> dict[str, Tensor]:
        """Return the terms by name."""
        _, landmarks, presence = outputs
        angle = geodesic_rad(d.rotation, b.rotation)
        truth_m = self.vertices_m(b.coefficients)
        found_m = self.vertices_m(d.coefficients)
        truth_px = self.vertices_px(truth_m, b.rotation, b.scale_px_per_m, b.centre_px)
        found_px = self.vertices_px(found_m, d.rotation, d.scale_px_per_m, d.centre_px)
        parameter_branch = _squared(d.matrix - b.rotation)
        agreement = _squared(d.matrix - d.rotation)
        place = _place(d, b.scale_px_per_m, b.centre_px)
        distance = _landmark_distance(landmarks, b.landmarks)
        turned_only = b.is_face * (1 - b.is_photo)
        return {
            'rotation': _mean(angle, turned_only),
            'photo_rotation': _mean(angle, b.is_photo),
            'agreement': _mean(parameter_branch + (2 * agreement if late else 0), turned_only),
            'place': _mean(place, b.is_face),
            'coefficients': _mean(
                (found_m - truth_m).norm(dim=2).mean(1) * b.scale_px_per_m / SIZE * 4,
                turned_only),
            'vertices': _mean((found_px - truth_px).norm(dim=2).mean(1) / SIZE, turned_only),
            'landmarks': _mean(distance, turned_only),
            'photo_landmarks': _mean(distance, b.is_photo),
            'presence': functional.binary_cross_entropy_with_logits(presence[:, 0], b.is_face),
            'uncertainty': _mean(_likelihood(d, angle.detach()), turned_only),
        }

    def to_teacher(self, outputs: Outputs, d: Decoded, taught: Outputs,
                   t: Decoded) -> tuple[Tensor, dict[str, float]]:
        """
        Return the weighted sum and terms of how far answers are from those of a teacher.

        Where it finds a face. The error to be told is the teacher's own and what is added to it.
        Hinton et al., "Distilling the Knowledge in a Neural Network" (2015).
        """
        is_face = torch.sigmoid(taught[2][:, 0])
        mask = (is_face > TAUGHT_FROM).float()
        angle = geodesic_rad(d.rotation, t.rotation)
        distance = _landmark_distance(outputs[1], taught[1])
        error_rad = torch.hypot(angle.detach(), torch.exp(_log_sigma(t)))
        found_m, truth_m = self.vertices_m(d.coefficients), self.vertices_m(t.coefficients)
        terms = {
            'rotation': _mean(angle, mask),
            'agreement': _mean(_squared(d.matrix - t.matrix), mask),
            'place': _mean(_place(d, t.scale_px_per_m, t.centre_px), mask),
            'coefficients': _mean(
                (found_m - truth_m).norm(dim=2).mean(1) * t.scale_px_per_m / SIZE * 4, mask),
            'landmarks': _mean(distance, mask),
            'presence': functional.binary_cross_entropy_with_logits(outputs[2][:, 0], is_face),
            'uncertainty': _mean(_likelihood(d, error_rad), mask),
        }
        return self._summed(terms)


def geodesic_rad(a: Tensor, b: Tensor) -> Tensor:
    """Return the angle (N,) between rotations (N, 3, 3), with a gradient at zero."""
    # |A - B|_F = 2 sqrt(2) sin(angle / 2)
    chord = (a - b).flatten(1).square().sum(1).add(1e-8).sqrt() / 8**0.5
    return 2 * torch.asin(chord.clamp(max=0.9999))


def _place(d: Decoded, scale_px_per_m: Tensor, centre_px: Tensor) -> Tensor:
    """Return how far size and place (N,) are off, as parts of the face and of the crop."""
    return (torch.log(d.scale_px_per_m / scale_px_per_m).abs()
            + ((d.centre_px - centre_px) / SIZE).abs().sum(1))


def _landmark_distance(found: Tensor, truth: Tensor) -> Tensor:
    """Return a mean (N,) over landmarks (N, 468, 3), whose depths count half."""
    error = (found - truth) / SIZE
    error = error * torch.tensor([1.0, 1.0, 0.5], device=error.device)
    return functional.smooth_l1_loss(
        error, torch.zeros_like(error), beta=0.01, reduction='none').sum(2).mean(1)


def _log_sigma(d: Decoded) -> Tensor:
    return d.log_sigma.clamp(SMALLEST_LOG_SIGMA, LARGEST_LOG_SIGMA)


def _likelihood(d: Decoded, error_rad: Tensor) -> Tensor:
    """Return the negative log-likelihood (N,) of errors, of a Laplace distribution."""
    log_sigma = _log_sigma(d)
    return log_sigma + error_rad * torch.exp(-log_sigma)


def _squared(difference: Tensor) -> Tensor:
    return difference.flatten(1).square().sum(1)


def _mean(values: Tensor, mask: Tensor) -> Tensor:
    return (values * mask).sum() / mask.sum().clamp(min=1)


def _sparse_vertices(model: FaceModel) -> tuple[np.ndarray, np.ndarray]:
    """Return mean (V, 3) and basis (V, 3, 50) of the 468 landmarks and some dense vertices."""
    chosen = np.arange(0, len(model.mean), VERTEX_STEP)
    dense = model.vertices(chosen)
    sparse = model.landmarks_468
    return (np.concatenate([sparse.mean, dense.mean]),
            np.concatenate([sparse.basis, dense.basis]))
