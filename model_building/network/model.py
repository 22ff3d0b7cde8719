# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
One network from a face crop to the 62 parameters: Face Mesh's trunk and a head for the pose.

The head's outputs are decoded by `decode`; the same steps are written into the .tflite graph by
export.py.
"""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from face_recon_ros.regression.region import CROP_SIDE_M
from model_building.network.face_mesh_network import SIZE, FaceMeshNetwork, load_layers
from model_building.network.tflite_graph import Graph

COEFFICIENTS = 50
SCALE_UNIT, SHIFT_UNIT_PX = 0.2, 0.1 * SIZE
"""An output of one changes the size of the face by e^0.2, or its place by so many pixels."""
SLICES = {
    'rotation': slice(0, 6), 'matrix': slice(6, 15), 'scale': slice(15, 16),
    'centre': slice(16, 18), 'coefficients': slice(18, 68), 'uncertainty': slice(68, 69),
}
HEAD_OUTPUTS = 69
YAW_EXCESS = 'yaw_excess'
"""The constant's name in a file."""
LEAST_LEVEL = 1e-6
"""Of a head that looks straight up or down no azimuth is known."""
FIRST_LOG_SIGMA = -2.5
"""Before training: 0.08 rad."""


@dataclass(slots=True)
class Decoded:
    """
    What the head says of N crops.

    rotation (N, 3, 3): model rotation of the pose branch. matrix (N, 3, 3): the parameter
    branch's, of unit scale but free. scale_px_per_m (N,). centre_px (N, 2): where CROP_CENTRE_M
    is. coefficients (N, 50). log_sigma (N,): of the rotation's error in radians.
    """

    rotation: Tensor
    matrix: Tensor
    scale_px_per_m: Tensor
    centre_px: Tensor
    coefficients: Tensor
    log_sigma: Tensor


def rotation_from_6d(values: Tensor) -> Tensor:
    """
    Return rotations (N, 3, 3) whose first two rows are values (N, 6) made orthonormal.

    Zhou et al., "On the Continuity of Rotation Representations in Neural Networks" (2019).
    """
    first = functional.normalize(values[:, :3], dim=1)
    second = values[:, 3:] - (first * values[:, 3:]).sum(1, keepdim=True) * first
    second = functional.normalize(second, dim=1)
    return torch.stack([first, second, torch.linalg.cross(first, second)], 1)


def with_less_yaw(rotation: Tensor, excess: float) -> Tensor:
    """
    Return rotations (N, 3, 3), model axes -> image-right, up, towards the viewer, turned back.

    About the viewer's vertical, by excess sin(a) cos(a) of an azimuth a: in front by that part of
    the azimuth, frontal faces and profiles not at all.
    """
    x, z = rotation[:, :1, 2], rotation[:, 2:, 2]
    sine = (excess * (x * z) / (x * x + z * z + LEAST_LEVEL))[:, :, None]
    cosine = torch.sqrt(1 - sine * sine)
    right, up, toward = rotation[:, :1], rotation[:, 1:2], rotation[:, 2:]
    return torch.cat([cosine * right - sine * toward, up, sine * right + cosine * toward], 1)


def _coefficient_constants(graph: Graph, path: Path) -> tuple[Tensor, Tensor]:
    """Return what coefficients are multiplied by and then added to, (50,) each."""
    found = []
    for kind in ('MUL', 'ADD'):
        constants = [
            int(operator.inputs[1]) for operator in graph.operators
            if graph.name(operator) == kind
            and graph.shape(int(operator.inputs[1])) == (1, COEFFICIENTS)
            and graph.is_constant(int(operator.inputs[1]))
        ]
        if len(constants) != 1:
            raise ValueError(f'{path}: not a file of model_building.network.export')
        found.append(torch.from_numpy(graph.constant(constants[0])[0].copy()))
    return found[0], found[1]


class FaceReconNetwork(nn.Module):
    """
    RGB crops (N, 3, 192, 192) in 0..1 -> head outputs, landmarks, presence logit.

    yaw_excess: how much too far the trained pose branch turns heads that it has not learnt from;
    see with_less_yaw(). 0 while it is trained; not one of the weights.
    """

    NARROW, HIDDEN = 96, 192

    def __init__(self, coefficient_mean: Tensor, coefficient_scale: Tensor) -> None:
        """Coefficients are the mean (50,) plus the head's outputs times the scale (50,)."""
        super().__init__()
        self.yaw_excess = 0.0
        self.face_mesh = FaceMeshNetwork()
        self.narrow = nn.Conv2d(128, self.NARROW, 1)
        self.narrow_activation = nn.PReLU(self.NARROW)
        self.hidden = nn.Conv2d(self.NARROW, self.HIDDEN, 3)
        self.hidden_activation = nn.PReLU(self.HIDDEN)
        self.last = nn.Conv2d(self.HIDDEN, HEAD_OUTPUTS, 1)
        self.register_buffer('coefficient_mean', coefficient_mean)
        self.register_buffer('coefficient_scale', coefficient_scale)
        self._start()

    @classmethod
    def from_file(cls, path: Path) -> FaceReconNetwork:
        """Take the weights of a file that export.py wrote; raises ValueError for another file."""
        graph = Graph(path)
        scale, mean = _coefficient_constants(graph, path)
        network = cls(mean, scale)
        excess = graph.constant_named(YAW_EXCESS)
        network.yaw_excess = 0.0 if excess is None else float(excess.item())
        network.face_mesh.load_file(path)
        layers = [network.narrow, network.narrow_activation, network.hidden,
                  network.hidden_activation, network.last]
        load_layers(graph, path, layers, skip=len(list(network.face_mesh.layers())))
        return network

    def _start(self) -> None:
        """Begin with a frontal face in the middle of the crop."""
        nn.init.normal_(self.last.weight, 0, 0.003)
        with torch.no_grad():
            self.last.bias.zero_()
            self.last.bias[[0, 4, 6, 10, 14]] = 1
            self.last.bias[SLICES['uncertainty']] = FIRST_LOG_SIGMA

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return head outputs (N, 69), landmarks (N, 468, 3) px, presence (N, 1)."""
        features, landmarks, presence = self.face_mesh(image)
        x = self.narrow_activation(self.narrow(features))
        x = self.hidden_activation(self.hidden(x))
        return self.last(x).flatten(1), landmarks, presence

    def decode(self, outputs: Tensor) -> Decoded:
        """Give the head's outputs (N, 69) their meaning."""
        part = {name: outputs[:, where] for name, where in SLICES.items()}
        scale = torch.exp(part['scale'][:, 0] * SCALE_UNIT) * (SIZE / CROP_SIDE_M)
        rotation = with_less_yaw(rotation_from_6d(part['rotation']), self.yaw_excess)
        return Decoded(
            rotation, part['matrix'].unflatten(1, (3, 3)), scale,
            part['centre'] * SHIFT_UNIT_PX + (SIZE - 1) / 2,
            part['coefficients'] * self.coefficient_scale + self.coefficient_mean,
            part['uncertainty'][:, 0])
