# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Draws scenes by tracing paths of light with Mitsuba 3, another renderer than the training's.

Soft shadows, light between surfaces, glossy skin, glass: what our renderer, by whose pictures the
networks have learnt, does not have. Only for evaluation (requirements-evaluation.txt).
"""
from __future__ import annotations

from typing import Any

import numpy as np

from model_building.face_model.errors import ModelBuildingError
from model_building.network.ict_heads import Scene, projected
from model_building.network.piece import GAMMA

VARIANTS = {'mitsuba': 'scalar_rgb', 'mitsuba-llvm': 'llvm_ad_rgb'}
"""By name of the renderer: the first runs anywhere, the other needs LLVM and is faster."""
PATHS, LONGEST_PATH = 32, 5
"""So many a pixel."""
LAMP_DISTANCE_M, LAMP_RADIUS_M = 2.0, 0.25
MARGIN_PX = 2
SKIN = {'roughness': 0.45, 'specular': 0.35}


class MitsubaRenderer:
    """See known_heads.Draw."""

    def __init__(self, name: str) -> None:
        """
        Prepare the variant of this name.

        :raises ModelBuildingError: Mitsuba is not installed, or the variant does not run here.
        """
        try:
            import mitsuba
            mitsuba.set_variant(VARIANTS[name])
        except ImportError as error:
            raise ModelBuildingError(
                f'--renderer {name}: {error}; pip install -r requirements-evaluation.txt'
            ) from error
        self._mitsuba: Any = mitsuba

    def __call__(self, scene: Scene, background: np.ndarray) -> np.ndarray:
        """Return a picture (H, W, 3) uint8 BGR of a scene over a background of that size."""
        low, high = _place(scene, background.shape[:2])
        if (high <= low).any():
            return background.copy()
        loaded = self._mitsuba.load_dict({
            'type': 'scene',
            'integrator': {'type': 'path', 'max_depth': LONGEST_PATH, 'hide_emitters': True},
            'sensor': self._sensor(scene, background.shape[:2], low, high),
            **self._light(scene),
            'opaque': self._mesh(scene, scene.triangles[: scene.opaque], {
                'type': 'principled', 'base_color': _OF_VERTICES, **SKIN}),
            **self._lenses(scene),
        })
        drawn = np.array(self._mitsuba.render(loaded, seed=0), np.float32)
        alpha = np.clip(drawn[..., 3:], 0, 1)
        image = background.copy()
        part = image[low[1] : high[1], low[0] : high[0]]
        behind = (part.astype(np.float32) / 255) ** GAMMA
        mixed = np.clip(drawn[..., 2::-1], 0, 1) + (1 - alpha) * behind
        part[:] = np.rint(255 * np.clip(mixed, 0, 1) ** (1 / GAMMA)).astype(np.uint8)
        return image

    def _sensor(self, scene: Scene, size: tuple[int, int], low: np.ndarray, high: np.ndarray
                ) -> dict[str, Any]:
        camera = scene.shot.camera
        height, width = size
        view = self._mitsuba.ScalarTransform4f().look_at(
            origin=[0, 0, 0], target=[0, 0, 1], up=[0, -1, 0])
        return {
            'type': 'perspective', 'fov_axis': 'x', 'near_clip': 0.05, 'far_clip': 50.0,
            'fov': float(np.degrees(2 * np.arctan(width / (2 * camera.fx)))),
            # a pixel's centre is at a half here; the offset is the film's, not the point's
            'principal_point_offset_x': 0.5 - (camera.cx + 0.5) / width,
            'principal_point_offset_y': 0.5 - (camera.cy + 0.5) / height,
            'to_world': view,
            'sampler': {'type': 'independent', 'sample_count': PATHS},
            'film': {
                'type': 'hdrfilm', 'width': width, 'height': height, 'pixel_format': 'rgba',
                'crop_offset_x': int(low[0]), 'crop_offset_y': int(low[1]),
                'crop_width': int(high[0] - low[0]), 'crop_height': int(high[1] - low[1]),
                'rfilter': {'type': 'box'},
            },
        }

    def _light(self, scene: Scene) -> dict[str, Any]:
        """Return a lamp and the light from all around, of the strengths that the scene says."""
        lighting = scene.lighting
        # radiances by which white, facing the lamp, is as bright as our renderer makes it
        lamp = (1.1 - lighting.ambient) * (LAMP_DISTANCE_M / LAMP_RADIUS_M) ** 2
        place = scene.shot.position_m + LAMP_DISTANCE_M * lighting.key
        return {
            'around': {'type': 'constant', 'radiance': {
                'type': 'rgb', 'value': _linear(lighting.ambient * lighting.exposure)}},
            'lamp': {
                'type': 'sphere', 'center': place.tolist(), 'radius': LAMP_RADIUS_M,
                'emitter': {'type': 'area', 'radiance': {
                    'type': 'rgb', 'value': _linear(lighting.exposure) * lamp}},
            },
        }

    def _lenses(self, scene: Scene) -> dict[str, Any]:
        if not scene.lens_opacity:
            return {}
        return {'lenses': self._mesh(scene, scene.triangles[scene.opaque :], {
            'type': 'mask', 'opacity': scene.lens_opacity, 'nested': {
                'type': 'twosided', 'nested': {
                    'type': 'principled', 'base_color': _OF_VERTICES, 'roughness': 0.1,
                    'specular': 0.5}}})}

    def _mesh(self, scene: Scene, triangles: np.ndarray, surface: dict[str, Any]) -> Any:
        """Return some of a scene's triangles with a surface."""
        used, local = np.unique(triangles, return_inverse=True)
        properties = self._mitsuba.Properties()
        properties['surface'] = self._mitsuba.load_dict(surface)
        mesh = self._mitsuba.Mesh(
            'mesh', vertex_count=len(used), face_count=len(triangles), has_vertex_normals=True,
            props=properties)
        parameters = self._mitsuba.traverse(mesh)
        parameters['vertex_positions'] = scene.points[used].astype(np.float32).ravel()
        parameters['vertex_normals'] = scene.normals[used].astype(np.float32).ravel()
        parameters['faces'] = local.astype(np.uint32).ravel()
        parameters.update()
        rgb = np.clip(scene.colors[used, ::-1] / 255, 0, 0.95) ** GAMMA
        mesh.add_attribute('vertex_color', 3, rgb.astype(np.float32).ravel())
        return mesh


_OF_VERTICES = {'type': 'mesh_attribute', 'name': 'vertex_color'}


def _linear(brightness: float) -> float:
    return float(brightness**GAMMA)


def _place(scene: Scene, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return the pixels from and to which there is something to draw, x and y (2,)."""
    pixels = projected(scene.points, scene.shot)[:, :2]
    low = np.floor(pixels.min(axis=0)).astype(int) - MARGIN_PX
    high = np.ceil(pixels.max(axis=0)).astype(int) + 1 + MARGIN_PX
    return np.maximum(low, 0), np.minimum(high, size[::-1])
