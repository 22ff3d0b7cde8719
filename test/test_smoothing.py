# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

import numpy as np
import pytest

from face_recon_ros.camera import Camera
from face_recon_ros.face_model.parameters import FaceParameters, camera_matrix
from face_recon_ros.pose import MetricPose
from face_recon_ros.rotations import (
    MODEL_FROM_FACE,
    OPTICAL_FROM_VIEWER,
    rotation_matrix,
    rotation_to,
    rotation_vector,
)
from face_recon_ros.tracking.egomotion import View, carried
from face_recon_ros.tracking.smoothing import (
    FaceSmoother,
    FaceSmoothers,
    OneEuroRotation,
    OneEuroSettings,
    OneEuroVector,
    SmoothingSettings,
)

STEP_S = 1 / 30


def face(turn=(0, 0, 0), origin=(300, 200, 0), scale=1000.0, shape=0.0, expression=0.0):
    matrix = camera_matrix(scale, rotation_matrix(np.array(turn, float)), np.array(origin, float))
    return FaceParameters(matrix, np.full(40, shape), np.full(10, expression))


def test_first_value_passes():
    value = np.array([3.0, -4.0])
    np.testing.assert_array_equal(
        OneEuroVector(OneEuroSettings(1.0, 1.0))(value, STEP_S), value
    )


def test_noise_at_rest_shrinks_and_the_mean_stays():
    rng = np.random.default_rng(0)
    smooth = OneEuroVector(OneEuroSettings(1.0, 0.0))
    noisy = 5 + rng.normal(size=(600, 3))
    out = np.array([smooth(v, STEP_S) for v in noisy])[100:]
    assert out.std() < 0.4 * noisy.std()
    assert out.mean() == pytest.approx(5, abs=0.15)


def test_beta_trades_smoothness_for_lag():
    """A ramp is followed more closely the larger beta is."""
    lags = []
    for beta in (0.0, 1.0, 10.0):
        smooth = OneEuroVector(OneEuroSettings(1.0, beta))
        for step in range(90):
            value = np.array([step * STEP_S * 2.0])
            out = smooth(value, STEP_S)
        lags.append(float(value[0] - out[0]))
    assert lags[0] > 2 * lags[1] > 4 * lags[2] > 0


def test_rotation_is_smoothed_along_the_arc():
    """Through half a turn and over the wrap of any angle, without a detour."""
    smooth = OneEuroRotation(OneEuroSettings(1.0, 0.5))
    previous = None
    for degrees in np.arange(-200, 200, 4.0):
        out = smooth(rotation_matrix([0, np.radians(degrees), 0]), STEP_S)
        np.testing.assert_allclose(out @ out.T, np.eye(3), atol=1e-9)
        if previous is not None:
            turn = rotation_vector(out @ previous.T)
            assert abs(turn[1]) < np.radians(8)
            np.testing.assert_allclose(turn[[0, 2]], 0, atol=1e-9)
        previous = out


def test_a_still_face_stays_put_however_large_it_is():
    """Noise in proportion to the face is smoothed alike, near and far."""
    ratios = []
    for scale in (300.0, 3000.0):
        rng = np.random.default_rng(1)
        smooth = FaceSmoother(SmoothingSettings())
        raw, out = [], []
        for _ in range(300):
            noisy = face(origin=np.array([300, 200, 0]) + rng.normal(size=3) * scale * 3e-4)
            noisy = FaceParameters(
                noisy.camera_matrix * [*[scale / 1000] * 3, 1], noisy.shape, noisy.expression
            )
            raw.append(noisy.camera_matrix[:2, 3])
            out.append(smooth(noisy, STEP_S).camera_matrix[:2, 3])
        ratios.append(np.std(out[50:], axis=0).mean() / np.std(raw[50:], axis=0).mean())
    assert max(ratios) < 0.5
    assert ratios[0] == pytest.approx(ratios[1], rel=0.05)


@pytest.mark.parametrize('rate_hz', [15, 30, 60])
def test_a_known_sigma_lowers_lag_and_jitter(rate_hz):
    """The noise is 0.07 of the sigma, as the network's is; a nod of 10 degrees at 1 Hz."""
    sigma, noise = 0.08, 0.07 * 0.08 * np.random.default_rng(2).normal(size=(6 * rate_hz, 3))
    nod = np.radians(10) * np.sin(2 * np.pi * np.arange(6 * rate_hz) / rate_hz)
    errors, jitter = [], []
    for known in (None, sigma):
        for pitch, into in ((nod, errors), (np.zeros_like(nod), jitter)):
            smooth, out = FaceSmoother(SmoothingSettings()), []
            for angle, off in zip(pitch, noise, strict=True):
                seen = face(turn=off + np.array([angle, 0, 0]))
                found = smooth(seen, 1 / rate_hz, sigma_rad=known)
                out.append(rotation_vector(found.model_rotation))
            rest = np.array(out)[rate_hz:]
            if into is errors:
                into.append(np.sqrt(((rest[:, 0] - pitch[rate_hz:]) ** 2).mean()))
            else:
                into.append(np.linalg.norm(np.diff(rest, axis=0), axis=1).mean())
    assert errors[1] < 0.8 * errors[0]
    assert jitter[1] < 0.8 * jitter[0]


def test_constant_face_is_unchanged():
    smooth = FaceSmoother(SmoothingSettings())
    want = face(turn=(0.2, -0.5, 0.1), shape=0.3, expression=-0.2)
    for _ in range(5):
        out = smooth(want, STEP_S)
    np.testing.assert_allclose(out.vector(), want.vector(), atol=1e-9)


def test_identity_changes_slower_than_expression():
    smooth = FaceSmoother(SmoothingSettings())
    smooth(face(), STEP_S)
    out = smooth(face(shape=1.0, expression=1.0), STEP_S)
    assert out.shape[0] < 0.1 * out.expression[0]


# --- where the camera moves -------------------------------------------------------

CAMERA = Camera(640, 480, 600.0, 600.0, 319.5, 239.5)


def seen_from(head, camera_pose, camera=CAMERA):
    """The weak-perspective parameters of a head at a pose (face frame) in the world."""
    rotation = camera_pose.rotation.T @ head.rotation
    place = camera_pose.rotation.T @ (head.translation_m - camera_pose.translation_m)
    ray = place / place[2]
    model = OPTICAL_FROM_VIEWER @ rotation_to(ray).T @ rotation @ MODEL_FROM_FACE.T
    origin = np.array([camera.cx + camera.fx * ray[0], camera.cy + camera.fy * ray[1], 0])
    return FaceParameters(
        camera_matrix(camera.fx / place[2], model, origin), np.zeros(40), np.zeros(10)
    )


def back_in_camera(parameters):
    """The inverse of seen_from, without the camera's pose."""
    ray = CAMERA.rays(parameters.camera_matrix[None, :2, 3])[0]
    rotation = rotation_to(ray) @ OPTICAL_FROM_VIEWER @ parameters.model_rotation
    return rotation @ MODEL_FROM_FACE, ray * CAMERA.fx / parameters.scale_px_per_m


def head_at(turn, place):
    facing = OPTICAL_FROM_VIEWER @ MODEL_FROM_FACE
    return MetricPose(rotation_matrix(np.array(turn)) @ facing, np.array(place))


def camera_at(turn, place):
    return MetricPose(rotation_matrix(np.array(turn, float)), np.array(place, float))


def test_a_still_head_is_carried_to_where_a_moved_camera_sees_it():
    head = head_at((0.1, 0.4, -0.1), (0.2, -0.1, 1.2))
    before, now = camera_at((0, 0, 0), (0, 0, 0)), camera_at((0.1, -0.2, 0.15), (0.1, 0.05, 0.2))
    start, want = seen_from(head, before), seen_from(head, now)
    scale, rotation, origin = carried(
        start.scale_px_per_m,
        start.model_rotation,
        start.camera_matrix[:, 3],
        View(CAMERA, before),
        View(CAMERA, now),
    )
    assert scale == pytest.approx(want.scale_px_per_m, rel=1e-9)
    np.testing.assert_allclose(rotation, want.model_rotation, atol=1e-9)
    np.testing.assert_allclose(origin, want.camera_matrix[:, 3], atol=1e-6)


@pytest.mark.parametrize(('model', 'distortion', 'off_deg'), [
    ('equidistant', (0.0, 0.0, 0.0, 0.0), 20), ('equidistant', (0.0, 0.0, 0.0, 0.0), 75),
    ('equidistant', (0.02, -0.01, 0.0, 0.0), 60), ('plumb_bob', (-0.2, 0.03, 0.0, 0.0, 0.0), 35),
])
def test_a_still_head_is_carried_through_any_lens(model, distortion, off_deg):
    """A camera that turns by 6 degrees: the head is seen in the same direction in the room."""
    camera = Camera(960, 720, 300.0, 300.0, 479.5, 359.5, np.array(distortion), model)
    columns = np.column_stack([np.linspace(480, 959, 4791), np.full(4791, 300.0)])
    angles = np.degrees(np.arccos(camera.directions(columns)[:, 2]))
    pixel = columns[np.argmin(np.abs(angles - off_deg))]
    before = camera_at((0, 0, 0), (0, 0, 0))
    now = camera_at((0.02, np.radians(6), 0.03), (0, 0, 0))
    scale, _, origin = carried(
        500.0, np.eye(3), np.append(pixel, 0.0), View(camera, before), View(camera, now))
    here, there = camera.directions(np.array([pixel, origin[:2]]))
    np.testing.assert_allclose(now.rotation @ there, here, atol=1e-4)
    assert np.linalg.norm(origin[:2] - pixel) > 20
    if model == 'equidistant':
        # what is imaged about as large everywhere is as large from there
        assert scale == pytest.approx(500.0, rel=0.05)
        assert carried(
            scale, np.eye(3), origin, View(camera, now), View(camera, before)
        )[0] == pytest.approx(500.0, rel=1e-3)


@pytest.mark.parametrize(('model', 'focal', 'distortion'), [
    ('plumb_bob', 450.0, (-0.42, 0.22, 0.0, 0.0, -0.06)),
    ('equidistant', 180.0, (-0.1, 0.0, 0.0, 0.0)),
])
@pytest.mark.parametrize('turn_rad', [0.03, 0.45])
def test_at_the_rim_of_a_lens_a_head_stays_in_reach(model, focal, distortion, turn_rad):
    camera = Camera(640, 480, focal, focal, 320.0, 240.0, np.array(distortion), model)
    rng, still = np.random.default_rng(0), camera_at((0, 0, 0), (0, 0, 0))
    count = 0
    for pixel in rng.uniform([-60, -60], [700, 540], (300, 2)):
        turn = rng.normal(size=3)
        moved = camera_at(turn * turn_rad / np.linalg.norm(turn), (0, 0, 0))
        found = carried(
            150.0, np.eye(3), np.append(pixel, 0.0), View(camera, still), View(camera, moved))
        if found is None:
            continue
        count += 1
        scale, rotation, origin = found
        assert np.isfinite(rotation).all()
        assert 1.0 < scale < 1e5
        rays = camera.rays(pixel[None])[0], moved.rotation.T @ camera.rays(pixel[None])[0]
        reach_px = 3 * focal * np.linalg.norm(rays[0] - rays[1] / rays[1][2]) + 1
        assert np.linalg.norm(origin[:2] - pixel) <= reach_px + 1e-6
    assert count > 60


def test_a_head_that_comes_to_lie_behind_the_camera_is_not_carried():
    behind = camera_at((0, np.pi, 0), (0, 0, 0))
    still = camera_at((0, 0, 0), (0, 0, 0))
    view = View(CAMERA, still), View(CAMERA, behind)
    assert carried(600.0, np.eye(3), np.array([320.0, 240, 0]), *view) is None


def pan(time_s):
    """A robot's head that looks left and right and tilts, up to 63 and 36 degrees per second."""
    swing = np.sin(2 * np.pi * 0.5 * time_s)
    return camera_at((0, 0.35 * swing, 0.2 * swing), (0, 0, 0))


def test_a_still_head_is_steadier_in_the_world_when_filtered_there():
    """The camera pans and rolls; the filter in the camera frame lags, the other does not."""
    head = head_at((0.05, 0.3, 0), (0.1, 0, 1.0))

    def unsteadiness(with_view):
        rng = np.random.default_rng(0)
        smooth = FaceSmoother(SmoothingSettings())
        poses = []
        for step in range(120):
            pose = pan(step * STEP_S)
            clean = seen_from(head, pose)
            noisy = FaceParameters(
                clean.camera_matrix + np.outer([1, 1, 0], [0, 0, 0, 1]) * rng.normal(0, 0.3),
                clean.shape,
                clean.expression,
            )
            view = View(CAMERA, pose) if with_view else None
            out = smooth(noisy, STEP_S, view)
            rotation, place = back_in_camera(out)
            poses.append((pose.rotation @ rotation, pose.rotation @ place))
        turns = [rotation_vector(r @ poses[40][0].T) for r, _ in poses[40:]]
        places = np.array([p for _, p in poses[40:]])
        return np.degrees(np.std(turns, axis=0).max()), places.std(axis=0).max()

    in_camera, in_world = unsteadiness(False), unsteadiness(True)
    assert in_world[0] < 0.35 * in_camera[0]
    assert in_world[1] < 0.35 * in_camera[1]


def test_a_still_head_lags_in_nothing_where_the_camera_is_known():
    smooth = FaceSmoother(SmoothingSettings())
    head = head_at((0.05, 0.3, 0), (0.1, 0, 1.0))
    for step in range(12):
        pose = pan(step * STEP_S)
        seen = seen_from(head, pose)
        out = smooth(seen, STEP_S, View(CAMERA, pose))
        np.testing.assert_allclose(out.camera_matrix, seen.camera_matrix, atol=0.01)


def test_a_view_that_is_missing_for_a_while_does_no_harm():
    smooth = FaceSmoother(SmoothingSettings())
    head = head_at((0, 0, 0), (0, 0, 1.0))
    for step in range(40):
        pose = pan(step * STEP_S)
        view = None if 10 <= step < 20 else View(CAMERA, pose)
        out = smooth(seen_from(head, pose), STEP_S, view)
    want = seen_from(head, pose).camera_matrix[:2, 3]
    np.testing.assert_allclose(out.camera_matrix[:2, 3], want, atol=8)


# --- one filter for each id -------------------------------------------------------

SLOW = SmoothingSettings(0.5, 0.0)


def x_of(parameters):
    return parameters.camera_matrix[0, 3]


def test_every_face_has_a_filter_of_its_own():
    smooth = FaceSmoothers(SLOW)
    for index in range(30):
        a = smooth('a', face(origin=(200, 0, 0)), index * STEP_S)
        b = smooth('b', face(origin=(500, 0, 0)), index * STEP_S)
    assert (x_of(a), x_of(b)) == pytest.approx((200, 500))


@pytest.mark.parametrize(('gap_s', 'smoothed'), [(0.48, True), (0.52, False)])
def test_a_filter_goes_on_for_half_a_second(gap_s, smoothed):
    smooth = FaceSmoothers(SLOW)
    smooth('a', face(origin=(200, 0, 0)), 1.0)
    found = smooth('a', face(origin=(210, 0, 0)), 1.0 + gap_s)
    assert (x_of(found) < 209) == smoothed


def test_two_images_of_one_stamp_are_a_millisecond_apart_to_a_filter():
    smooth = FaceSmoothers(SLOW)
    smooth('a', face(origin=(200, 0, 0)), 1.0)
    # weight r / (r + 1), r = 2 pi 0.5 Hz 1 ms
    found = smooth('a', face(origin=(210, 0, 0)), 1.0)
    assert x_of(found) == pytest.approx(200.03132, abs=1e-4)


def test_the_last_finding_of_a_face_is_kept_until_it_is_forgotten():
    smooth = FaceSmoothers(SLOW)
    smooth('a', face(origin=(200, 0, 0)), 0.0)
    smooth.keep({'a', 'b'})
    elsewhere = face(origin=(7, 0, 0))
    assert x_of(smooth.last('a', elsewhere)) == 200
    smooth.keep({'b'})
    assert smooth.last('a', elsewhere) is elsewhere
    assert x_of(smooth('a', face(origin=(300, 0, 0)), 0.1)) == 300


def test_without_settings_parameters_pass_as_they_are():
    smooth = FaceSmoothers(None)
    for x in (1.0, 2.0):
        assert x_of(smooth('a', face(origin=(x, 0, 0)), x)) == x
    smooth.configure(SLOW)
    smooth('a', face(origin=(200, 0, 0)), 3.0)
    assert 200 < x_of(smooth('a', face(origin=(300, 0, 0)), 3.03)) < 300
