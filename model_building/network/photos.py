# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Photos as the raw material: each face's 3D shape and pose, found by Face Mesh and a fit in 2D.

    python -m model_building.network.photos --photos GENKI_FOLDER --output sources.npz
"""
from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from face_recon_ros.face_model.decoding import ParameterDecoder
from face_recon_ros.face_model.landmark_fit import LandmarkFitter
from face_recon_ros.face_model.model import FaceModel
from face_recon_ros.face_model.parameters import FaceParameters
from face_recon_ros.pipeline import Pipeline, PipelineConfig
from face_recon_ros.regression.face_mesh import FaceMeshRegressor
from face_recon_ros.regression.image_fit import fit_in_image
from face_recon_ros.regression.region import Region
from model_building.network.augmentation import rotation_about

LAST_PHOTO = 3000
"""GENKI-4K photos after this one are left for others to judge by."""
VALIDATION_EVERY = 15
"""Photos whose number this divides take no part in training."""
PITCH_TRUST = 0.5
"""How much of a fitted pitch beyond the photos' median is taken for the head's."""


@dataclass(slots=True, frozen=True)
class Source:
    """
    One photo's face.

    landmarks_px (468, 3): Face Mesh's, x right, y down, z towards the viewer. residual: mean
    distance in the image between them and the fit, in metres of the model.
    """

    number: int
    path: str
    parameters: FaceParameters
    landmarks_px: np.ndarray
    presence: float
    residual: float

    @property
    def validation(self) -> bool:
        """Return whether the photo is held out of training."""
        return self.number % VALIDATION_EVERY == 0

    @property
    def yaw_pitch_deg(self) -> tuple[float, float]:
        """Azimuth towards image right and elevation of where the face looks."""
        x, y, z = self.parameters.model_rotation[:, 2]
        return float(np.degrees(np.arctan2(x, z))), float(np.degrees(np.arcsin(y)))


class PhotoReader:
    """Finds the face in a photo and fits it."""

    DEPTH_WEIGHT = 0.05

    def __init__(self) -> None:
        self._pipeline = Pipeline(PipelineConfig(smoothing=None))
        self._model = FaceModel()
        self._regressor = FaceMeshRegressor(self._model)
        self._fitter = LandmarkFitter(self._model)

    def __call__(self, path: Path, number: int) -> Source | None:
        """Return the best face of a photo, None where there is none."""
        image = cv2.imread(str(path))
        if image is None:
            return None
        found = [self._look(image, Region.from_detection(d))
                 for d in self._pipeline.detector(image)]
        if not found:
            return None
        landmarks_px, presence = max(found, key=lambda f: f[1])
        start = self._fitter.fit(landmarks_px).parameters
        sparse = self._model.landmarks_468
        parameters = fit_in_image(sparse, start, landmarks_px, self.DEPTH_WEIGHT)
        residual = _residual_m(self._model, parameters, landmarks_px)
        return Source(number, str(path), parameters, landmarks_px, presence, residual)

    def _look(self, image: np.ndarray, region: Region) -> tuple[np.ndarray, float]:
        regressor = self._regressor
        for _ in range(2):
            image_from_crop = regressor.preprocess(image, region)
            landmarks_px, presence = regressor.landmarks(regressor.infer(), image_from_crop)
            region = Region.from_landmarks(landmarks_px)
        return landmarks_px, presence


def _residual_m(
    model: FaceModel, parameters: FaceParameters, landmarks_px: np.ndarray
) -> float:
    off_px = (model.landmarks_468.points_px(parameters) - landmarks_px)[:, :2]
    return float(np.linalg.norm(off_px, axis=1).mean() / parameters.scale_px_per_m)


def with_doubtful_pitch(sources: list[Source], trust: float = PITCH_TRUST) -> list[Source]:
    """
    Return the sources with their pitch drawn towards the median, and shapes fitted anew.

    A frontal face that nods and one of another shape look the same: with half of the pitch the
    shapes fit the landmarks as well. What a fit calls pitch is in part the person's looks, and a
    network taught so would take such looks for pitch.
    """
    model = FaceModel()
    decode = ParameterDecoder(model)
    pitch_deg = np.array([source.yaw_pitch_deg[1] for source in sources])
    back_deg = (1 - trust) * (pitch_deg - np.median(pitch_deg))
    drawn = []
    for source, angle_deg in zip(sources, back_deg, strict=True):
        before = source.parameters
        # a positive turn about x, towards the subject's left, looks down
        rotation = before.model_rotation @ rotation_about('x', float(angle_deg))
        coefficients = np.concatenate([before.shape, before.expression])
        parameters = decode(source.landmarks_px, rotation, coefficients, rounds=4)
        residual = _residual_m(model, parameters, source.landmarks_px)
        drawn.append(replace(source, parameters=parameters, residual=residual))
    return drawn


def photo_number(path: Path) -> int:
    """Return the number in the name of a GENKI-4K photo."""
    return int(''.join(c for c in path.stem if c.isdigit()))


def save(path: Path, sources: list[Source]) -> None:
    """Write sources to an .npz file."""
    np.savez(
        path,
        number=np.array([s.number for s in sources]),
        path=np.array([s.path for s in sources]),
        parameters=np.array([s.parameters.vector() for s in sources]),
        landmarks_px=np.array([s.landmarks_px for s in sources]),
        presence=np.array([s.presence for s in sources]),
        residual=np.array([s.residual for s in sources]),
    )


def load(path: Path) -> list[Source]:
    """Read what save() wrote."""
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    return [
        Source(
            int(arrays['number'][i]), str(arrays['path'][i]), parameters_of(vector),
            arrays['landmarks_px'][i], float(arrays['presence'][i]),
            float(arrays['residual'][i]))
        for i, vector in enumerate(arrays['parameters'])
    ]


def parameters_of(vector: np.ndarray) -> FaceParameters:
    """Return the parameters of their (62,) vector."""
    return FaceParameters(vector[:12].reshape(3, 4), vector[12:52], vector[52:])


def main() -> int:
    """Run the command; returns the exit status."""
    parser = argparse.ArgumentParser(prog='python -m model_building.network.photos',
                                     description=__doc__)
    parser.add_argument('--photos', type=Path, required=True)
    parser.add_argument('--output', type=Path, required=True)
    arguments = parser.parse_args()
    paths = sorted(p for p in arguments.photos.glob('*.jpg') if photo_number(p) <= LAST_PHOTO)
    if not paths:
        sys.stderr.write(f'{arguments.photos}: no .jpg photos; give the folder of GENKI-4K\n')
        return 1
    reader = PhotoReader()
    found = [reader(path, photo_number(path)) for path in tqdm(paths, unit='photo')]
    sources = with_doubtful_pitch([source for source in found if source is not None])
    save(arguments.output, sources)
    sys.stdout.write(f'{arguments.output}: {len(sources)} faces in {len(paths)} photos\n')
    return 0


if __name__ == '__main__':
    sys.exit(main())
