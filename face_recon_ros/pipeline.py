# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
The whole way of the data: an image in, faces out.

detect -> follow -> regress the 62 parameters -> smooth -> pose and landmarks
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import NoReturn

import numpy as np

from face_recon_ros.arguments import (
    check_camera,
    check_camera_pose,
    check_config,
    check_depth,
    check_image,
    check_stamp,
)
from face_recon_ros.camera import Camera
from face_recon_ros.deprecation import warn_once
from face_recon_ros.depth_image import DepthImage
from face_recon_ros.depth_report import DepthReport
from face_recon_ros.equality import detached
from face_recon_ros.errors import ArgumentError
from face_recon_ros.eyes.reader import ALWAYS, AUTO
from face_recon_ros.face import Face as Face
from face_recon_ros.face_model.model import FaceModel
from face_recon_ros.face_model.parameters import FaceParameters
from face_recon_ros.face_reader import FaceReader, Wanted
from face_recon_ros.faces import Faces
from face_recon_ros.pipeline_config import PipelineConfig as PipelineConfig
from face_recon_ros.placing import Placer
from face_recon_ros.pose import MetricPose
from face_recon_ros.regression.base import Regression
from face_recon_ros.regression.lanes import Lanes
from face_recon_ros.regression.loader import load_regressor
from face_recon_ros.regression.region import Region, seen_through, without_turn
from face_recon_ros.regression.roll_verification import RollVerifier
from face_recon_ros.regression.rolls import (
    Candidate,
    UprightDetector,
    find_roll,
    is_sure,
)
from face_recon_ros.searching import ImageSearch, SearchTask
from face_recon_ros.tflite import Network
from face_recon_ros.tracking.appearance import descriptor_of
from face_recon_ros.tracking.association import best_of_each, is_far_in_crop, shows_one_of
from face_recon_ros.tracking.egomotion import View
from face_recon_ros.tracking.moving import Move
from face_recon_ros.tracking.new_faces import is_new_face
from face_recon_ros.tracking.settings import TrackingSettings
from face_recon_ros.tracking.smoothing import FaceSmoothers
from face_recon_ros.tracking.track import Observation, Track
from face_recon_ros.tracking.tracker import Orientation, Tracker

# Of so many searches of a stream for new faces one is with the image upside down, and of so many
# while no face is found with high confidence
SEARCHES_PER_TURN, UNCERTAIN_SEARCHES_PER_TURN = 4, 2


@dataclass(slots=True, frozen=True)
class _Found:
    """
    A face of an image before it is placed in space: its parameters smoothed.

    growth (4,): what Motion.growth says, of a face that waits or is held; None: it was found.
    """

    id: str
    regression: Regression
    parameters: FaceParameters
    growth: np.ndarray | None = None


class Pipeline:
    """
    Images in, faces out: detect() for a photo, track() for the images of a stream.

    One pipeline follows the faces of one stream, in one thread at a time but for search_task():
    make one for every camera. Images are (H, W, 3) uint8, blue first, as OpenCV has them; they
    are not changed.

    config: as it is now; configure() changes it. model: the face model, which views need.
    eyes_wanted: False spares a stream the eyes where use_eyes is auto.
    """

    def __init__(self, config: PipelineConfig | None = None) -> None:
        """
        Load the models.

        :raises ModelFileError: a model file cannot be used.
        :raises ArgumentError: a configuration that is none.
        """
        self.config = check_config(config, PipelineConfig)
        self.model = FaceModel(self.config.model_path)
        # of the files that ship: the upright detector is one of those that search
        self._networks: dict[str, Network] = {}
        self._use_detector(self.config)
        # not a method: what refers to its owner keeps the models until Python looks for cycles
        load = partial(
            load_regressor, self.config.regressor, self.model, self.config.regressor_path
        )
        self.regressor = load(threads=self.config.threads)
        self._lanes = Lanes(self.regressor, partial(load, threads=1), self.config.threads)
        self._tracker = Tracker(self.config.tracking)
        self._smoothers = FaceSmoothers(self.config.smoothing)
        self._upright = UprightDetector(self.config.threads, self._networks)
        self._roll_verifier = RollVerifier()
        self._searches = 0
        self._task: SearchTask | None = None  # that searches for new faces
        self._head_scale = self._head_scale_of(self.config)
        self._placer = Placer(self.model, self._head_scale, self.config.smoothing)
        self.eyes_wanted = True
        self._reader = FaceReader(self.model, self.config.threads)
        self._reader.prepare(self._wanted(self.config))

    def __reduce__(self) -> NoReturn:
        """Refuse what copy and pickle ask for: networks and their threads stay where they are."""
        raise TypeError(
            'a Pipeline is neither copied nor pickled; make one of its config in each process'
        )

    def _head_scale_of(self, config: PipelineConfig) -> float:
        return config.interpupillary_distance_m / self.model.interpupillary_distance_m

    def _wanted(self, config: PipelineConfig, photo: bool = False) -> Wanted:
        """Return what of a face is read besides its pose."""
        eyes = config.use_eyes == ALWAYS or (
            config.use_eyes == AUTO and (photo or self.eyes_wanted)
        )
        smooth = config.smoothing is not None
        return Wanted(eyes, config.expressions, smooth, config.learn_gaze_offset)

    def _use_detector(self, config: PipelineConfig) -> None:
        self._search = ImageSearch(
            config.detector, config.detector_threshold, config.threads, self._networks
        )
        self.detector = self._search.detector

    def reset(self) -> None:
        """Forget the faces of the images so far."""
        self._task = None
        self._tracker.reset()
        self._placer.reset()
        self._reader.reset()
        self._roll_verifier.reset()

    def configure(self, config: PipelineConfig) -> None:
        """
        Go on with another configuration; faces keep their ids.

        :raises ModelFileError: the detector's file cannot be used; the old configuration stays.
        :raises ArgumentError: a configuration that is none, or has other models or threads, which
            take a new pipeline.
        """
        config, now = check_config(config, PipelineConfig), self.config
        for name in ('model_path', 'regressor', 'regressor_path', 'threads'):
            old, new = getattr(now, name), getattr(config, name)
            if new != old:
                raise ArgumentError(
                    f'{name} is {new!r}, and {old!r} before; make a new pipeline for other models '
                    'or threads'
                )
        if (config.detector, config.detector_threshold) != (now.detector, now.detector_threshold):
            self._use_detector(config)
        self._reader.prepare(self._wanted(config))
        self.config = config
        self._tracker.configure(config.tracking)
        self._smoothers.configure(config.smoothing)
        self._head_scale = self._head_scale_of(config)
        self._placer.configure(self._head_scale, config.smoothing)

    def detect(
        self,
        image: np.ndarray,
        camera: Camera | None = None,
        depth: DepthImage | np.ndarray | None = None,
    ) -> Faces:
        """
        Find the faces in a photo, largest score first.

        Nothing is remembered, and a stream that track() follows is not disturbed. Takes longer
        than track(): the image is searched whole, upside down too where nobody is surely found,
        and every face is regressed with horizontal-flip augmentation.

        :param image: (H, W, 3) uint8 BGR
        :param camera: its calibration; without one a field of view of about 53 degrees along the
            longer side is assumed, and distances are guesses
        :param depth: (H, W) registered to the image, float32 m or uint16 mm (DepthImage)
        :returns: faces with the id ''; empty where there is none
        :raises ImageError: not such an image, or depth of another size.
        :raises CalibrationError: a camera of images of another size.
        :raises ArgumentError: a camera that is none.
        """
        check_image(image)
        camera = check_camera(camera, image)
        depth = check_depth(depth, image)
        return self._faces(image, self._find_in_still(image, camera), camera, depth=depth)

    def track(
        self,
        image: np.ndarray,
        stamp_s: float,
        camera: Camera | None = None,
        camera_pose: MetricPose | None = None,
        depth: DepthImage | np.ndarray | None = None,
    ) -> Faces:
        """
        Follow the faces of a stream through its next image, largest score first.

        A face keeps its id, and its values are smoothed (PipelineConfig.smoothing). A new face is
        searched for in part of the image at a time, and appears once it has been seen in some
        images in a row (TrackingSettings.min_hits).

        :param image: (H, W, 3) uint8 BGR
        :param stamp_s: when the image was taken, seconds of any one clock
        :param camera: as in detect()
        :param camera_pose: of the camera's optical frame in a frame that does not move, in which
            the faces are then smoothed; None: in the camera's
        :param depth: as in detect(); images without it keep the size of heads that had it
        :returns: faces with ids; empty where there is none
        :raises ImageError: not such an image, or depth of another size.
        :raises CalibrationError: a camera of images of another size.
        :raises ArgumentError: a stamp that is no finite number, a camera or pose that is none.
        """
        faces = self.track_without_search(image, stamp_s, camera, camera_pose, depth)
        self.search(image)
        return faces

    def track_without_search(
        self,
        image: np.ndarray,
        stamp_s: float,
        camera: Camera | None = None,
        camera_pose: MetricPose | None = None,
        depth: DepthImage | np.ndarray | None = None,
    ) -> Faces:
        """
        Do as track(), but leave the search for new faces to the caller.

        For those to whom milliseconds matter: publish the faces, then call search() with the same
        image, every time.
        """
        check_image(image)
        stamp_s = check_stamp(stamp_s)
        camera, camera_pose = check_camera(camera, image), check_camera_pose(camera_pose)
        view = View(camera, camera_pose, self._head_scale) if camera_pose else None
        depth = check_depth(depth, image)
        if self._tracker.is_set_back(stamp_s):
            self.reset()
        found = self._find_in_stream(image, camera, stamp_s, view)
        # stamps of late and doubled images go back
        now_s = self._tracker.now_s
        faces = self._faces(image, found, camera, now_s, depth)
        self._placer.forget(now_s)
        self._reader.forget(self._tracker.ids(), now_s)
        return faces

    def process(
        self,
        image: np.ndarray,
        camera: Camera | None = None,
        stamp_s: float | None = None,
        search: bool = True,
        camera_pose: MetricPose | None = None,
    ) -> list[Face]:
        """Find faces by the old name: detect() without a stamp, else track(). Deprecated."""
        warn_once('Pipeline.process()', 'detect() for a photo, track() for a stream')
        if stamp_s is None:
            return list(self.detect(image, camera))
        track = self.track if search else self.track_without_search
        return list(track(image, stamp_s, camera, camera_pose))

    def depth_report(self) -> DepthReport:
        """Return what depth did for the faces of the images since the last call."""
        return self._placer.report()

    def search(self, image: np.ndarray) -> None:
        """Search a part of a stream's image for new faces, if due; the next image reports them."""
        task = self.search_task(image)
        if task is not None:
            task()

    def search_task(self, image: np.ndarray) -> SearchTask | None:
        """
        Return the search of a part of a stream's image for new faces; None where none is due.

        Instead of search(), for those who track the next images meanwhile: it may be called in
        another thread, and the first image after its end reports what it found. No other one is
        due before its end. The image must stay as it is.
        """
        self._take_found()
        if not self._tracker.search_due(busy=self._task is not None):
            return None
        self._searches += 1
        sure = self._tracker.is_sure_of_one()
        per_turn = SEARCHES_PER_TURN if sure else UNCERTAIN_SEARCHES_PER_TURN
        other_way_up = self._searches % per_turn == 0
        turned = other_way_up != self._tracker.are_upside_down()
        orientation = Orientation.UPSIDE_DOWN if turned else Orientation.UPRIGHT
        self._task = SearchTask(partial(self._search.part, image, other_way_up, orientation))
        return self._task

    def _take_found(self) -> None:
        """Take over what a search for new faces has found that is over."""
        if self._task is not None and self._task.is_over:
            self._tracker.suggest(self._task.regions)
            self._task = None

    def _find_in_stream(
        self, image: np.ndarray, camera: Camera, stamp_s: float, view: View | None
    ) -> list[_Found]:
        """Predict where the faces are, look there, look for others, smooth."""
        tracker, smooth = self._tracker, self._smoothers
        self._take_found()
        regions = tracker.predict(stamp_s)
        if tracker.starts:
            self._task = None
        described = tracker.want_descriptors()
        found = self._seen_in(image, camera, regions)
        tracker.update([
            self._followed(image, camera, regression, wanted or leapt, stamp_s)
            for (regression, leapt), wanted in zip(found, described, strict=True)
        ])
        orientation = tracker.wanted_search()
        if orientation is not None:
            sought = tracker.sought()
            if sought:
                tracker.take_detections(self._search.around(image, orientation, sought))
            else:
                tracker.take_detections(self._search.whole(image, orientation, photo=False))
        tracker.add([self._new_face(image, camera, r) for r in tracker.candidates()])
        if tracker.wants_upside_down():
            upside_down = self._search.whole(image, Orientation.UPSIDE_DOWN, photo=False)
            tracker.take_detections(upside_down)
            tracker.add([self._new_face(image, camera, r) for r in tracker.candidates()])
        smooth.keep(tracker.ids())
        for track in tracker.followed():
            if not track.waited:
                seen = track.regression
                smooth(track.id, seen.parameters, track.seen_s, view, seen.rotation_sigma_rad)
        return [self._shown(track) for track in tracker.reported()]

    def _shown(self, track: Track) -> _Found:
        """Return a face as it is shown: smoothed, and where it is expected if it was not seen."""
        regression = track.regression
        parameters = self._smoothers.last(track.id, regression.parameters)
        if self.config.smoothing is not None and track.found is not regression.region:
            parameters = Move.between(track.found, regression.region).parameters(parameters)
        growth = self._tracker.growth(track) if track.waited or track.lost else None
        return _Found(track.id, regression, parameters, growth)

    def _seen_in(
        self, image: np.ndarray, camera: Camera, regions: list[Region]
    ) -> list[tuple[Regression, bool]]:
        """
        Return what there is in search regions, and whether it is far from the region's middle.

        Such a face has leapt, or is another one: it is looked at again where it is.
        """
        found = self._lanes(image, [seen_through(region, camera) for region in regions])
        least = self.config.tracking.min_presence
        leapt = [
            face.presence >= least and is_far_in_crop(region, face.region)
            for region, face in zip(regions, found, strict=True)
        ]
        rows = [row for row, has_leapt in enumerate(leapt) if has_leapt]
        if rows:
            there = [replace(found[row].region, look=regions[row].look) for row in rows]
            again = self._lanes(image, [seen_through(region, camera) for region in there])
            for row, face in zip(rows, again, strict=True):
                found[row] = face
        return list(zip(found, leapt, strict=True))

    def _followed(
        self,
        image: np.ndarray,
        camera: Camera,
        first: Regression,
        described: bool,
        stamp_s: float,
    ) -> Observation:
        """Return what there is in a search region; a low score is verified at other rolls."""
        found = self._roll_verifier(
            first, stamp_s, lambda: self._rolled(image, camera, first.region)
        )
        return _observed(image, found) if described else Observation(found)

    def _new_face(self, image: np.ndarray, camera: Camera, region: Region) -> Observation:
        """Return the face that a detector sees in an image of a stream."""
        found = self._rolled(image, camera, region)
        return _observed(image, found.regression, found.upright_score)

    def _rolled(self, image: np.ndarray, camera: Camera, region: Region) -> Candidate:
        """Return the face in a region of a stream's image at the likeliest roll."""
        found = find_roll(
            without_turn(region),
            regress=lambda r: self.regressor(image, seen_through(r, camera), denoise=True),
            refine=lambda r: self.regressor(
                image, seen_through(without_turn(r), camera), denoise=True
            ),
            upright_score=lambda r: self._upright(image, r),
            locate=lambda r: self._upright.locate(image, r),
        )
        refined = self._refined(image, camera, found.regression, still=False)
        return Candidate(refined, found.upright_score)

    def _refined(
        self, image: np.ndarray, camera: Camera, found: Regression, still: bool
    ) -> Regression:
        found = replace(found, region=seen_through(found.region, camera))
        return self.regressor.refined(image, found, still)

    def _find_in_still(self, image: np.ndarray, camera: Camera) -> list[_Found]:
        """
        Every detection is reported.

        Images without a confident face are searched upside down, too. Each face is regressed with
        horizontal-flip test-time augmentation.
        """
        every = replace(self.config.tracking, min_presence=0.0, max_fit_error=float('inf'))
        found = self._look_at(image, camera, self._search.whole(image, Orientation.UPRIGHT), every)
        if not any(is_sure(face) for face in found):
            others = self._search.whole(image, Orientation.UPSIDE_DOWN)
            more = self._look_at(image, camera, others, self.config.tracking)
            found = best_of_each([*found, *more])
        refined = [self._refined(image, camera, face, still=True) for face in found]
        return [_Found('', face, face.parameters) for face in refined]

    def _look_at(
        self,
        image: np.ndarray,
        camera: Camera,
        regions: list[Region],
        tracking: TrackingSettings,
    ) -> list[Regression]:
        """Return the faces in regions of a still image, each once."""
        found: list[Observation] = []
        for region in regions:
            candidate = find_roll(
                region,
                regress=lambda r: self.regressor(image, seen_through(r, camera)),
                refine=lambda r: self.regressor.flip_augmented(
                    image, seen_through(without_turn(r), camera)
                ),
                upright_score=lambda r: self._upright(image, r),
                locate=lambda r: self._upright.locate(image, r),
            )
            if not shows_one_of(candidate.regression, [o.regression for o in found]):
                score = candidate.upright_score
                found.append(Observation(candidate.regression, upright_score=score))
        return [o.regression for o in found if is_new_face(o, tracking)]

    def _faces(
        self,
        image: np.ndarray,
        found: list[_Found],
        camera: Camera,
        stamp_s: float | None = None,
        depth: DepthImage | None = None,
    ) -> Faces:
        wanted = self._wanted(self.config, photo=stamp_s is None)
        faces = []
        for f in found:
            face = self._placer.place(
                f.id, f.regression, f.parameters, camera, stamp_s, depth, f.growth
            )
            if face is not None:
                raw = f.regression.parameters
                face = self._reader(image, face, raw, camera, stamp_s, wanted)
                face = self._placer.with_iris(image, face, camera, stamp_s)
                # what is remembered of a stream is not the caller's to change
                faces.append(face if stamp_s is None else detached(face))
        return Faces(sorted(faces, key=lambda face: -face.score))


def _observed(image: np.ndarray, found: Regression, upright_score: float = 1.0) -> Observation:
    """Return a face with its appearance descriptor."""
    return Observation(found, descriptor_of(image, found.region), upright_score)


def __getattr__(name: str) -> object:
    if name == 'FaceReconPipeline':
        warn_once('face_recon_ros.pipeline.FaceReconPipeline', 'face_recon_ros.Pipeline')
        return Pipeline
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
