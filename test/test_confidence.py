import numpy as np

from face_recon_ros.confidence import confidence, pose_covariance
from face_recon_ros.pose import MetricPose, rotation_to


def test_confidence_falls_with_the_fit_and_with_presence():
    values = [confidence(1.0, error) for error in (0.005, 0.015, 0.025, 0.035)]
    assert values == sorted(values, reverse=True)
    assert values[0] > 0.95
    assert values[-1] < 0.2
    assert confidence(0.1, 0.005) < 0.1


def test_covariance_is_symmetric_and_positive():
    pose = MetricPose(np.eye(3), np.array([0.4, -0.2, 1.0]))
    covariance = pose_covariance(pose, 0.02)
    np.testing.assert_allclose(covariance, covariance.T)
    assert np.linalg.eigvalsh(covariance).min() > 0


def test_distance_is_the_least_certain_part_of_the_position():
    """The long axis of the error is the viewing ray, and grows with the distance."""
    translation_m = np.array([0.5, 0.1, 1.0])
    near = pose_covariance(MetricPose(np.eye(3), translation_m), 0.01)[:3, :3]
    axis = np.linalg.eigh(near)[1][:, -1]
    assert abs(axis @ rotation_to(translation_m)[:, 2]) > 0.999
    far = pose_covariance(MetricPose(np.eye(3), 2 * translation_m), 0.01)[:3, :3]
    np.testing.assert_allclose(far, 4 * near)


def test_rotation_is_less_certain_where_the_fit_is_poor():
    pose = MetricPose(np.eye(3), np.array([0, 0, 1.0]))
    good, poor = (np.diag(pose_covariance(pose, e))[3:] for e in (0.007, 0.03))
    assert (poor > 2 * good).all()
