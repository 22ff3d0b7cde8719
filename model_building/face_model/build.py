# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""From the pinned material to the arrays of models/face_model.npz."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from face_recon_ros.face_model.file import FORMAT_VERSION
from model_building.face_model import assets as raw
from model_building.face_model import face_mesh
from model_building.face_model.albedo import paint
from model_building.face_model.assets import Assets, BaseMesh
from model_building.face_model.axes import find_sellion, upright_rotation
from model_building.face_model.correspondence import (
    FIT_RIDGE_M2,
    Creases,
    find_creases,
    match,
    offset_of_everyone,
    with_resting_lips,
)
from model_building.face_model.expression import LID_WEIGHT, build_expressions, load_units
from model_building.face_model.face_mesh_statistics import FaceMeshStatistics, pitch_of
from model_building.face_model.ibug_68 import place_ibug_68
from model_building.face_model.identity import Identity, build_identity
from model_building.face_model.lips import close_lips, contact_line, lip_pairs
from model_building.face_model.model_file import (
    QuantizationLoss,
    quantization_loss,
    quantize,
)
from model_building.face_model.similarity import remove_similarity
from model_building.face_model.surface import Embedding
from model_building.face_model.topology import Topology, build_topology
from model_building.face_model.unwrap import unwrap

METRES_PER_DECIMETRE = 0.1
INTERPUPILLARY_DISTANCE_M = 0.063
"""Of the mean: the adult average (Dodgson, 2004), so that a metre of the model is a metre."""
GAUGE_ROUNDS = 4
"""The offsets of the landmarks do not turn with the mesh: each round leaves about a hundredth."""

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Closures:
    """How much of a blink the components can show, 1 = all, as the recogniser finds it."""

    blink: float
    wink: float
    wink_other_eye: float

    def line(self) -> str:
        """Return the figures as text."""
        return (f'a blink of both eyes closes {self.blink:.0%} of its way, a wink '
                f'{self.wink:.0%} (the other eye {self.wink_other_eye:.0%})')


@dataclass(frozen=True, slots=True)
class Report:
    """Figures about a build, for the person at the keyboard and the documentation."""

    vertices: int
    triangles: int
    identity_kept: dict[int, float]
    identity_residual_mm: float
    identity_total_mm: float
    expression_kept: dict[str, float]
    loss: QuantizationLoss
    offset_median_mm: float
    offset_largest_mm: float
    lip_gap_mm: float
    label_pitch_deg: float
    closures: Closures
    plain_kept: dict[str, float]
    """As expression_kept, for components that do not count the lids extra."""
    plain_closures: Closures

    def lines(self) -> list[str]:
        """Return the report as text, a line each."""
        kept = ', '.join(f'{k} {part:.1%}' for k, part in self.identity_kept.items())
        return [
            f'{self.vertices} vertices, {self.triangles} triangles',
            f'identity variance kept by components: {kept}; 40 leave '
            f'{self.identity_residual_mm:.2f} of {self.identity_total_mm:.2f} mm rms',
            f"expression variance kept by 10: vertices {self.expression_kept['vertices']:.1%}, "
            f"landmarks {self.expression_kept['landmarks']:.1%}",
            self.closures.line(),
            f"without counting the lids extra: vertices {self.plain_kept['vertices']:.1%}, "
            f"landmarks {self.plain_kept['landmarks']:.1%}; {self.plain_closures.line()}",
            f'16-bit storage: at most {self.loss.largest_mm:.5f} mm, rms '
            f'{self.loss.rms_mm:.5f} mm a standard deviation',
            f'landmark offsets: median {self.offset_median_mm:.2f} mm, at most '
            f'{self.offset_largest_mm:.2f} mm',
            f'lip gap of the mean, widest place: {self.lip_gap_mm:.2f} mm (negative: overlap)',
            f'pitch of a frontal face against the labels of GENKI-4K: '
            f'{self.label_pitch_deg:+.1f} deg',
        ]


def interpupillary_distance(points: np.ndarray, eye_mask: np.ndarray) -> float:
    """Return the distance between the middles of the eyeball caps of a face (V,3)."""
    eyes = points[eye_mask]
    return float(np.linalg.norm(eyes[eyes[:, 0] > 0].mean(axis=0)
                                - eyes[eyes[:, 0] < 0].mean(axis=0)))


def _lid_vertices(landmarks: Embedding, mirror_468: np.ndarray) -> np.ndarray:
    """Return facing vertices (14,2) of upper and lower lid, right eye first."""
    right = np.array(face_mesh.RIGHT_LID_PAIRS)
    return landmarks.vertices[np.concatenate([right, mirror_468[right]]), 0]


def _closures(units: np.ndarray, unit_names: list[str], basis: np.ndarray, landmarks: Embedding,
              lids: np.ndarray) -> Closures:
    """Imitate blinks with components (k,V,3), from the landmarks and with the fit's ridge."""
    rows = landmarks.of(basis).reshape(len(basis), -1)
    ridge = FIT_RIDGE_M2 * face_mesh.LANDMARK_COUNT * np.eye(len(basis))
    half = len(lids) // 2

    def shown(names: list[str]) -> np.ndarray:
        wanted = sum(units[unit_names.index(name)] for name in names)
        coefficients = np.linalg.solve(rows @ rows.T + ridge, rows @ landmarks.of(wanted).ravel())
        return np.tensordot(coefficients, basis, axes=1)

    def closing(field: np.ndarray, pairs: np.ndarray) -> float:
        return float((field[pairs[:, 0], 1] - field[pairs[:, 1], 1]).mean())

    full = closing(units[unit_names.index('eyeBlinkRight')], lids[:half])
    both = shown(['eyeBlinkLeft', 'eyeBlinkRight'])
    right = shown(['eyeBlinkRight'])
    return Closures(closing(both, lids[:half]) / full, closing(right, lids[:half]) / full,
                    closing(right, lids[half:]) / full)


@dataclass(frozen=True, slots=True)
class Heads:
    """What is known of heads before components are put into the file's form; model axes."""

    mean: np.ndarray
    """(V,3) metres, the sellion at y = z = 0."""
    identity: Identity
    """Its basis (40,V,3) in model axes, metres; its mean is not used any more."""
    unit_names: list[str]
    units: np.ndarray
    """(k,V,3) metres: expressions at full strength."""
    landmarks: Embedding
    places: np.ndarray
    """(468,3) metres: where Face Mesh's landmarks of the mean are."""
    provenance: str
    lid_weight: float = LID_WEIGHT
    """See expression.LID_WEIGHT."""
    round_eyes: np.ndarray | None = None
    """(V,3): a face whose eyeballs are simpler to lay out for the texture than the mean's."""


@dataclass(frozen=True, slots=True)
class Mesh:
    """The topology and where its creases are, with the mesh (V,3), metres, that shows them."""

    topology: Topology
    base: np.ndarray
    creases: Creases

    @classmethod
    def of(cls, base: BaseMesh) -> Mesh:
        """Cut the face out of MakeHuman's base mesh."""
        topology = build_topology(base)
        undeformed = METRES_PER_DECIMETRE * topology.displacement(base.vertices)
        return cls(topology, undeformed, find_creases(topology, undeformed))


def build_model(assets: Assets, statistics: FaceMeshStatistics,
                progress: Progress) -> tuple[dict[str, np.ndarray], Report]:
    """
    Build the face model from MakeHuman's heads.

    Returns the arrays of the file, in its order, and the figures. `progress` is called with the
    name of each piece of material and each stage.
    """
    base = assets.base_mesh()
    progress('mesh')
    mesh = Mesh.of(base)
    heads = makehuman_heads(assets, mesh, statistics, progress)
    return finished(heads, mesh, statistics, progress)


def makehuman_heads(assets: Assets, mesh: Mesh, statistics: FaceMeshStatistics,
                    progress: Progress) -> Heads:
    """Sample MakeHuman's heads; their mean is what Face Mesh's average face looks like."""
    topology, creases = mesh.topology, mesh.creases
    counted = ~(topology.inside_mask | topology.eye_mask)

    def displacement(target: np.ndarray) -> np.ndarray:
        return METRES_PER_DECIMETRE * topology.displacement(target)

    identity = build_identity(assets, displacement, mesh.base, topology.mirror, counted, progress)
    unit_names, units = load_units(assets, displacement, progress)

    progress('landmarks')
    found = match(topology, creases, identity.mean, identity.basis, statistics)
    size = INTERPUPILLARY_DISTANCE_M / interpupillary_distance(found.mean, topology.eye_mask)
    upright = upright_rotation(size * found.mean, topology)
    to_model = size * upright.T
    places = (found.landmarks_468.of(found.mean) + found.offset_468) @ to_model
    mean = close_lips(found.mean @ to_model, creases)
    origin = mean[find_sellion(mean, topology)] * [0, 1, 1]
    return Heads(mean - origin, replace(identity, basis=identity.basis @ to_model), unit_names,
                 identity.size_factor * units @ to_model, found.landmarks_468, places - origin,
                 _provenance(statistics))


# long: one recipe from top to bottom, each step feeds the next
def finished(heads: Heads, mesh: Mesh, statistics: FaceMeshStatistics,
             progress: Progress) -> tuple[dict[str, np.ndarray], Report]:
    """Return the arrays of the file, in its order, and the figures."""
    topology, creases = mesh.topology, mesh.creases
    mean, identity, landmarks, places = heads.mean, heads.identity, heads.landmarks, heads.places
    unit_names, units = heads.unit_names, heads.units
    shape_basis = identity.basis
    counted = ~(topology.inside_mask | topology.eye_mask)
    landmarks_68 = place_ibug_68(mean, topology, creases, landmarks)

    progress('expressions')
    lids = _lid_vertices(landmarks, statistics.mirror)
    expressions = build_expressions(unit_names, units, counted, landmarks, lids, topology.mirror,
                                    heads.lid_weight)

    moves = landmarks.of(np.concatenate([shape_basis, expressions.basis]))
    places = with_resting_lips(places + offset_of_everyone(places, moves, statistics))
    offset = places - landmarks.of(mean)

    progress('gauge')
    bases = [shape_basis, expressions.basis]
    for _ in range(GAUGE_ROUNDS):
        bases = [remove_similarity(basis, mean, landmarks.of(basis), places) for basis in bases]
    shape, expression = (quantize(basis) for basis in bases)
    loss = quantization_loss(np.concatenate(bases),
                             quantize(np.concatenate(bases)))

    progress('uv and colours')
    uv = unwrap(mean, topology, heads.round_eyes)
    colors = paint(mean, topology, landmarks, uv, statistics.mirror)
    upper_lip, lower_lip = lip_pairs(mean, creases, topology.mirror)
    distance_mm = np.linalg.norm(offset, axis=1) * 1e3
    plain = build_expressions(unit_names, units, counted, landmarks, lids, topology.mirror,
                              lid_weight=0)
    report = Report(
        vertices=len(mean), triangles=len(topology.triangles), identity_kept=identity.kept,
        identity_residual_mm=identity.residual_mm, identity_total_mm=identity.total_mm,
        expression_kept=expressions.kept, loss=loss,
        offset_median_mm=float(np.median(distance_mm)),
        offset_largest_mm=float(distance_mm.max()),
        lip_gap_mm=float(contact_line(mean, creases).gap.max() * 1e3),
        label_pitch_deg=pitch_of(places, statistics.shape) * -1,
        closures=_closures(units, unit_names, expressions.basis, landmarks, lids),
        plain_kept=plain.kept,
        plain_closures=_closures(units, unit_names, plain.basis, landmarks, lids))
    arrays = {
        'mean': mean.astype(np.float32),
        'triangles': topology.triangles.astype(np.int32),
        'shape_basis': shape.basis, 'shape_step': shape.step,
        'expression_basis': expression.basis, 'expression_step': expression.step,
        'landmarks_68_vertices': landmarks_68.vertices.astype(np.int32),
        'landmarks_68_weights': landmarks_68.weights.astype(np.float32),
        'landmarks_468_vertices': landmarks.vertices.astype(np.int32),
        'landmarks_468_weights': landmarks.weights.astype(np.float32),
        'landmarks_468_offset': offset.astype(np.float32),
        'landmarks_468_mirror': statistics.mirror.astype(np.int32),
        'mirror': topology.mirror.astype(np.int32),
        'eye_mask': topology.eye_mask,
        'uv': uv.astype(np.float32),
        'colors': colors,
        'lip_upper': upper_lip.astype(np.int32),
        'lip_lower': lower_lip.astype(np.int32),
        'shape_names': np.array(identity.names),
        'expression_names': np.array(expressions.names),
        'format_version': np.array(FORMAT_VERSION, np.int32),
        'provenance': np.array(heads.provenance),
    }
    return arrays, report


def _provenance(statistics: FaceMeshStatistics) -> str:
    return (f'MakeHuman hm08 mesh and targets and face units (CC0 1.0), from the PyPI package '
            f'{raw.PACKAGE} {raw.VERSION}; matched to Face Mesh (Apache-2.0) averaged over '
            f'{statistics.photo_count} photos of The MPLab GENKI-4K Dataset '
            f'(http://mplab.ucsd.edu). Made by model_building.')
