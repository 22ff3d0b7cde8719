# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Faces that move in a plane, and a tracker that is fed with them."""

import itertools

import numpy as np

from face_recon_ros.face_model.parameters import FaceParameters, camera_matrix
from face_recon_ros.regression.base import Regression
from face_recon_ros.regression.region import Region
from face_recon_ros.regression.rolls import find_roll
from face_recon_ros.tracking.settings import TrackingSettings
from face_recon_ros.tracking.track import Observation
from face_recon_ros.tracking.tracker import Orientation, Tracker

STEP_S = 1 / 30
SIDE_PX = 100.0


class Scene:
    """Faces at known places, as a detector and a regressor with no error would see them."""

    def __init__(self):
        self.faces = {}  # name: (x, y)
        self.hidden_from_detector = set()
        self.uncertain = set()
        self.unsure = set()
        self.detections = 0
        self.looks = {}  # name: anything from 0 to 9; everybody alike where it is empty
        self.side_px = SIDE_PX
        self.roll_rad = 0.0
        self.fit_error = 0.01
        self.sigma_rad = None  # of everybody; None: by `unsure`
        self.says_sigma = True
        self.looked_at = []  # regions that the regressor was called with

    def look(self, region):
        """A picture of one colour, that of the face whose place the region has."""
        seen = [
            self.looks.get(name, 0)
            for name, place in self.faces.items()
            if np.linalg.norm(np.array(place) - region.centre) < 1
        ]
        colour = 10.0 * seen[0] if seen else 100.0
        return np.tile([128.0, 128 + colour, 128 - colour], (64, 1))

    def detect(self):
        self.detections += 1
        return [
            Region(np.array(place, float), SIDE_PX, 0.0)
            for name, place in self.faces.items()
            if name not in self.hidden_from_detector
        ]

    def regress(self, region):
        """The nearest face within reach of the region; background otherwise."""
        self.looked_at.append(region)
        best, presence, sigma_rad = region.centre, 0.0, 0.1
        for name, place in self.faces.items():
            distance = np.linalg.norm(np.array(place) - region.centre)
            if distance < 0.5 * SIDE_PX and (
                presence == 0 or distance < np.linalg.norm(best - region.centre)
            ):
                best, presence = np.array(place, float), 0.1 if name in self.uncertain else 0.99
                sigma_rad = 0.3 if name in self.unsure else 0.1
        matrix = camera_matrix(600.0, np.eye(3), np.append(best, 0))
        box = np.concatenate([best - SIDE_PX / 3, best + SIDE_PX / 3])
        return Regression(
            FaceParameters(matrix, np.zeros(40), np.zeros(10)),
            presence,
            self.fit_error,
            box,
            Region(best, self.side_px, self.roll_rad),
            rotation_sigma_rad=(self.sigma_rad or sigma_rad) if self.says_sigma else None,
        )


class Stream:
    """A tracker fed with a scene at 30 Hz."""

    def __init__(self, **settings):
        self.scene = Scene()
        self.tracker = Tracker(TrackingSettings(**settings))
        self.times = itertools.count()
        self.upright_score = lambda region: 1.0
        self.detect_upside_down = lambda: []
        self.descriptors = True  # False: people cannot be told by their looks

    def update(self, stamp_s=None, **faces):
        """Set the faces, take an image, return the tracks reported."""
        self.scene.faces = faces
        tracker = self.tracker
        regions = tracker.predict(next(self.times) * STEP_S if stamp_s is None else stamp_s)
        described = tracker.want_descriptors()
        tracker.update([
            self._observe(self.scene.regress(region), described=wanted)
            for region, wanted in zip(regions, described, strict=True)
        ])
        way = tracker.wanted_search()
        if way is not None:
            upright = way is Orientation.UPRIGHT
            tracker.take_detections(self.scene.detect() if upright else self.detect_upside_down())
        tracker.add([self._new_face(r) for r in tracker.candidates()])
        if tracker.wants_upside_down():
            tracker.take_detections(self.detect_upside_down())
            tracker.add([self._new_face(r) for r in tracker.candidates()])
        return tracker.reported()

    def _observe(self, found, judged=1.0, described=True):
        described = described and self.descriptors
        descriptor = self.scene.look(found.region) if described else None
        return Observation(found, descriptor, judged)

    def _new_face(self, region):
        found = find_roll(region, self.scene.regress, self.scene.regress, self.upright_score)
        return self._observe(found.regression, found.upright_score)

    def step(self, stamp_s=None, **faces):
        """Set the faces, take an image, return {name: id} of those reported."""
        tracks = self.update(stamp_s, **faces)
        if self.tracker.search_due():
            self.tracker.suggest(self.scene.detect())
        return {
            name: track.id
            for track in tracks
            for name, place in faces.items()
            if np.linalg.norm(track.region.centre - place) < 5
        }
