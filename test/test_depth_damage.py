# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Depth that is late, beside the image, broken or of another camera: never worse than none."""

import cv2
import numpy as np
import pytest

from face_recon_ros.depth_alignment import DepthAligner, Refused
from face_recon_ros.pipeline import Pipeline
from face_recon_ros.rotations import rotation_angles_rad
from face_recon_ros.tools.depth_sensors import SENSORS, DepthSensor, sensed
from face_recon_ros.tools.rendered_head import head_pose_at
from face_recon_ros.tools.sample_motion import portrait_camera
from face_recon_ros.tools.sources import HeadSource

TIMES_S = 100.0 + np.arange(24) / 15
CAMERA = portrait_camera(640, 480)
STEREO = SENSORS['stereo']


@pytest.fixture(scope='module')
def images():
    source = HeadSource(640, 480)
    return [source.read(t) for t in TIMES_S]


def tracked(images, depth_at):
    """Median errors of distance (relative) and of rotation (rad), and all reasons of refusals."""
    pipeline = Pipeline()
    distances, turns = [], []
    for time_s, image in zip(TIMES_S, images, strict=True):
        for face in pipeline.track(image, time_s, CAMERA, depth=depth_at(time_s)):
            truth = head_pose_at(time_s)
            distances.append(abs(face.distance_m / truth.distance_m - 1))
            turns.append(rotation_angles_rad(face.pose.rotation, truth.rotation))
    assert len(distances) > 18
    report = pipeline.depth_report()
    return np.median(distances), np.median(turns), report


@pytest.fixture(scope='module')
def without(images):
    distance, turn, report = tracked(images, lambda time_s: None)
    assert report.used == 0
    assert report.refusals == ()
    return distance, turn


@pytest.mark.parametrize(('lag_s', 'sensor'), [
    (0.0, STEREO),
    (0.05, STEREO),
    (0.0, DepthSensor(0.004, 0.1, 0.5, 0.001, shift_px=3.0)),
    (0.0, DepthSensor(0.004, 0.5, 0.5, 0.001)),
    (0.05, DepthSensor(0.003, 0.5, 0.8, 0.001, shift_px=-3.0)),
])
def test_a_poor_sensor_is_better_than_none(images, without, lag_s, sensor):
    source = HeadSource(640, 480)
    distance, turn, report = tracked(images, lambda t: source.depth(t - lag_s, sensor))
    assert without[0] > 0.08
    assert distance < 0.02
    # late depth turns the head by what it has moved since, half a depth image by a little
    assert turn < without[1] + np.radians(2)
    assert report.used > 15


def metres(time_s):
    return 0.001 * HeadSource(640, 480).depth(time_s, STEREO).astype(np.float32)


def assert_as_none(images, without, depth_at):
    """The faces are those of images alone; each refusal is one line."""
    distance, turn, report = tracked(images, depth_at)
    assert distance == pytest.approx(without[0], abs=1e-9)
    assert turn == pytest.approx(without[1], abs=1e-9)
    assert report.used == 0
    for reason in report.refusals:
        assert reason
        assert '\n' not in reason


@pytest.mark.parametrize('depth_at', [
    lambda t: np.zeros((480, 640), np.uint16),
    lambda t: np.full((480, 640), np.nan, np.float32),
    lambda t: np.full((480, 640), 65535, np.uint16),
    lambda t: np.full((480, 640), 2.0),
    # of a camera that looks elsewhere
    lambda t: np.roll(metres(t), 250, axis=1),
    # of another scale: millimetres for metres
    lambda t: 1000 * metres(t),
])
def test_depth_without_the_face_is_as_none(images, without, depth_at):
    assert_as_none(images, without, depth_at)


def noisy_wall(distance_m):
    def depth_at(time_s):
        rng = np.random.default_rng(int(1000 * time_s))
        return sensed(np.full((480, 640), distance_m), STEREO, rng)

    return depth_at


def another_head(time_s):
    """Of a camera elsewhere: the same person from afar, where the image shows their face."""
    source, camera = HeadSource(640, 480), CAMERA
    place = head_pose_at(time_s).translation_m
    x, y = (camera.fx * place[:2] / place[2] + [camera.cx, camera.cy]).tolist()
    shrink = np.array([[0.5, 0, 0.5 * x], [0, 0.5, 0.5 * y]])
    depth = 0.001 * source.depth(time_s, DepthSensor()).astype(np.float32)
    return 1.25 * cv2.warpAffine(
        depth, shrink, (640, 480), flags=cv2.INTER_NEAREST, borderValue=float(depth.max()))


@pytest.mark.parametrize('depth_at', [
    # walls where a head could be, with the noise of a sensor
    noisy_wall(0.8), noisy_wall(1.1),
    # of a camera that sees the head half as large
    another_head,
    # noise alone, about a head's distance
    lambda t: np.random.default_rng(int(1000 * t)).normal(0.9, 0.3, (480, 640)),
    # a constant
    lambda t: np.full((480, 640), 900, np.uint16),
])
def test_depth_of_something_else_is_as_none(images, without, depth_at):
    assert_as_none(images, without, depth_at)


def test_depth_that_moves_otherwise_than_the_face_is_refused(images):
    """A head that looks as large as before is as far away as before."""
    pipeline, sizes, reasons = Pipeline(), [], []
    for index, (time_s, image) in enumerate(zip(TIMES_S, images, strict=True)):
        factor = 1.0 if index < 14 else 0.8
        faces = pipeline.track(image, time_s, CAMERA, depth=np.float32(factor) * metres(time_s))
        sizes += [face.head_scale for face in faces]
        reasons += pipeline.depth_report().refusals
    assert sizes[-1] == pytest.approx(sizes[10], rel=0.02)
    assert set(reasons) == {'by its depth the head is of another size than before'}


def test_relief_that_contradicts_the_looks_is_refused(images, without):
    """Of a camera with another field of view: the depth of a smaller face, stretched over it."""

    def stretched(time_s):
        depth = metres(time_s)
        middle = np.median(depth[depth < depth.max() - 0.3])
        return np.where(depth < depth.max() - 0.3, middle + 2.2 * (depth - middle), depth)

    distance, turn, report = tracked(images, stretched)
    assert distance < without[0] + 1e-3
    assert turn < without[1] + np.radians(2)
    assert report.refusals


@pytest.mark.parametrize('shift_px', [20.0, -20.0])
def test_depth_far_beside_the_image_is_no_worse_than_none(images, without, shift_px):
    source = HeadSource(640, 480)
    beside = DepthSensor(0.004, 0.1, 0.5, 0.001, shift_px=shift_px)
    distance, turn, _ = tracked(images, lambda t: source.depth(t, beside))
    assert distance < without[0] + 1e-3
    assert turn < without[1] + np.radians(2)


def test_depth_upside_down_turns_nobody_far(images):
    """Of a camera that hangs: where its depth fits, it is turned otherwise than the face."""

    def worst(depth_at):
        pipeline = Pipeline()
        return max(
            rotation_angles_rad(face.pose.rotation, head_pose_at(t).rotation)
            for t, image in zip(TIMES_S, images, strict=True)
            for face in pipeline.track(image, t, CAMERA, depth=depth_at(t)))

    # three sigmas of a pitch in front: what depth may turn a head by before it is refused
    assert worst(lambda t: np.ascontiguousarray(metres(t)[::-1])) < np.radians(12)


def test_what_a_wall_said_is_forgotten(images, without, monkeypatch):
    """Far away, noise makes a face of a wall now and then."""
    align, seen = DepthAligner.__call__, []

    def mostly_flat(self, *given):
        seen.append(given)
        return align(self, *given) if len(seen) % 4 == 1 else Refused('flat', flat=True)

    monkeypatch.setattr(DepthAligner, '__call__', mostly_flat)
    wrong = {t: 0.8 * metres(t) for t in TIMES_S}
    distance, turn, report = tracked(images, wrong.__getitem__)
    assert distance == pytest.approx(without[0], abs=0.005)
    assert turn == pytest.approx(without[1], abs=np.radians(0.2))
    assert report.used == 1


def test_depth_that_breaks_now_and_then_is_left_out_then(images, without):
    source, rng = HeadSource(640, 480), np.random.default_rng(2)

    def depth_at(time_s):
        depth = source.depth(time_s, STEREO)
        return rng.permutation(depth.ravel()).reshape(depth.shape) if rng.random() < 0.4 else depth

    distance, turn, report = tracked(images, depth_at)
    assert distance < 0.03
    assert turn < without[1] + np.radians(1)
    assert report.refusals


PACE = 1.2


@pytest.fixture(scope='module')
def fast_images():
    """The head's motion, faster, 3.5 s of it."""
    source = HeadSource(640, 480)
    return [source.read(100.0 + PACE * (t - 100.0)) for t in FAST_TIMES_S]


FAST_TIMES_S = 100.0 + np.arange(70) / 20


def fast_errors(images, lag_s):
    """Return the mean rotation error of the last second, rad, and the report; None: no depth."""
    source, pipeline, turns = HeadSource(640, 480), Pipeline(), []
    for time_s, image in zip(FAST_TIMES_S, images, strict=True):
        depth = None
        if lag_s is not None:
            depth = source.depth(100.0 + PACE * (time_s - lag_s - 100.0), STEREO)
        truth = head_pose_at(100.0 + PACE * (time_s - 100.0)).rotation
        turns += [
            rotation_angles_rad(face.pose.rotation, truth)
            for face in pipeline.track(image, time_s, CAMERA, depth=depth)]
    assert len(turns) > 65
    # a lag must be found first
    return np.mean(turns[-20:]), pipeline.depth_report()


@pytest.fixture(scope='module')
def fast_without(fast_images):
    return fast_errors(fast_images, None)[0]


@pytest.mark.parametrize('lag_s', [0.1, 0.15])
def test_late_depth_is_told_and_turns_a_fast_head_no_worse_than_none(
    fast_images, fast_without, lag_s
):
    turn, report = fast_errors(fast_images, lag_s)
    assert turn < fast_without + np.radians(0.2)
    assert report.late_s == pytest.approx(lag_s, abs=0.03)
    lag = f'depth is {1e3 * report.late_s:.0f} ms older than its stamps say: '
    assert report.doubt().startswith(lag)


def test_depth_in_time_turns_a_fast_head_better_than_none(fast_images, fast_without):
    turn, report = fast_errors(fast_images, 0.0)
    assert turn < fast_without - np.radians(0.3)
    assert report.late_s == 0.0


def test_another_sensor_in_the_middle_of_a_stream(images, without):
    """Another kind, in metres instead of millimetres, 2 px beside on the other side; then none."""
    source, middle_s = HeadSource(640, 480), TIMES_S[8]
    beside = DepthSensor(0.002, 0.15, 0.5, 0.001, shift_px=2.0)
    other = DepthSensor(0.003, 0.03, 0.8, 0.001, shift_px=-2.0)

    def depth_at(time_s):
        if time_s < middle_s:
            return source.depth(time_s, beside)
        if time_s < TIMES_S[16]:
            return 0.001 * source.depth(time_s, other).astype(np.float32)
        return None

    distance, turn, report = tracked(images, depth_at)
    assert distance < 0.02
    assert turn < without[1] + np.radians(1)
    assert report.refusals == ()


def test_4k_with_its_depth():
    source, camera = HeadSource(3840, 2160), portrait_camera(3840, 2160)
    (face,) = Pipeline().detect(source.read(101.0), camera, source.depth(101.0, STEREO))
    assert face.distance_m == pytest.approx(head_pose_at(101.0).distance_m, rel=0.02)
    assert face.head_scale == pytest.approx(0.9, rel=0.06)


def near_box(depth):
    """Return rows and columns of the head in a depth image, and its distance in its unit."""
    near = (depth > 0) & (depth < depth.max() - 300)
    rows, columns = np.nonzero(near)
    upright, across = (np.percentile(at, (2, 98)).astype(int) for at in (rows, columns))
    return upright, across, np.median(depth[near])


def cup(depth):
    (top, bottom), (left, right), middle = near_box(depth)
    rows = slice(top + 6 * (bottom - top) // 10, top + 9 * (bottom - top) // 10)
    depth[rows, left + (right - left) // 4 : left + 3 * (right - left) // 4] = middle - 80
    return depth


def hand(depth):
    (top, bottom), (left, right), middle = near_box(depth)
    depth[top:bottom, left : (left + right) // 2] = middle - 60
    return depth


def half_outside(depth):
    _, (left, right), _ = near_box(depth)
    depth[:, : (left + right) // 2] = 0
    return depth


def wall_edge(depth):
    _, (left, right), middle = near_box(depth)
    depth[:, : (left + right) // 2] = middle - 300
    return depth


def half_far(depth):
    _, (left, right), middle = near_box(depth)
    depth[:, : (left + right) // 2] = middle + 400
    return depth


def of_the_infrared_camera(depth):
    """Seen from 25 mm beside."""
    _, _, middle = near_box(depth)
    return np.roll(depth, round(CAMERA.fx * 25 / middle), axis=1)


def broken_numbers(depth):
    metres = (0.001 * depth).astype(np.float32)
    return np.where(depth % 7 == 0, -1, np.where(depth % 5 == 0, np.inf, metres))


@pytest.mark.parametrize(('damage', 'is_used'), [
    (cup, True), (half_outside, True), (broken_numbers, True), (half_far, None), (hand, None),
    (wall_edge, None), (of_the_infrared_camera, None),
    (lambda depth: np.ascontiguousarray(depth[:, ::-1]), None),
    (lambda depth: np.minimum(10 * depth.astype(np.int64), 65534).astype(np.uint16), False),
    (lambda depth: depth // 10, False),
])
def test_what_hides_a_face_or_is_not_its_depth_is_no_worse_than_none(
    images, without, damage, is_used
):
    source = HeadSource(640, 480)
    distance, turn, report = tracked(images, lambda t: damage(source.depth(t, STEREO).copy()))
    assert distance < without[0] + 1e-3
    assert turn < without[1] + np.radians(0.2)
    if is_used is not None:
        assert (report.used > 20) is is_used
    if is_used is False:
        assert report.doubt(least_faces=1).startswith('depth is hardly used: ')


@pytest.mark.parametrize('held', [True, False])
def test_depth_of_a_third_of_the_rate(images, without, held):
    """Each third image has its own; the others that of before, or none."""
    source = HeadSource(640, 480)

    def depth_at(time_s):
        index = int(np.argmin(np.abs(TIMES_S - time_s)))
        if index % 3 and not held:
            return None
        return source.depth(TIMES_S[index // 3 * 3], STEREO)

    distance, turn, _ = tracked(images, depth_at)
    assert distance < 0.03
    assert turn < without[1] + np.radians(0.2)
