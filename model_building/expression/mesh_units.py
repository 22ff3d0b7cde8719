# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Make models/face_units.npz: ARKit's units on the face model's mesh.

    python -m model_building.expression.mesh_units [--assets WHEEL_OR_FOLDER] [--output FILE]

They are the face units pack's (CC0 1.0), inside the PyPI package that the face model is made of.
"""
from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from face_recon_ros.expression.units import NAMES
from model_building.face_model import assets as raw
from model_building.face_model.assets import Assets, default_cache, download_wheel, sha256_of
from model_building.face_model.build import Heads, Mesh, makehuman_heads
from model_building.face_model.errors import ModelBuildingError
from model_building.face_model.face_mesh_statistics import FaceMeshStatistics
from model_building.face_model.model_file import write_arrays

ROOT = Path(__file__).resolve().parents[2]
STEP_M = 2e-6
"""Displacements are whole multiples of this."""
LEAST_M = 2e-5
"""Vertices that move less stay where they are."""
PROVENANCE = (f'Face units pack (CC0 1.0) on MakeHuman hm08, from the PyPI package '
              f'{raw.PACKAGE} {raw.VERSION}. Made by model_building.expression.mesh_units.')


def arrays_of(heads: Heads) -> dict[str, np.ndarray]:
    """
    Return the arrays of the file.

    names (52,); starts (53,): the vertices that unit k moves are vertices[starts[k]:starts[k+1]],
    by moves (n, 3) int16 times step metres, model axes.
    """
    vertices, moves, starts = [], [], [0]
    for name in NAMES:
        unit = heads.units[heads.unit_names.index(name)]
        moved = np.flatnonzero(np.linalg.norm(unit, axis=1) >= LEAST_M)
        counts = np.rint(unit[moved] / STEP_M)
        if np.abs(counts).max(initial=0) > np.iinfo(np.int16).max:
            raise ModelBuildingError(f'{name} moves vertices too far for 16 bits')
        vertices.append(moved.astype(np.uint16))
        moves.append(counts.astype(np.int16))
        starts.append(starts[-1] + len(moved))
    return {
        'names': np.array(NAMES),
        'starts': np.array(starts, np.int32),
        'vertices': np.concatenate(vertices),
        'moves': np.concatenate(moves),
        'step': np.array(STEP_M, np.float32),
        'vertex_count': np.array(len(heads.mean), np.int32),
        'provenance': np.array(PROVENANCE),
    }


def main() -> int:
    """Run the command; returns the exit status."""
    parser = argparse.ArgumentParser(prog='python -m model_building.expression.mesh_units',
                                     description=__doc__)
    parser.add_argument('--assets', type=Path)
    parser.add_argument('--output', type=Path, default=ROOT / 'models' / 'face_units.npz')
    arguments = parser.parse_args()
    try:
        assets = Assets(arguments.assets or download_wheel(default_cache()))
        heads = makehuman_heads(assets, Mesh.of(assets.base_mesh()), FaceMeshStatistics.load(),
                                lambda _: None)
        write_arrays(arguments.output, arrays_of(heads))
    except (OSError, ModelBuildingError) as error:
        sys.stderr.write(f'{error}\n')
        return 1
    sys.stdout.write(f'{arguments.output}: {sha256_of(arguments.output)}\n')
    return 0


if __name__ == '__main__':
    sys.exit(main())
