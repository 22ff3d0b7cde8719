# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Made-up scenes with small faces: people from photos put into pictures without faces.

Photos hold one face each, which the shipped detector finds. What is put into a picture is as often
a part of a photo without the face, so that the edge of what was put in does not tell of a face.
"""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from face_recon_ros.detection.loader import FULL_RANGE, load_detector

SIDE_PX = 192
LEAST_FACE_PX, LARGEST_FACE_PX = 9.0, 48.0
PHOTO_FACE_PX = 96.0
"""Photos are kept with faces of at most this width."""
LEAST_DETECTION_SCORE = 0.6
IMAGE_ENDINGS = {'.jpg', '.jpeg', '.png', '.webp'}


@dataclass(slots=True, frozen=True)
class Person:
    """A photo (H, W, 3) uint8 BGR and the box (4,) px of the one face in it."""

    image: np.ndarray
    box: np.ndarray


@dataclass(slots=True, frozen=True)
class Scene:
    """A picture (SIDE_PX, SIDE_PX, 3) uint8 BGR and its faces (N, 3): centre x, y and width px."""

    image: np.ndarray
    faces: np.ndarray


def read_people(folders: list[Path], kept: slice) -> list[Person]:
    """Return the people of photos in which the detector finds one face, every `kept` of them."""
    detector = load_detector(FULL_RANGE, LEAST_DETECTION_SCORE)
    people = []
    for folder in folders:
        for path in image_files(folder)[kept]:
            image = cv2.imread(str(path))
            if image is None:
                continue
            found = detector(image)
            if len(found) != 1:
                continue
            scale = min(1.0, PHOTO_FACE_PX / float(found[0].box[2] - found[0].box[0]))
            people.append(Person(_scaled(image, scale), found[0].box * scale))
    return people


def read_backgrounds(folder: Path, kept: slice) -> list[np.ndarray]:
    """Return pictures without faces, (H, W, 3) uint8 BGR, every `kept` of them."""
    found = (cv2.imread(str(path)) for path in image_files(folder)[kept])
    return [image for image in found if image is not None and min(image.shape[:2]) >= SIDE_PX]


def image_files(folder: Path) -> list[Path]:
    """Return the image files below a folder, in the order of their names."""
    return sorted(p for p in folder.rglob('*') if p.suffix.lower() in IMAGE_ENDINGS)


class SceneMaker:
    """Makes scenes at random."""

    def __init__(
        self, people: list[Person], backgrounds: list[np.ndarray], random: np.random.Generator
    ) -> None:
        self._people = people
        self._backgrounds = backgrounds
        self._random = random

    def __call__(self) -> Scene:
        """Return a scene of no face to four faces."""
        random = self._random
        canvas = self._background()
        faces: list[np.ndarray] = []
        for _ in range(random.integers(0, 5)):
            self._put_part(canvas)
        for _ in range(random.choice([0, 1, 2, 3, 4], p=[0.25, 0.3, 0.2, 0.15, 0.1])):
            face = self._put_person(canvas, faces)
            if face is not None:
                faces.append(face)
        return Scene(self._developed(canvas), np.array(faces).reshape(-1, 3))

    def _background(self) -> np.ndarray:
        """Return a random part of a random picture, its faces none."""
        random = self._random
        image = self._backgrounds[random.integers(len(self._backgrounds))]
        side = int(random.uniform(0.5, 1.0) ** 2 * min(image.shape[:2]))
        side = max(side, 96)
        x, y = (random.integers(0, n - side + 1) for n in (image.shape[1], image.shape[0]))
        part = image[y : y + side, x : x + side]
        part = cv2.resize(part, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA)
        return _coloured(part[:, :: random.choice([-1, 1])], random)

    def _face_width_px(self) -> float:
        low, high = np.log([LEAST_FACE_PX, LARGEST_FACE_PX])
        return float(np.exp(self._random.uniform(low, high)))

    def _put_person(self, canvas: np.ndarray, others: list[np.ndarray]) -> np.ndarray | None:
        """Put a person in; returns centre and width of the face, None where there is no room."""
        random = self._random
        person = self._people[random.integers(len(self._people))]
        image, box = person.image, person.box.copy()
        if random.random() < 0.5:
            image = image[:, ::-1]
            box[[0, 2]] = image.shape[1] - 1 - box[[2, 0]]
        width = self._face_width_px()
        scale = width / (box[2] - box[0])
        centre = (box[:2] + box[2:]) / 2
        place = random.uniform(0, SIDE_PX, 2)
        if any(np.hypot(*(place - o[:2])) < 0.9 * (width + o[2]) for o in others):
            return None
        roll = random.normal(0, 15) if random.random() < 0.8 else random.uniform(-60, 60)
        self._paste(canvas, image, centre, float(box[2] - box[0]), place, scale, roll)
        return np.array([*place, width])

    def _put_part(self, canvas: np.ndarray) -> None:
        """Put in a part of a photo beside its face, or of a background."""
        random = self._random
        if random.random() < 0.5:
            person = self._people[random.integers(len(self._people))]
            image, box = person.image, person.box
            below = int(box[3] + 0.25 * (box[3] - box[1]))
            part = image[below:]
            if min(part.shape[:2]) < 12:
                return
        else:
            image = self._backgrounds[random.integers(len(self._backgrounds))]
            side = int(random.uniform(40, min(image.shape[:2])))
            x, y = (random.integers(0, n - side + 1) for n in (image.shape[1], image.shape[0]))
            part = image[y : y + side, x : x + side]
        size = np.array(part.shape[1::-1])
        scale = float(random.uniform(10, 90) / size.max())
        place = random.uniform(0, SIDE_PX, 2)
        roll = random.normal(0, 15)
        self._paste(canvas, part, size / 2, 0.5 * float(size.min()), place, scale, roll)

    def _mask(self, shape: tuple[int, ...], centre: np.ndarray, width: float) -> np.ndarray:
        """Return what of a photo is shown: all, or an ellipse around the face; edges soft."""
        random = self._random
        if random.random() < 0.4:
            mask = np.ones(shape, np.float32)
        else:
            mask = np.zeros(shape, np.float32)
            axes = width * random.uniform(0.75, 1.8), width * random.uniform(0.9, 2.2)
            middle = centre + np.array([0, random.uniform(-0.1, 0.5) * width])
            cv2.ellipse(mask, (middle.tolist(), [2 * a for a in axes], 0.0), 1.0, -1)
        soft = width * random.uniform(0.01, 0.2)
        return cv2.GaussianBlur(mask, (0, 0), max(soft, 0.3))

    def _paste(
        self, canvas: np.ndarray, image: np.ndarray, centre: np.ndarray, width: float,
        place: np.ndarray, scale: float, roll_deg: float,
    ) -> None:
        """Put an image in so that its `centre` comes to `place`; `width` px of it are shown."""
        shrunk = min(1.0, scale)
        image = _coloured(_scaled(image, shrunk), self._random)
        centre = centre * shrunk
        mask = self._mask(image.shape[:2], centre, width * shrunk)
        matrix = cv2.getRotationMatrix2D(tuple(centre), roll_deg, scale / shrunk)
        matrix[:, 2] = matrix[:, 2] + (place - centre)
        size = (SIDE_PX, SIDE_PX)
        warped = cv2.warpAffine(image, matrix, size, flags=cv2.INTER_LINEAR)
        alpha = cv2.warpAffine(mask, matrix, size, flags=cv2.INTER_LINEAR)[..., None]
        canvas[:] = np.rint(canvas * (1 - alpha) + warped * alpha).astype(np.uint8)

    def _developed(self, image: np.ndarray) -> np.ndarray:
        """Return a scene as a camera gives it: blurred, noisy, compressed, grey at times."""
        random = self._random
        if random.random() < 0.4:
            image = cv2.GaussianBlur(image, (0, 0), random.uniform(0.3, 1.2))
        if random.random() < 0.15:
            length = int(random.integers(2, 6))
            kernel = np.zeros((length, length), np.float32)
            kernel[length // 2] = 1 / length
            if random.random() < 0.5:
                kernel = kernel.T
            image = cv2.filter2D(image, -1, kernel)
        light = random.uniform(0.5, 1.3), random.uniform(-20, 20)
        values = image.astype(np.float32) * light[0] + light[1]
        values += random.normal(0, random.exponential(4.0), image.shape)
        image = np.clip(np.rint(values), 0, 255).astype(np.uint8)
        if random.random() < 0.12:
            grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
            image = cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR)
        if random.random() < 0.5:
            quality = int(random.integers(30, 95))
            _, data = cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, quality])
            image = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))
        return image


def _coloured(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return an image in other light."""
    gain = (random.uniform(0.55, 1.25) * random.normal(1, 0.05, 3)).clip(0.3, 1.6)
    return np.asarray(cv2.multiply(image, np.array([*gain, 1.0])))


def _scaled(image: np.ndarray, scale: float) -> np.ndarray:
    if scale == 1:
        return np.asarray(image)
    size = [max(2, round(n * scale)) for n in image.shape[1::-1]]
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)
