# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a network that others learn from says of a crop."""
from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from face_recon_ros.face_model.model import FaceModel
from model_building.network.face_mesh_network import SIZE
from model_building.network.losses import Outputs
from model_building.network.model import HEAD_OUTPUTS, SLICES, Decoded, FaceReconNetwork

MIRRORED = np.array([1.0, -1, -1, -1, 1, 1, -1, 1, 1])
"""Signs of the rows of a rotation when the image is mirrored left to right."""


class Teacher:
    """
    What a network says of a crop, or the mean of that and of what it says of its mirror image.

    What it errs by to one side only is not passed on by the mean: streams look at each image once,
    and would show it for ever.
    """

    def __init__(self, network: FaceReconNetwork, model: FaceModel, in_mirror: bool) -> None:
        self._in_mirror = in_mirror
        self._network = network.eval().requires_grad_(requires_grad=False)
        device = network.last.weight.device
        self._landmarks = torch.from_numpy(
            model.landmarks_468_mirror.astype(np.int64)).to(device)
        signs = torch.ones(HEAD_OUTPUTS)
        rows = torch.from_numpy(MIRRORED).float()
        signs[SLICES['rotation']], signs[SLICES['matrix']] = rows[:6], rows
        signs[SLICES['centre']] = torch.tensor([-1.0, 1.0])
        coefficients = torch.from_numpy(model.coefficient_mirror_signs()).float()
        signs[SLICES['coefficients']] = coefficients
        self._signs = signs.to(device)
        # the head tells coefficients from their mean, which need not be its own mirror image
        mean, scale = network.coefficient_mean, network.coefficient_scale
        self._offset = torch.zeros(HEAD_OUTPUTS, device=device)
        self._offset[SLICES['coefficients']] = (coefficients.to(device) - 1) * mean / scale

    @torch.no_grad()
    def __call__(self, image: Tensor) -> tuple[Outputs, Decoded]:
        """Return head outputs, landmarks and presence of crops (N, 3, S, S), and the decoded."""
        outputs: Outputs = self._network(image)
        if self._in_mirror:
            mirrored = self.back(self._network(image.flip(-1)))
            head, landmarks, presence = (
                (a + b) / 2 for a, b in zip(outputs, mirrored, strict=True))
            outputs = head, landmarks, presence
        return outputs, self._network.decode(outputs[0])

    def back(self, outputs: Outputs) -> Outputs:
        """Return outputs for mirrored crops as those for the crops themselves."""
        head, landmarks, presence = outputs
        landmarks = landmarks[:, self._landmarks] * landmarks.new_tensor([-1.0, 1, 1])
        landmarks = landmarks + landmarks.new_tensor([SIZE - 1.0, 0, 0])
        return head * self._signs + self._offset, landmarks, presence
