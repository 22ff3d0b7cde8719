# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How a network under training does on held-out crops whose truth is known."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from face_recon_ros.face_model.model import FaceModel
from model_building.network.dataset import CropSet
from model_building.network.face_mesh_network import SIZE
from model_building.network.losses import geodesic_rad
from model_building.network.model import FaceReconNetwork

BANDS_DEG = ((0, 30), (30, 60), (60, 100))
BATCH = 50


class Validation:
    """Measures networks on the crops of some shards."""

    def __init__(self, paths: list[Path], device: torch.device) -> None:
        """:raises ValueError: no shard given."""
        self._crops = CropSet(paths, FaceModel())
        self._device = device

    @torch.no_grad()
    def __call__(self, network: FaceReconNetwork) -> dict[str, float]:
        """
        Return figures by name.

        error_<band>: mean geodesic error of the rotation, degrees; landmarks_<band>: mean distance
        of the 468 in % of the crop; yaw_slope, pitch_slope: found over true angle of where faces
        look, all bands, and of pitch within each; sigma: how the predicted error orders them,
        correlation of ranks.
        """
        network.eval()
        angle, distance, true, found, sigma = ([] for _ in range(5))
        for start in range(0, len(self._crops), BATCH):
            index = np.arange(start, min(start + BATCH, len(self._crops)))
            batch = self._crops.batch(index, np.zeros(len(index), bool), self._device)
            outputs = network(batch.image)
            decoded = network.decode(outputs[0])
            face = batch.is_face > 0
            angle.append(geodesic_rad(decoded.rotation, batch.rotation)[face])
            off = (outputs[1] - batch.landmarks)[..., :2].norm(dim=2).mean(1) / SIZE
            distance.append(off[face])
            true.append(batch.rotation[face][:, :, 2])
            found.append(decoded.rotation[face][:, :, 2])
            sigma.append(decoded.log_sigma[face])
        network.train()
        errors = torch.cat(angle).cpu().numpy()
        return _figures(np.degrees(errors), 100 * torch.cat(distance).cpu().numpy(),
                        _angles_deg(torch.cat(true)), _angles_deg(torch.cat(found)),
                        torch.cat(sigma).cpu().numpy())


def _angles_deg(forward: torch.Tensor) -> np.ndarray:
    """Return azimuth and elevation (N, 2) of directions (N, 3)."""
    x, y, z = forward.cpu().numpy().astype(float).T
    return np.degrees(np.column_stack([np.arctan2(x, z), np.arcsin(np.clip(y, -1, 1))]))


def _figures(error: np.ndarray, distance: np.ndarray, true: np.ndarray, found: np.ndarray,
             sigma: np.ndarray) -> dict[str, float]:
    figures = {}
    turn = np.abs(true[:, 0])
    for low, high in BANDS_DEG:
        inside = (turn >= low) & (turn < high)
        figures[f'error_{low}'] = float(error[inside].mean())
        figures[f'landmarks_{low}'] = float(distance[inside].mean())
        figures[f'pitch_slope_{low}'] = _slope(true[inside, 1], found[inside, 1])
    figures['yaw_slope'] = _slope(true[:, 0], found[:, 0])
    figures['pitch_slope'] = _slope(true[:, 1], found[:, 1])
    figures['sigma'] = float(np.corrcoef(_ranks(error), _ranks(sigma))[0, 1])
    return {name: round(value, 4) for name, value in figures.items()}


def _slope(true: np.ndarray, found: np.ndarray) -> float:
    centred = true - true.mean()
    return float(centred @ found / (centred @ centred))


def _ranks(values: np.ndarray) -> np.ndarray:
    return values.argsort().argsort()
