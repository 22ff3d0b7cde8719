# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Make training crops: photos as they are and turned to all poses, rendered heads, backgrounds.

    python -m model_building.network.generate --sources sources.npz --output DIR --shards 24

Each shard is an .npz of its own seed, so that an interrupted run goes on where it stopped.
"""
from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import Pool
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from face_recon_ros.face_model.model import FaceModel
from face_recon_ros.io.image_files import read_image
from face_recon_ros.regression.region import CROP_CENTRE_M, CROP_SIDE_M
from model_building.face_model.assets import default_cache
from model_building.network import photos
from model_building.network.augmentation import (
    LARGEST_ROLL_DEG,
    ROLL_SPREAD_DEG,
    SIZE,
    Backgrounds,
    photographed,
    random_rotation,
    random_view,
    rotation_about,
)
from model_building.network.heads import HeadKit, OpenHead
from model_building.network.photo_face import FacePainter
from model_building.network.photos import Source
from model_building.network.portraits import training_portraits
from model_building.network.profiling import (
    FaceTopology,
    ProfiledPhoto,
    Surroundings,
    painted_face,
)
from model_building.network.relief import Relief
from model_building.network.scanned_people import PhotographedPerson, ScannedPeople
from model_building.network.subject import Subject, View

BACKGROUND, PHOTO, PROFILED, RENDERED, PAINTED, SCANNED = range(6)
"""What a crop is."""
VIEWS_PER_SUBJECT = 8
VIEWS_PER_SCAN, SCAN_PITCH_SPREAD_DEG = 10, 25.0
NewScan = Callable[[np.random.Generator], PhotographedPerson]
"""Draws somebody of the ICT model."""
NewHead = Callable[..., Subject]
"""Makes a rendered head of a generator and, of a photo, coefficients and face; see OpenHead."""


@dataclass(slots=True, frozen=True)
class Mixture:
    """
    Shares of the kinds of crops; the rest are profiled photos.

    painted: of the rendered heads, those whose face is a photo's. scanned: people of the ICT
    model among the subjects.
    """

    backgrounds: float = 0.05
    photos: float = 0.2
    rendered: float = 0.0
    painted: float = 0.0
    scanned: float = 0.0
    surroundings: float = 0.5


@dataclass(slots=True)
class Crop:
    """One training example; see View and FaceModel. landmarks (468, 3) px of the crop."""

    image: np.ndarray
    kind: int
    rotation: np.ndarray
    scale_px_per_m: float
    centre_px: np.ndarray
    coefficients: np.ndarray
    landmarks: np.ndarray


def usable(source: Source) -> bool:
    """Whether a fit is sure enough to be pseudo-truth, and the face large and frontal enough."""
    yaw, pitch = source.yaw_pitch_deg
    scale = source.parameters.scale_px_per_m
    return (source.presence > 0.9 and source.residual < 0.0012 and abs(yaw) < 25
            and abs(pitch) < 25 and scale > 330)


class CropMaker:
    """Makes one crop after the other."""

    def __init__(
        self, sources: list[Source], mixture: Mixture, validation: bool = False,
        new_head: NewHead | None = None, new_scan: NewScan | None = None,
    ) -> None:
        """
        Prepare.

        :param new_head: makes a rendered head; needed where mixture.rendered is not 0
        :param new_scan: makes somebody of the ICT model; needed where mixture.scanned is not 0
        """
        model = FaceModel()
        self._painter = FacePainter(model)
        self._relief = Relief(model)
        self._sparse = model.landmarks_468
        self._topology = FaceTopology(model)
        self._mixture = mixture
        self._new_head = new_head
        self._new_scan = new_scan
        good = [s for s in sources if s.presence > 0.5]
        self._backgrounds = Backgrounds([(s.path, _box(s)) for s in good])
        self._sources = [s for s in sources if usable(s) and s.validation == validation]
        self._upright = [
            s for s in good if s.residual < 0.0013 and s.validation == validation
        ]

    def subject(self, rng: np.random.Generator) -> tuple[int, Subject | PhotographedPerson]:
        """Draw somebody to show."""
        if self._new_scan and rng.random() < self._mixture.scanned:
            return SCANNED, self._new_scan(rng)
        if self._new_head and rng.random() < self._mixture.rendered:
            if rng.random() >= self._mixture.painted:
                return RENDERED, self._new_head(rng)
            return PAINTED, self._painted(self._new_head, rng)
        source = self._source(rng)
        surroundings = Surroundings.draw(rng, self._mixture.surroundings)
        return PROFILED, ProfiledPhoto(self._topology, source, surroundings)

    def _painted(self, new_head: NewHead, rng: np.random.Generator) -> Subject:
        """Return a rendered head with the face of a photo."""
        source = self._source(rng)
        return new_head(rng, *painted_face(self._topology, self._painter, source))

    def _source(self, rng: np.random.Generator) -> Source:
        """Draw a photo, with a relief that it may be of."""
        source = self._sources[rng.integers(len(self._sources))]
        return replace(source, parameters=self._relief.like(source.parameters, rng))

    def crops(self, rng: np.random.Generator, count: int) -> list[Crop]:
        """Return count crops."""
        made: list[Crop] = []
        while len(made) < count:
            kind, subject = self.subject(rng)
            for _ in range(VIEWS_PER_SCAN if kind == SCANNED else VIEWS_PER_SUBJECT):
                chance = rng.random()
                if chance < self._mixture.backgrounds:
                    made.append(self._empty(rng))
                elif chance < self._mixture.backgrounds + self._mixture.photos:
                    made.append(self._photo(rng))
                else:
                    made.append(self._shown(kind, subject, rng))
        return made[:count]

    def _shown(self, kind: int, subject: Subject | PhotographedPerson,
               rng: np.random.Generator) -> Crop:
        background = self._backgrounds(rng)
        if isinstance(subject, PhotographedPerson):
            view = random_view(random_rotation(rng, SCAN_PITCH_SPREAD_DEG), rng)
            sight = subject.shoot(view, background, rng)
            return Crop(photographed(sight.image, rng), kind, sight.rotation,
                        sight.scale_px_per_m, sight.centre_px, sight.coefficients,
                        sight.landmarks)
        view = random_view(random_rotation(rng), rng)
        image = subject.draw(view, background, rng)
        return self._crop(image, kind, view, subject.coefficients, rng)

    def _crop(self, image: np.ndarray, kind: int, view: View, coefficients: np.ndarray,
              rng: np.random.Generator) -> Crop:
        landmarks = self._sparse.points_px(view.parameters(coefficients))
        return Crop(photographed(image, rng), kind, view.rotation, view.scale_px_per_m,
                    view.centre_px, coefficients, landmarks)

    def _photo(self, rng: np.random.Generator) -> Crop:
        source = self._upright[rng.integers(len(self._upright))]
        return self._crop_of_photo(read_image(Path(source.path)), source, rng)

    def _crop_of_photo(self, image: np.ndarray, source: Source,
                       rng: np.random.Generator) -> Crop:
        """Cut a photo as a tracker might; its landmarks are Face Mesh's own."""
        parameters = source.parameters
        up = parameters.model_rotation[:2, 1]
        upright = np.degrees(np.arctan2(up[0], up[1]))
        roll = np.clip(rng.normal(0, ROLL_SPREAD_DEG), -LARGEST_ROLL_DEG, LARGEST_ROLL_DEG)
        turn = rotation_about('z', upright + roll)
        view = random_view(turn @ parameters.model_rotation, rng)
        zoom = view.scale_px_per_m / parameters.scale_px_per_m
        # rotation_about('z') turns counter-clockwise with y up; pixels have y down
        linear = turn[:2, :2].T * zoom
        centre = parameters.project(CROP_CENTRE_M[None])[0]
        crop_from_image = np.column_stack([linear, view.centre_px - linear @ centre[:2]])
        border = cv2.BORDER_REPLICATE if rng.random() < 0.4 else cv2.BORDER_CONSTANT
        crop = cv2.warpAffine(image, crop_from_image, (SIZE, SIZE), borderMode=border)
        landmarks = np.column_stack([
            source.landmarks_px[:, :2] @ linear.T + crop_from_image[:, 2],
            (source.landmarks_px[:, 2] - centre[2]) * zoom,
        ])
        coefficients = np.concatenate([parameters.shape, parameters.expression])
        made = self._crop(crop, PHOTO, view, coefficients, rng)
        made.landmarks = landmarks
        return made

    def _empty(self, rng: np.random.Generator) -> Crop:
        image = photographed(self._backgrounds(rng), rng)
        return Crop(image, BACKGROUND, np.eye(3), SIZE / CROP_SIDE_M, np.full(2, SIZE / 2),
                    np.zeros(50), np.zeros((468, 3)))


def _box(source: Source) -> np.ndarray:
    points = source.landmarks_px[:, :2]
    return np.concatenate([points.min(axis=0), points.max(axis=0)])


def write_shard(path: Path, crops: list[Crop]) -> None:
    """Write crops to an .npz file, which appears whole or not at all."""
    partial_path = path.with_suffix('.partial.npz')
    np.savez(
        partial_path,
        image=np.stack([c.image for c in crops]),
        kind=np.array([c.kind for c in crops], np.int8),
        rotation=np.stack([c.rotation for c in crops]).astype(np.float32),
        scale_px_per_m=np.array([c.scale_px_per_m for c in crops], np.float32),
        centre_px=np.stack([c.centre_px for c in crops]).astype(np.float32),
        coefficients=np.stack([c.coefficients for c in crops]).astype(np.float32),
        landmarks=np.stack([c.landmarks for c in crops]).astype(np.float32),
    )
    partial_path.replace(path)


def sheet(maker: CropMaker, rng: np.random.Generator, rows: int = 8) -> np.ndarray:
    """Return a picture of subjects at set yaws, the last with its landmarks, and of crops."""
    lines = []
    for _ in range(rows):
        _, subject = maker.subject(rng)
        line = []
        for yaw in (-90, -60, -30, 0, 30, 60, 90):
            rotation = rotation_about('x', rng.normal(0, 12)) @ rotation_about('y', yaw)
            view = View(rotation, SIZE / CROP_SIDE_M, np.full(2, (SIZE - 1) / 2), SIZE)
            background = maker._backgrounds(rng)
            if isinstance(subject, PhotographedPerson):
                sight = subject.shoot(view, background, rng)
                line.append(sight.image)
                points = sight.landmarks
            else:
                line.append(subject.draw(view, background, rng))
                points = maker._sparse.points_px(view.parameters(subject.coefficients))
        marked = line[-1].copy()
        for x, y in points[:, :2]:
            cv2.circle(marked, (round(float(x)), round(float(y))), 1, (0, 255, 0), -1)
        line.append(marked)
        for crop in maker.crops(rng, 3):
            marked = crop.image.copy()
            for x, y in crop.landmarks[::4, :2]:
                cv2.circle(marked, (round(float(x)), round(float(y))), 1, (0, 255, 0), -1)
            line.append(marked)
        lines.append(np.hstack(line))
    return np.vstack(lines)


def _make_shard(number: int, *, arguments: argparse.Namespace) -> int:
    path = arguments.output / f'{arguments.name}_{number:03d}.npz'
    if path.exists():
        return 0
    cv2.setNumThreads(1)
    maker = _maker(arguments)
    rng = np.random.default_rng([arguments.seed, number])
    crops = maker.crops(rng, arguments.crops)
    write_shard(path, crops)
    return len(crops)


def _maker(arguments: argparse.Namespace) -> CropMaker:
    mixture = Mixture(photos=arguments.photos, rendered=arguments.rendered,
                      painted=arguments.painted, scanned=1.0 if arguments.ict else 0.0,
                      surroundings=arguments.surroundings)
    new_head = None
    if mixture.rendered:
        kit = HeadKit.load(arguments.cache)
        new_head = partial(OpenHead, kit)
    sources = photos.load(arguments.sources)
    new_scan = None
    if arguments.ict:
        skins = [s for s in sources if usable(s) and s.validation == arguments.validation]
        new_scan = ScannedPeople(
            arguments.ict, skins, training_portraits(arguments.portraits), arguments.validation,
            arguments.straight)
    return CropMaker(sources, mixture, arguments.validation, new_head, new_scan)


# long: one option after another
def main() -> int:
    """Run the command; returns the exit status."""
    parser = argparse.ArgumentParser(prog='python -m model_building.network.generate',
                                     description=__doc__)
    parser.add_argument('--sources', type=Path, required=True, help='of ...training.photos')
    parser.add_argument('--output', type=Path, required=True)
    parser.add_argument('--name', default='train', help='what shard files begin with')
    parser.add_argument('--shards', type=int, default=24)
    parser.add_argument('--crops', type=int, default=1000, help='per shard')
    parser.add_argument('--photos', type=float, default=Mixture().photos,
                        help='share of photos as they are')
    parser.add_argument('--rendered', type=float, default=Mixture().rendered,
                        help='share of rendered heads among the subjects')
    parser.add_argument('--painted', type=float, default=Mixture().painted,
                        help="share of rendered heads whose face is a photo's")
    parser.add_argument('--ict', type=Path,
                        help='folder of the ICT face model: all subjects are people of it')
    parser.add_argument('--portraits', type=Path, help='whose skin some of them have')
    parser.add_argument('--straight', action='store_true',
                        help='cameras look straight at people of the ICT model')
    parser.add_argument('--surroundings', type=float, default=Mixture().surroundings,
                        help='share of photos turned with hair and background')
    parser.add_argument('--validation', action='store_true', help='of the held-out photos')
    parser.add_argument('--cache', type=Path, default=default_cache(),
                        help='where the open head is kept (default: %(default)s)')
    parser.add_argument('--processes', type=int, default=1)
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--sheet', type=Path, help='only write a picture of examples here')
    arguments = parser.parse_args()
    if arguments.painted and not arguments.rendered:
        sys.stderr.write('--painted is a share of the rendered heads: give --rendered too\n')
        return 1
    if arguments.ict and not arguments.portraits:
        sys.stderr.write("--ict: people of it have portraits' skins: give --portraits too\n")
        return 1
    if arguments.sheet:
        picture = sheet(_maker(arguments), np.random.default_rng(arguments.seed))
        cv2.imwrite(str(arguments.sheet), picture)
        return 0
    arguments.output.mkdir(parents=True, exist_ok=True)
    made = 0
    with Pool(arguments.processes) as pool:
        work = pool.imap_unordered(partial(_make_shard, arguments=arguments),
                                   range(arguments.shards))
        for count in tqdm(work, total=arguments.shards, unit='shard'):
            made += count
    sys.stdout.write(f'{arguments.output}: {made} new crops\n')
    return 0


if __name__ == '__main__':
    sys.exit(main())
