# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The regressors by their names, and the files that they read."""

from __future__ import annotations

from pathlib import Path

from face_recon_ros.face_model.model import FaceModel
from face_recon_ros.paths import model_file
from face_recon_ros.regression.base import Regressor
from face_recon_ros.regression.face_mesh import FACE_MESH_FILE, FaceMeshRegressor
from face_recon_ros.regression.hybrid import HybridRegressor
from face_recon_ros.regression.network import NetworkRegressor
from face_recon_ros.regression.own_network import DENOISE_SIGMA_PX, NETWORK_FILE

NETWORK, FACE_MESH, HYBRID = 'network', 'facemesh', 'hybrid'
REGRESSORS = (NETWORK, FACE_MESH, HYBRID)


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
    face_mesh = FaceMeshRegressor(model, threads=threads, denoise_sigma_px=DENOISE_SIGMA_PX)
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
