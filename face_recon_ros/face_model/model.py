# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The 3D morphable face model; parameters.py says what its parameters mean."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import overload

import numpy as np

from face_recon_ros.errors import ArgumentError
from face_recon_ros.face_model.dense_decoder import Decoder
from face_recon_ros.face_model.face_units import FaceUnits
from face_recon_ros.face_model.file import MAPPED, read_model
from face_recon_ros.face_model.landmarks import SparseModel
from face_recon_ros.face_model.mapped_array import release_pages
from face_recon_ros.face_model.parameters import FaceParameters
from face_recon_ros.paths import model_file

DEFAULT_FILE = 'face_model.npz'


class FaceModel:
    """The model file, decoded as far as each user of it needs."""

    def __init__(self, path: str | Path | None = None) -> None:
        """
        Read a model file (models/README.md says how it was made).

        :raises ModelFileError: see face_model_file.read_model.
        """
        self.path = Path(path) if path else model_file(DEFAULT_FILE)
        self._arrays = arrays = read_model(self.path)
        self.mean: np.ndarray = arrays['mean']
        self.triangles: np.ndarray = arrays['triangles']
        self.colors: np.ndarray = arrays['colors']
        self.uv: np.ndarray = arrays['uv']
        self.mirror: np.ndarray = arrays['mirror']
        self.eye_mask: np.ndarray = arrays['eye_mask']
        self.landmarks_468_mirror: np.ndarray = arrays['landmarks_468_mirror']
        self.landmarks_68 = self._sparse('landmarks_68')
        self.landmarks_468 = self._sparse('landmarks_468')
        self._release_bases()

    @classmethod
    def load(cls, path: str | Path | None = None) -> FaceModel:
        """Read a model file; the shipped one by default."""
        return cls(path)

    def _sparse(self, name: str) -> SparseModel:
        """Carry mean and bases over to embedded landmarks (barycentric, plus offset if any)."""
        vertices = self._arrays[f'{name}_vertices']
        weights = self._arrays[f'{name}_weights'].astype(np.float64)
        mean = np.einsum('lc,lcx->lx', weights, self.mean[vertices].astype(np.float64))
        mean += self._arrays.get(f'{name}_offset', 0.0)
        basis = []
        for kind in ('shape', 'expression'):
            rows = self._arrays[f'{kind}_basis'][:, vertices].astype(np.float64)
            rows *= self._arrays[f'{kind}_step'].astype(np.float64)[:, None, None, None]
            basis.append(np.einsum('lc,klcx->lxk', weights, rows))
        return SparseModel.of(mean, basis)

    def _release_bases(self) -> None:
        """Give back the memory of what is seldom read."""
        for name in MAPPED:
            release_pages(self._arrays[name])

    @overload
    def vertices(self, indices: np.ndarray) -> SparseModel: ...

    @overload
    def vertices(
        self, *, blendshapes: Mapping[str, float], shape: np.ndarray | None = None
    ) -> np.ndarray: ...

    def vertices(
        self,
        indices: np.ndarray | None = None,
        *,
        blendshapes: Mapping[str, float] | None = None,
        shape: np.ndarray | None = None,
    ) -> SparseModel | np.ndarray:
        """
        Return the model at some of the dense vertices (N,) int, or the mesh posed by units.

        `vertices(blendshapes={'jawOpen': 0.5})` is (V, 3) float32, model axes, metres.

        :param blendshapes: weights by ARKit's names; those not named are 0
        :param shape: (40,) whose face; the mean by default
        :raises ArgumentError: no such unit, a weight or shape that cannot be used, or one with
            indices: those are of the model, which has a place for every face.
        :raises ModelFileError: models/face_units.npz cannot be used with this face model.
        """
        if indices is not None:
            if blendshapes is not None or shape is not None:
                raise ArgumentError(
                    'vertices() is given indices and a pose; leave out indices, and take '
                    'vertices(blendshapes=...)[indices]'
                )
            return self._at(indices)
        points = self._shaped(shape)
        return points + self.face_units.displacement({} if blendshapes is None else blendshapes)

    @cached_property
    def face_units(self) -> FaceUnits:
        """ARKit's units on the mesh, read on first use."""
        return FaceUnits(len(self.mean))

    def _shaped(self, shape: np.ndarray | None) -> np.ndarray:
        """Return the dense vertices (V, 3) float32 of a face at rest."""
        if shape is None:
            return self.mean.astype(np.float32)
        steps = self._arrays['shape_step']
        try:
            shape = np.asarray(shape, np.float32)
        except (TypeError, ValueError):
            raise ArgumentError(
                f'shape is a {type(shape).__name__}; give {steps.shape} finite numbers'
            ) from None
        if shape.shape != steps.shape or not np.isfinite(shape).all():
            raise ArgumentError(f'shape is {shape.shape}; give {steps.shape} finite numbers')
        moves = np.tensordot(shape * steps, self._arrays['shape_basis'], 1)
        return (self.mean + moves).astype(np.float32)

    def _at(self, indices: np.ndarray) -> SparseModel:
        bases = [
            (self._arrays[f'{kind}_basis'][:, indices]
             * self._arrays[f'{kind}_step'].astype(np.float64)[:, None, None]).transpose(1, 2, 0)
            for kind in ('shape', 'expression')
        ]
        return SparseModel.of(self.mean[indices].astype(np.float64), bases)

    def coefficient_mirror_signs(self) -> np.ndarray:
        """Return what to multiply the 50 coefficients by for the mirror image's: 1 or -1 each."""
        basis = self.landmarks_468.basis
        mirrored = basis[self.landmarks_468_mirror] * np.array([-1.0, 1.0, 1.0])[:, None]
        return np.sign(np.einsum('nxk,nxk->k', mirrored, basis))

    @cached_property
    def decoder(self) -> Decoder:
        """The dense decoder, made on first use: its bases are most of the file."""
        a = self._arrays
        decoder = Decoder(
            a['mean'],
            a['shape_basis'],
            a['shape_step'],
            a['expression_basis'],
            a['expression_step'],
        )
        self._release_bases()
        return decoder

    def dense_px(self, parameters: FaceParameters) -> np.ndarray:
        """Return all vertices (V, 3) float32 in pixels, z towards the viewer."""
        return self.decoder.decode(
            parameters.camera_matrix, parameters.shape, parameters.expression
        )

    def landmarks_68_px(self, parameters: FaceParameters) -> np.ndarray:
        """Return the iBUG-68 landmarks (68, 3) in pixels, z towards the viewer."""
        return self.landmarks_68.points_px(parameters)

    def embed_68(self, vertices: np.ndarray) -> np.ndarray:
        """Return the iBUG-68 landmarks (68, C) of values at all vertices (V, C)."""
        corners = vertices[self._arrays['landmarks_68_vertices']]
        return np.einsum('lc,lcx->lx', self._arrays['landmarks_68_weights'], corners)

    @property
    def interpupillary_distance_m(self) -> float:
        """Distance between the centres of the mean's two eyeballs."""
        eyes = self.mean[self.eye_mask].astype(np.float64)
        left, right = eyes[eyes[:, 0] > 0].mean(axis=0), eyes[eyes[:, 0] < 0].mean(axis=0)
        return float(np.linalg.norm(left - right))
