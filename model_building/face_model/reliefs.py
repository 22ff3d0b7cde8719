# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Make models/reliefs.npz: how the reliefs of scanned people's faces differ.

    python -m model_building.face_model.reliefs --ict FOLDER [--output FILE]

People of the ICT face model are drawn and laid onto the mean face; what is left along its normals
where depth is compared has principal components. What those people have in common beside the mean
face is one of them: whose mean is everybody's is not known.
"""
from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from face_recon_ros.depth_alignment import skin_points
from face_recon_ros.face_model.model import FaceModel
from face_recon_ros.face_model.procrustes import similarity
from face_recon_ros.relief_statistics import FILE
from model_building.face_model.assets import sha256_of
from model_building.face_model.errors import ModelBuildingError
from model_building.face_model.ict_build import sample_weights
from model_building.face_model.ict_correspondence import IctFaces
from model_building.face_model.ict_model import IctModel
from model_building.face_model.model_file import write_arrays

ROOT = Path(__file__).resolve().parents[2]
PEOPLE, SEED = 4000, 18
COMPONENTS = 30
"""They leave 0.25 of the reliefs' 2.3 mm."""
PROVENANCE = ('Statistics of 4,000 faces drawn from ICT-FaceKit light (MIT, Copyright (c) 2020 '
              'USC Institute for Creative Technologies). Made by '
              'model_building.face_model.reliefs.')


def reliefs_of(people: np.ndarray, mean: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """
    Return how far people (P, N, 3), each laid onto a mean (N, 3), lie out of it (P, N).

    normals (N, 3): of the mean.
    """
    found = []
    for points in people:
        scale, rotation, move = similarity(points, mean)
        laid = scale * points @ rotation.T + move
        found.append(np.einsum('nx,nx->n', laid - mean, normals))
    return np.array(found)


def components(reliefs: np.ndarray, count: int) -> np.ndarray:
    """Return modes (N, count) of reliefs (P, N), weights N(0, 1): of their second moments."""
    _, singular, axes = np.linalg.svd(reliefs, full_matrices=False)
    found = axes[:count].T * (singular[:count] / np.sqrt(len(reliefs)))
    # signs are free: the largest entry is positive
    largest = found[np.abs(found).argmax(axis=0), np.arange(found.shape[1])]
    return np.asarray(found * np.sign(largest))


def arrays_of(model: FaceModel, ict: IctModel) -> dict[str, np.ndarray]:
    """
    Return the arrays of the file.

    vertices (N,), points (N, 3): where depth is compared, on the mean face; modes (N, K): of
    reliefs, metres, their weights of unit variance.
    """
    vertices, normals = skin_points(model)
    points = model.mean[vertices].astype(np.float64)
    faces = IctFaces(ict, model.triangles)
    neutral = faces.neutral[vertices]
    modes = np.array([faces.displacement(field)[vertices] for field in ict.identity])
    weights = sample_weights(PEOPLE, len(modes), SEED)
    people = neutral + np.tensordot(weights, modes, 1)
    modes_m = components(reliefs_of(people, points, normals), COMPONENTS)
    return {
        'vertices': vertices.astype(np.int32),
        'points': points.astype(np.float32),
        'modes': modes_m.astype(np.float32),
        'provenance': np.array(PROVENANCE),
    }


def main() -> int:
    """Run the command; returns the exit status."""
    parser = argparse.ArgumentParser(prog='python -m model_building.face_model.reliefs',
                                     description=__doc__)
    parser.add_argument('--ict', type=Path, required=True)
    parser.add_argument('--output', type=Path, default=ROOT / 'models' / FILE)
    arguments = parser.parse_args()
    try:
        write_arrays(arguments.output, arrays_of(FaceModel(), IctModel.load(arguments.ict)))
    except (OSError, ModelBuildingError) as error:
        sys.stderr.write(f'{error}\n')
        return 1
    sys.stdout.write(f'{arguments.output}: {sha256_of(arguments.output)}\n')
    return 0


if __name__ == '__main__':
    sys.exit(main())
