import numpy as np
import pytest

from face_recon_ros.face_model import FaceParameters, camera_matrix
from face_recon_ros.smoothing import (
    FaceSmoother,
    OneEuroRotation,
    OneEuroSettings,
    OneEuroVector,
    SmoothingSettings,
    rotation_matrix,
    rotation_vector,
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
