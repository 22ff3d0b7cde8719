# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""From the ICT face model, scans of real people, to the arrays of models/face_model.npz."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy import special

from model_building.face_model.assets import Assets
from model_building.face_model.axes import find_sellion
from model_building.face_model.build import (
    INTERPUPILLARY_DISTANCE_M,
    Heads,
    Mesh,
    Progress,
    Report,
    finished,
    interpupillary_distance,
)
from model_building.face_model.correspondence import match
from model_building.face_model.face_mesh_statistics import FaceMeshStatistics
from model_building.face_model.ict_correspondence import IctCorrespondence, IctFaces
from model_building.face_model.ict_model import IctModel
from model_building.face_model.identity import principal_identity
from model_building.face_model.lips import close_lips
from model_building.face_model.similarity import (
    apply_similarity,
    mirrored,
    remove_similarity,
    similarity,
)

SAMPLE_COUNT, SEED = 4000, 17
UNSEEN_COUNT, UNSEEN_SEED, UNSEEN_STEP = 500, 18, 6
LARGEST_WEIGHT = 3.0
"""Standard deviations: beyond them the linear model shows nobody."""
LID_WEIGHT = 3.0
"""Of the metric of expressions, see expression.LID_WEIGHT: mouths of scans move farther than
MakeHuman's, so it takes more for lids to count."""
NOT_SHAPES = ('PupilDilate_L', 'PupilDilate_R')


@dataclass(frozen=True, slots=True)
class Unseen:
    """Distances, mm, of the visible vertices of heads that took no part, and what is left."""

    heads: int
    kept_mean_mm: float
    """With the components: mean distance to the vertices of the head."""
    kept_worst_mm: float
    """Of the worst twentieth of the heads, the least."""
    without_mm: float
    """From the mean face alone."""

    def line(self) -> str:
        """Return the figures as text."""
        return (f'{self.heads} unseen heads: the 40 components leave {self.kept_mean_mm:.2f} mm '
                f'on average, {self.kept_worst_mm:.2f} mm in the worst twentieth; the mean '
                f'face alone {self.without_mm:.2f} mm')


def sample_weights(count: int, modes: int, seed: int) -> np.ndarray:
    """Return weights (count, modes) ~ N(0, 1), none beyond LARGEST_WEIGHT."""
    uniform = np.random.default_rng(seed).random((count, modes))
    least = special.ndtr(-LARGEST_WEIGHT)
    return np.asarray(special.ndtri(least + (1 - 2 * least) * uniform))


def named_units(names: tuple[str, ...], shapes: np.ndarray) -> tuple[list[str], np.ndarray]:
    """
    Return the units under the names of ARKit, which has some for both sides together.

    names as in the ICT model, `_L` and `_R` at the end of those of a side; shapes (k,V,3).
    """
    found: dict[str, np.ndarray] = {}
    for name, shape in zip(names, shapes, strict=True):
        if name in NOT_SHAPES:
            continue
        plain = name.removesuffix('_L').removesuffix('_R')
        if plain in ('browInnerUp', 'cheekPuff'):
            found[plain] = found.get(plain, 0) + shape
        else:
            found[name.replace('_L', 'Left').replace('_R', 'Right')] = shape
    order = sorted(found)
    return order, np.array([found[name] for name in order])


def ict_heads(model: IctModel, faces: IctFaces, mesh: Mesh, statistics: FaceMeshStatistics,
              progress: Progress) -> tuple[Heads, np.ndarray]:
    """Sample people of the ICT model; also returns the modes (100,V,3) that they were made of."""
    topology = mesh.topology
    counted = ~(topology.inside_mask | topology.eye_mask)
    size = INTERPUPILLARY_DISTANCE_M / interpupillary_distance(faces.neutral, topology.eye_mask)
    neutral = size * (faces.neutral + mirrored(faces.neutral, topology.mirror)) / 2
    modes = size * np.array([faces.displacement(field) for field in model.identity])
    progress('people')
    unit_names, units = named_units(
        model.expression_names,
        size * np.array([faces.displacement(field) for field in model.expression]))
    progress('expressions')

    weights = sample_weights(SAMPLE_COUNT, len(modes), SEED)
    still = remove_similarity(modes, neutral, modes[:, counted], neutral[counted])
    labels = [(f'mode-{k + 1}', 1) for k in range(len(modes))]
    shapes = np.concatenate([neutral[None], still])
    covariance = np.zeros((len(shapes),) * 2)
    covariance[1:, 1:] = weights.T @ weights / len(weights)
    identity = principal_identity(neutral, shapes, covariance, labels, counted, topology.mirror,
                                  size)
    progress('landmarks')
    found = match(topology, mesh.creases, neutral, identity.basis, statistics)
    places = found.landmarks_468.of(neutral) + found.offset_468
    mean = close_lips(neutral, mesh.creases)
    origin = mean[find_sellion(mean, topology)] * [0, 1, 1]
    heads = Heads(mean - origin, replace(identity, mean=neutral), unit_names, units,
                  found.landmarks_468, places - origin, _provenance(statistics), LID_WEIGHT,
                  mesh.base)
    return heads, modes


def unseen_error(arrays: dict[str, np.ndarray], modes: np.ndarray, seen: np.ndarray) -> Unseen:
    """
    Measure the file's components on heads of other samples.

    Each head, the mean and a mix of modes (100,V,3), is laid onto the mean (similarity) by its
    visible vertices `seen` (V,); then the nearest mix of the components is found there. Every
    UNSEEN_STEP-th of them is looked at.
    """
    seen = np.flatnonzero(seen)[::UNSEEN_STEP]
    mean = arrays['mean'][seen].astype(np.float64)
    basis = (arrays['shape_basis'][:, seen]
             * arrays['shape_step'].astype(np.float64)[:, None, None]).reshape(40, -1)
    modes = modes[:, seen].reshape(len(modes), -1)
    solver = np.linalg.solve(basis @ basis.T, basis)
    kept, without = [], []
    for weights in sample_weights(UNSEEN_COUNT, len(modes), UNSEEN_SEED):
        head = mean + (weights @ modes).reshape(mean.shape)
        points = mean
        # The components, too, move the head a little.
        for _ in range(3):
            laid = apply_similarity(head, *similarity(head, points))
            missing = (laid - mean).ravel()
            points = mean + (solver @ missing @ basis).reshape(mean.shape)
        kept.append(np.linalg.norm(laid - points, axis=1).mean())
        alone = apply_similarity(head, *similarity(head, mean))
        without.append(np.linalg.norm(alone - mean, axis=1).mean())
    return Unseen(UNSEEN_COUNT, float(np.mean(kept)) * 1e3, float(np.percentile(kept, 95)) * 1e3,
                  float(np.mean(without)) * 1e3)


def build_ict_model(assets: Assets, statistics: FaceMeshStatistics, model: IctModel,
                    progress: Callable[[str], None],
                    correspondence: IctCorrespondence | None = None
                    ) -> tuple[dict[str, np.ndarray], Report, Unseen]:
    """
    Build the face model from the ICT model, on the mesh of MakeHuman's head.

    Returns the arrays of the file, in its order, and the figures.
    """
    base = assets.base_mesh()
    progress('mesh')
    mesh = Mesh.of(base)
    faces = IctFaces(model, mesh.topology.triangles, correspondence)
    heads, modes = ict_heads(model, faces, mesh, statistics, progress)
    arrays, report = finished(heads, mesh, statistics, progress)
    counted = ~(mesh.topology.inside_mask | mesh.topology.eye_mask)
    return arrays, report, unseen_error(arrays, modes, counted)


def _provenance(statistics: FaceMeshStatistics) -> str:
    return ('ICT-FaceKit light (MIT, Copyright (c) 2020 USC Institute for Creative Technologies) '
            'on MakeHuman hm08 mesh (CC0 1.0); landmarks of Face Mesh (Apache-2.0) averaged over '
            f'{statistics.photo_count} photos of The MPLab GENKI-4K Dataset '
            '(http://mplab.ucsd.edu). Made by model_building.')
