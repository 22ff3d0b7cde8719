# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
The whole head of MakeHuman's base mesh, carried by the face model.

Inside the face mask its vertices are the face model's own. Beyond it (skull, ears, neck, chest,
mouth) mean and bases go on as smoothly as a membrane that is fixed along the mask, and fade out.
Lengths are metres in model axes (docs/face_model.md) unless said otherwise.
"""
from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import splu

from face_recon_ros.face_model.normals import vertex_normals
from model_building.face_model.assets import TARGETS, Assets
from model_building.face_model.depth_buffer import visible_vertices
from model_building.face_model.errors import ModelBuildingError
from model_building.face_model.expression import load_units, sample_expressions
from model_building.face_model.head_paint import PAINT, ear_mask, face_paint, ramp, spatial_paint
from model_building.face_model.head_parts import (
    EYE,
    LOWER_TEETH,
    SKIN,
    TONGUE,
    UPPER_TEETH,
    Parts,
    eye_parts,
    joined_parts,
    skin_parts,
    teeth_parts,
)
from model_building.face_model.model_file import write_arrays
from model_building.face_model.similarity import apply_similarity, remove_similarity, similarity
from model_building.face_model.topology import (
    Topology,
    build_topology,
    distance_along_surface,
)

FORMAT = 3
FADE = 2e-4
"""Pull of the membrane towards no displacement, for each vertex: it fades over about 70 edges."""
EXTRA_FADE = 0.35
"""Sliders of skull, ears and neck set in over this distance from the mask (decimetres)."""
EXTRAS = (
    'head/head-back-scale-depth-incr', 'head/head-scale-vert-incr', 'head/head-scale-horiz-incr',
    'head/head-square', 'head/head-round', 'head/head-fat-incr', 'neck/neck-double-incr',
    'neck/neck-scale-horiz-incr', 'neck/neck-scale-depth-incr', 'neck/neck-scale-vert-incr',
    'ears/?-ear-scale-incr', 'ears/?-ear-wing-incr', 'ears/?-ear-rot-backward',
    'ears/?-ear-trans-up', 'ears/?-ear-trans-backward', 'ears/?-ear-shape-pointed',
    'ears/?-ear-lobe-incr',
)
TEETH_BACK_M = 0.0015
"""Teeth stand this much deeper than MakeHuman's, so that no closed lips let them through."""
STIFF_ABOVE_M, SOFT_BELOW_M = -0.080, -0.215
"""Heights where the neck ends and begins."""
NEAR_MOUTH_M, NEAR_CHIN_M = 0.035, 0.022
ATTACH_NEIGHBOURS = 300
LIGHT_DIRECTIONS = 150
OCCLUSION_RESOLUTION_M, OCCLUSION_TOLERANCE_M = 0.0011, 0.0022
SHADOW_SMOOTHING = 3
"""How often shadows are averaged over neighbours: single vertices are in or out."""
MOUTH_LOW_M, MOUTH_HIGH_M = (-.05, -.116, -.11), (.05, -.035, .02)
CAVITY_FLOOR_M, CAVITY_BACK_M, CAVITY_KEPT = -0.085, -0.060, 0.35
"""The throat beyond this height and depth is shrunk, or it would show below moving chins."""
SAMPLES_KEPT = 4000
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class HeadMesh:
    """The open head; V vertices, T triangles."""

    mean: np.ndarray
    """(V,3) float32 metres."""
    basis: np.ndarray
    """(50,V,3) float32 metres a standard deviation: shape, expression."""
    extras: np.ndarray
    """(17,V,3) float32 metres: sliders of skull, neck and ears; zero in the face."""
    triangles: np.ndarray
    """(T,3) int32, counter-clockwise seen from outside."""
    part: np.ndarray
    """(V,) int8: SKIN, EYE, UPPER_TEETH, LOWER_TEETH or TONGUE."""
    face_vertex: np.ndarray
    """(V,) int32: the same vertex of the face model, or -1."""
    normals: np.ndarray
    """(V,3) float32, of the mean."""
    occlusion: np.ndarray
    """(V,) float32: part of the sky in sight."""
    directions: np.ndarray
    """(D,3) float32: unit vectors all around."""
    lit: np.ndarray
    """(D,V) uint8: how much light from that direction arrives, 255 for all."""
    stiffness: np.ndarray
    """(V,) float32: how far a vertex turns with the head, 1, or stays with the chest, 0."""
    off_face: np.ndarray
    """(V,) float32: distance along the surface from the face mask, up to 0.12 m."""
    paint: np.ndarray
    """(V,K) float32, 0..1 each, columns as PAINT names them."""
    eye_centres: np.ndarray
    """(2,3) float32: of the mean's eyeballs, right then left."""
    expression_samples: np.ndarray
    """(4000,10) float32: coefficients of expressions as people have them."""
    format_version: np.ndarray


def _extended(fields_known: np.ndarray, known: np.ndarray, triangles: np.ndarray,
              fade: float = FADE) -> np.ndarray:
    """
    Extend fields (m,k), given at the vertices `known` (n,) bool, over the mesh.

    Solves the Laplace equation of the mesh's graph, with a weak pull towards zero.
    """
    count = len(known)
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    joined = sparse.csr_array((np.ones(len(edges)), (edges[:, 0], edges[:, 1])),
                              shape=(count, count))
    joined = sparse.csr_array(((joined + joined.T) > 0).astype(np.float64))
    degree = np.asarray(joined.sum(axis=1)).ravel()
    laplacian = sparse.csc_array(sparse.diags(degree + fade) - joined)
    free = ~known
    system = sparse.csc_array(laplacian[free][:, free])
    result = np.empty((count, fields_known.shape[1]))
    result[known] = fields_known
    result[free] = splu(system).solve(-np.asarray(laplacian[free][:, known] @ fields_known))
    return result


def _carried(points: np.ndarray, near: np.ndarray, near_fields: np.ndarray) -> np.ndarray:
    """Return fields (k,m,3) at points (m,3): the affine map nearest to near_fields (k,n,3)."""
    design = np.column_stack([near, np.ones(len(near))])
    where = np.column_stack([points, np.ones(len(points))])
    # The ridge keeps a thin patch of skin from bending what lies behind it.
    ridge = np.diag([1.0, 1.0, 1.0, 0.0]) * len(near) * 4e-4
    solved = np.linalg.solve(design.T @ design + ridge, design.T)
    return np.asarray((where @ solved) @ near_fields)


def _extra_fields(assets: Assets, rows: sparse.csr_array, weight: np.ndarray,
                  to_model: np.ndarray, progress: Progress) -> np.ndarray:
    found = []
    for name in EXTRAS:
        sides = [name.replace('?', side) for side in 'lr'] if '?' in name else [name]
        target = sum(assets.target(f'{TARGETS}/{side}.target.gz') for side in sides)
        found.append(weight[:, None] * (rows @ target) @ to_model)
        progress(name)
    return np.array(found)


def _expression_samples(assets: Assets, topology: Topology, model: dict[str, np.ndarray],
                        to_model: np.ndarray, progress: Progress) -> np.ndarray:
    """Return coefficients (4000,10) of sampled mixes of the face units."""
    names, units = load_units(
        assets, lambda target: topology.displacement(target) @ to_model, progress)
    mean = model['mean'].astype(np.float64)
    corners, weights = model['landmarks_468_vertices'], model['landmarks_468_weights']

    def landmarks(field: np.ndarray) -> np.ndarray:
        return np.asarray(np.einsum('lc,...lcx->...lx', weights, field[..., corners, :]))

    units = remove_similarity(units, mean, landmarks(units),
                              landmarks(mean) + model['landmarks_468_offset'])
    seen = ~(topology.inside_mask | topology.eye_mask)
    basis = (model['expression_basis'] * model['expression_step'][:, None, None])[:, seen]
    flat = basis.reshape(len(basis), -1).astype(np.float64)
    of_unit = np.linalg.solve(flat @ flat.T, flat @ units[:, seen].reshape(len(units), -1).T)
    mixes = sample_expressions(names)[:SAMPLES_KEPT]
    return (mixes @ of_unit.T).astype(np.float32)


def _directions(count: int) -> np.ndarray:
    """Return unit vectors (D,3), evenly spread (a Fibonacci lattice)."""
    index = np.arange(count) + 0.5
    height = 1 - 2 * index / count
    turn = np.pi * (1 + 5 ** 0.5) * index
    ring = np.sqrt(1 - height ** 2)
    return np.stack([ring * np.cos(turn), height, ring * np.sin(turn)], axis=1)


def _lit(mean: np.ndarray, triangles: np.ndarray, directions: np.ndarray,
         progress: Progress) -> np.ndarray:
    """Return whether light from each of the directions (D,3) arrives: (D,V) bool."""
    found = []
    for direction in directions:
        aside = np.cross(direction, [1.0, 0, 0] if abs(direction[0]) < 0.8 else [0, 1.0, 0])
        aside /= np.linalg.norm(aside)
        rotation = np.stack([aside, np.cross(direction, aside), direction])
        found.append(visible_vertices(mean, triangles, rotation, OCCLUSION_RESOLUTION_M,
                                      OCCLUSION_TOLERANCE_M))
    progress('shadows')
    return np.array(found)


# long: one recipe from top to bottom, each step feeds the next
def build_head(assets: Assets, model: dict[str, np.ndarray], progress: Progress,
               light_directions: int = LIGHT_DIRECTIONS) -> HeadMesh:
    """
    Build the open head that follows a face model.

    model: the arrays of models/face_model.npz. light_directions: for how many directions shadows
    are worked out; most of the time goes there. `progress` is called with the name of each piece.
    Raises ModelBuildingError when the model was not made from these assets.
    """
    base = assets.base_mesh()
    topology = build_topology(base)
    if len(topology.eye_mask) != len(model['mean']):
        raise ModelBuildingError('the face model is not made of these assets: rebuild it with '
                                 'python -m model_building')
    progress('mesh')
    parts = joined_parts([
        skin_parts(base, topology), eye_parts(topology),
        teeth_parts(base, 'helper-upper-teeth', UPPER_TEETH),
        teeth_parts(base, 'helper-lower-teeth', LOWER_TEETH),
        teeth_parts(base, 'helper-tongue', TONGUE)])
    known = parts.face_vertex >= 0
    index = parts.face_vertex[known]
    points_base = parts.rows @ base.vertices
    mean = model['mean'].astype(np.float64)
    scale, rotation, shift = similarity(points_base[known], mean[index])
    placed = apply_similarity(points_base, scale, rotation, shift)
    to_model = scale * rotation.T
    basis = np.concatenate([
        model[f'{kind}_basis'] * model[f'{kind}_step'].astype(np.float64)[:, None, None]
        for kind in ('shape', 'expression')])

    moved = np.concatenate([(mean[index] - placed[known])[None], basis[:, index]])
    skin = parts.part == SKIN
    skin_only = np.flatnonzero(skin)
    is_skin = skin[parts.triangles].all(axis=1)
    everywhere = np.zeros((len(moved), len(placed), 3))
    everywhere[:, known] = moved
    at_skin = np.moveaxis(moved[:, skin[known]], 0, 1).reshape(int((known & skin).sum()), -1)
    solved = _extended(at_skin, known[skin], parts.triangles[is_skin])
    everywhere[:, skin_only] = np.moveaxis(solved.reshape(len(skin_only), len(moved), 3), 1, 0)
    progress('membrane')
    _carry_teeth(everywhere, placed, parts, known & skin, model)
    placed_mean = placed + everywhere[0]
    placed_mean[parts.part >= UPPER_TEETH, 2] -= TEETH_BACK_M

    off_face = distance_along_surface(points_base, parts.triangles, known, 1.2)
    ears = ear_mask(assets, parts.rows, points_base)
    weight = np.where(skin, ramp(off_face, 0, EXTRA_FADE), 0)
    extras = _extra_fields(assets, parts.rows, weight, to_model, progress)
    normals = vertex_normals(placed_mean, parts.triangles)
    masks = {name: np.where(known, values[parts.face_vertex], 0)
             for name, values in face_paint(model, topology).items()}
    masks |= spatial_paint(placed_mean, parts.part, ears)
    directions = _directions(light_directions)
    seen = _lit(placed_mean, parts.triangles, directions, progress)
    lit = _averaged(seen.astype(np.float32), parts.triangles)
    cosine = np.clip(normals @ directions.T, 0, None)
    occlusion = np.einsum('vd,dv->v', cosine, lit) / np.maximum(cosine.sum(axis=1), 1e-9)
    inside = (placed_mean > MOUTH_LOW_M).all(axis=1) & (placed_mean < MOUTH_HIGH_M).all(axis=1)
    cavity = (skin & ~known & inside & (occlusion < 0.02)) | (parts.part > EYE)
    masks['mouth'] = np.maximum(masks['mouth'], cavity & skin)
    placed_mean[cavity] = _without_throat(placed_mean[cavity])
    extras[:, cavity] = 0
    eyes = placed_mean[parts.part == EYE]
    return HeadMesh(
        mean=placed_mean.astype(np.float32), basis=everywhere[1:].astype(np.float32),
        extras=extras.astype(np.float32), triangles=parts.triangles.astype(np.int32),
        part=parts.part, face_vertex=parts.face_vertex.astype(np.int32),
        normals=normals.astype(np.float32),
        occlusion=occlusion.astype(np.float32),
        directions=directions.astype(np.float32),
        lit=np.rint(255 * lit).astype(np.uint8),
        stiffness=_stiffness(placed_mean, parts, known | cavity),
        off_face=(0.1 * off_face).astype(np.float32),
        paint=np.stack([masks[name] for name in PAINT], axis=1).astype(np.float32),
        eye_centres=np.stack([_sphere_centre(eyes[eyes[:, 0] < 0]),
                              _sphere_centre(eyes[eyes[:, 0] > 0])]).astype(np.float32),
        expression_samples=_expression_samples(assets, topology, model, to_model, progress),
        format_version=np.array(FORMAT))


def _averaged(fields: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Return fields (k,V) averaged over each vertex and its neighbours, a few times."""
    count = fields.shape[1]
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    joined = sparse.csr_array((np.ones(len(edges), np.float32), (edges[:, 0], edges[:, 1])),
                              shape=(count, count))
    joined = joined + joined.T
    weight = 1 / (1 + np.asarray(joined.sum(axis=1)).ravel())
    smooth = fields.T
    for _ in range(SHADOW_SMOOTHING):
        smooth = weight[:, None] * (smooth + joined @ smooth)
    return np.ascontiguousarray(smooth.T)


def _without_throat(points: np.ndarray) -> np.ndarray:
    """Return points (n,3) of the mouth's inside, less deep."""
    x, y, z = points.T
    y = np.maximum(y, CAVITY_FLOOR_M + CAVITY_KEPT * (y - CAVITY_FLOOR_M))
    z = np.maximum(z, CAVITY_BACK_M + CAVITY_KEPT * (z - CAVITY_BACK_M))
    return np.stack([x, y, z], axis=1)


def _stiffness(points: np.ndarray, parts: Parts, in_face: np.ndarray) -> np.ndarray:
    """Return (V,): 1 on the head, 0 on the chest, smooth along the neck."""
    head = in_face | (parts.part != SKIN) | (points[:, 1] > STIFF_ABOVE_M)
    known = head | (points[:, 1] < SOFT_BELOW_M)
    stiff = _extended(head[known, None].astype(np.float64), known, parts.triangles, fade=0.0)
    return np.clip(stiff[:, 0], 0, 1).astype(np.float32)


def _sphere_centre(points: np.ndarray) -> np.ndarray:
    rows = np.column_stack([2 * points, np.ones(len(points))])
    return np.asarray(np.linalg.lstsq(rows, (points ** 2).sum(axis=1), rcond=None)[0][:3])


def _carry_teeth(everywhere: np.ndarray, placed: np.ndarray, parts: Parts, known: np.ndarray,
                 model: dict[str, np.ndarray]) -> None:
    """Let the teeth follow: shapes as the skin around the mouth does, jaw motion as the chin."""
    shapes = 1 + len(model['shape_basis'])
    points = placed + everywhere[0]
    corners, weights = model['landmarks_468_vertices'], model['landmarks_468_weights']
    place = np.einsum('lc,lcx->lx', weights, model['mean'][corners].astype(np.float64))
    mouth = np.flatnonzero(known & (np.linalg.norm(points - place[13], axis=1) < NEAR_MOUTH_M))
    chin = np.flatnonzero(known & (np.linalg.norm(points - place[199], axis=1) < NEAR_CHIN_M))
    upper_face = np.flatnonzero(known & (np.linalg.norm(points - place[6], axis=1) < NEAR_CHIN_M))
    for part, leader in ((UPPER_TEETH, upper_face), (LOWER_TEETH, chin), (TONGUE, chin)):
        teeth = np.flatnonzero(parts.part == part)
        everywhere[:shapes, teeth] = _carried(placed[teeth], placed[mouth],
                                              everywhere[:shapes, mouth])
        everywhere[shapes:, teeth] = everywhere[shapes:, leader].mean(axis=1)[:, None]


def load_head(path: Path) -> HeadMesh:
    """Read a head that save_head wrote. Raises ModelBuildingError when it is another format."""
    with np.load(path) as file:
        names = [field.name for field in fields(HeadMesh)]
        if set(names) != set(file.files) or int(file['format_version']) != FORMAT:
            raise ModelBuildingError(f'{path}: a head of another format: delete it')
        return HeadMesh(**{name: file[name] for name in names})


def save_head(path: Path, head: HeadMesh) -> None:
    """Write a head; the file appears whole or not at all."""
    # Several processes may find that it is missing at the same time.
    own = path.with_name(f'{path.name}.{os.getpid()}')
    write_arrays(own, {field.name: getattr(head, field.name) for field in fields(HeadMesh)})
    own.replace(path)
