# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Learn a file of landmarks' expressions from simulated landmarks.

    python -m model_building.expression.train --ict F [--output FILE] [--steps N] [--seed N]

Every sample is learnt from as it is and in the mirror. Each unit's gain and confidence are
measured on other simulated people.
"""
from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from face_recon_ros.expression import units
from face_recon_ros.face_model.model import FaceModel
from model_building.expression.features import Aligned, feature_vector, mirrored
from model_building.expression.landmark_regression import FORMAT_VERSION
from model_building.expression.simulate import Simulation
from model_building.face_model.assets import sha256_of
from model_building.face_model.errors import ModelBuildingError
from model_building.face_model.model_file import write_arrays

ROOT = Path(__file__).resolve().parents[2]
COMPONENTS, HIDDEN = 160, (192, 96)
NOISE_FLOOR_M = 2e-4
"""Components that vary less are not blown up to unit size."""
TURN_UNIT_RAD = 0.3
STEPS, BATCH, RATE, DECAY, DROPOUT, FEATURE_NOISE = 1500, 256, 2e-3, 1e-2, 0.1, 0.05
SIMULATED, HELD_OUT = 20000, 4000
SHOWN, SHOWN_READS, LARGEST_GAIN = 0.7, 0.85, 1.5
"""Units shown at this or more are to read like that, on the average of their own range."""
NOT_SEEN = tuple(
    f'eyeLook{way}{side}' for way in ('In', 'Out', 'Up') for side in ('Left', 'Right'))
"""Face Mesh has no irises: what the simulation shows of them by the lids is not seen in photos."""
LEAST_CORRELATION = 0.6
"""Units that are known less well than this are not told at all."""


@dataclass(slots=True, frozen=True)
class Samples:
    """features (N, 1407), of the mirror image (N, 1407), weights (N, 52)."""

    features: np.ndarray
    mirrored: np.ndarray
    weights: np.ndarray

    @classmethod
    def simulated(cls, model: FaceModel, simulation: Simulation, seed: int,
                  count: int) -> Samples:
        """Draw landmarks of which nothing was rendered."""
        reference, mirror = model.landmarks_468.mean, model.landmarks_468_mirror
        points, turns, weights = simulation(np.random.default_rng(seed), count)
        faces = [Aligned(p, t) for p, t in zip(points, turns, strict=True)]
        return cls(
            np.array([feature_vector(f, reference) for f in faces], np.float32),
            np.array([feature_vector(mirrored(f, mirror), reference) for f in faces], np.float32),
            weights.astype(np.float32))


def components(samples: Samples) -> tuple[np.ndarray, np.ndarray]:
    """Return centre (1407,) and principal components (1407, C + 3), the turn kept as it is."""
    both = np.concatenate([samples.features, samples.mirrored]).astype(np.float64)
    centre = both.mean(axis=0)
    centre[-3:] = 0.0
    spread = both[:, :-3] - centre[:-3]
    variance, axes = np.linalg.eigh(spread.T @ spread / len(spread))
    largest = np.argsort(variance)[::-1][:COMPONENTS]
    size = np.sqrt(variance[largest] + NOISE_FLOOR_M**2)
    matrix = np.zeros((len(centre), COMPONENTS + 3))
    matrix[:-3, :COMPONENTS] = axes[:, largest] / size
    matrix[-3:, COMPONENTS:] = np.eye(3) / TURN_UNIT_RAD
    return centre.astype(np.float32), matrix.astype(np.float32)


class Net(torch.nn.Module):
    """Two hidden layers."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(inputs, HIDDEN[0]), torch.nn.ReLU(), torch.nn.Dropout(DROPOUT),
            torch.nn.Linear(HIDDEN[0], HIDDEN[1]), torch.nn.ReLU(), torch.nn.Dropout(DROPOUT),
            torch.nn.Linear(HIDDEN[1], units.COUNT))
        self.mirror = torch.from_numpy(units.MIRROR)

    def forward(self, faces: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
        """Return the mean over a face and its mirror image."""
        back = self.layers(others)[:, self.mirror]
        return (self.layers(faces) + back) / 2


def train(simulated: Samples, centre: np.ndarray, matrix: np.ndarray, steps: int,
          seed: int) -> Net:
    """Return the network."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)

    def inputs(features: np.ndarray) -> torch.Tensor:
        return torch.from_numpy((features - centre) @ matrix)

    faces, others = inputs(simulated.features), inputs(simulated.mirrored)
    goals = torch.from_numpy(simulated.weights)
    net = Net(matrix.shape[1])
    optimizer = torch.optim.AdamW(net.parameters(), RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps)
    for step in range(steps):
        rows = torch.from_numpy(rng.integers(len(goals), size=BATCH))
        noise = FEATURE_NOISE * torch.randn(2, BATCH, matrix.shape[1])
        found = net(faces[rows] + noise[0], others[rows] + noise[1])
        loss = ((found - goals[rows]) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % (steps // 10) == 0:
            sys.stdout.write(f'{step}/{steps} {loss.item():.5f}\n')
            sys.stdout.flush()
    return net.eval()


def measured(net: Net, held_out: Samples, centre: np.ndarray,
             matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return each unit's offset, gain and confidence (52,) on people that were held out."""
    with torch.no_grad():
        found = net(torch.from_numpy((held_out.features - centre) @ matrix),
                    torch.from_numpy((held_out.mirrored - centre) @ matrix)).numpy()
    offset, gain, confidence = np.zeros(units.COUNT), np.ones(units.COUNT), np.zeros(units.COUNT)
    for k, name in enumerate(units.NAMES):
        wanted, read = held_out.weights[:, k], found[:, k]
        shown = wanted >= SHOWN
        if name in NOT_SEEN or shown.sum() < 3 or not (wanted == 0).any():
            continue
        offset[k] = np.median(read[wanted == 0])
        span = max(float(read[shown].mean()) - offset[k], 1e-3)
        gain[k] = np.clip(SHOWN_READS / span, 1.0, LARGEST_GAIN)
        correlation = float(np.corrcoef(wanted, read)[0, 1])
        confidence[k] = correlation**2 if correlation >= LEAST_CORRELATION else 0.0
    sides = units.MIRROR
    return ((offset + offset[sides]) / 2, (gain + gain[sides]) / 2,
            (confidence + confidence[sides]) / 2)


def arrays_of(net: Net, centre: np.ndarray, matrix: np.ndarray, offset: np.ndarray,
              gain: np.ndarray, confidence: np.ndarray) -> dict[str, np.ndarray]:
    """Return the arrays of the file; offset and gain go into the last layer."""
    linear = [layer for layer in net.layers if isinstance(layer, torch.nn.Linear)]
    weights = [layer.weight.detach().numpy().T for layer in linear]
    biases = [layer.bias.detach().numpy() for layer in linear]
    arrays = {
        'centre': centre, 'components': matrix, 'hidden_1': weights[0], 'bias_1': biases[0],
        'hidden_2': weights[1], 'bias_2': biases[1], 'output': weights[2] * gain,
        'output_bias': (biases[2] - offset) * gain, 'confidence': confidence,
    }
    return {
        **{name: np.ascontiguousarray(array, np.float32) for name, array in arrays.items()},
        'names': np.array(units.NAMES),
        'format_version': np.array(FORMAT_VERSION, np.int32),
        'provenance': np.array(
            'Learnt from landmarks of people of the ICT face model (MIT, Copyright (c) 2020 USC '
            'Institute for Creative Technologies). Made by model_building.expression.train.'),
    }


def main() -> int:
    """Run the command; returns the exit status."""
    parser = argparse.ArgumentParser(prog='python -m model_building.expression.train',
                                     description=__doc__)
    parser.add_argument('--ict', type=Path, required=True)
    parser.add_argument('--output', type=Path, required=True)
    parser.add_argument('--steps', type=int, default=STEPS)
    parser.add_argument('--seed', type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    model = FaceModel()
    try:
        simulation, seed = Simulation(arguments.ict, model), arguments.seed
        simulated = Samples.simulated(model, simulation, seed, SIMULATED)
        held_out = Samples.simulated(model, simulation, seed + 1000, HELD_OUT)
    except (OSError, ModelBuildingError) as error:
        sys.stderr.write(f'{error}\n')
        return 1
    centre, matrix = components(simulated)
    net = train(simulated, centre, matrix, arguments.steps, arguments.seed)
    of_units = measured(net, held_out, centre, matrix)
    write_arrays(arguments.output, arrays_of(net, centre, matrix, *of_units))
    for name, offset, gain, confidence in zip(units.NAMES, *of_units, strict=True):
        sys.stdout.write(f'{name} offset {offset:.3f} gain {gain:.2f} confidence '
                         f'{confidence:.2f}\n')
    sys.stdout.write(f'{arguments.output}: {sha256_of(arguments.output)}\n')
    return 0


if __name__ == '__main__':
    sys.exit(main())
