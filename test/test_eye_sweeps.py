# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How eyes are judged: rendered ones with truth, and still ones in recordings."""

from dataclasses import replace

import evaluate_gaze_jitter as jitter
import numpy as np
import pytest

from face_recon_ros.expression.units import INDEX
from face_recon_ros.pipeline import Pipeline, PipelineConfig
from face_recon_ros.rotations import rotation_about, rotation_to

pytest.importorskip('yaml')
eye_sweeps = pytest.importorskip('model_building.evaluation.eye_sweeps')


@pytest.fixture(scope='module')
def face(portrait):
    (found,) = Pipeline(PipelineConfig(use_eyes='always')).detect(portrait)
    return found


def test_eyes_turn_together_and_shut_together():
    weights = eye_sweeps.weights_of(0.6, -0.5, 0.0)
    shown = {name: weights[i] for name, i in INDEX.items() if weights[i]}
    assert shown == {'eyeLookOutLeft': 0.6, 'eyeLookInRight': 0.6,
                     'eyeLookDownLeft': 0.5, 'eyeLookDownRight': 0.5}
    shut = eye_sweeps.weights_of(0.0, 0.0, 1.0)
    assert {name for name, i in INDEX.items() if shut[i]} == {'eyeBlinkLeft', 'eyeBlinkRight'}


def test_auc_counts_ties_by_half():
    assert eye_sweeps.auc(np.array([1.0, 2.0]), np.array([0.0, 1.0])) == 0.875


def looking(face, right_deg, up_deg, openness=1.0):
    """Return the face with a gaze to the image's right and up, from the way to the lens."""
    a, b = np.radians([right_deg, up_deg])
    across = np.array([np.sin(a) * np.cos(b), -np.sin(b), -np.cos(a) * np.cos(b)])
    gaze = rotation_to(face.pose.translation_m) @ across
    eyes = face.eyes
    lids = replace(eyes.landmarks, openness=np.full(2, openness))
    return replace(face, eyes=replace(eyes, gaze=gaze, landmarks=lids, sigma_rad=0.08))


def test_what_is_told_of_gazes_half_as_large(face):
    seen = [
        eye_sweeps.Seen(looking(face, 0.5 * a, b), looking(face, -0.5 * a - 2, b), 0.0,
                        np.radians([a, b]))
        for a in (-20, 0, 20) for b in (0, 10)
    ]  # fmt: skip
    seen += [
        eye_sweeps.Seen(looking(face, 0, 0, openness), None, blink, np.zeros(2))
        for blink, openness in ((0.5, 0.6), (1.0, 0.1))
    ]
    lines = eye_sweeps.tell(seen)
    assert lines[0].startswith(
        'rendered (6 open, 1 shut): slope aside 0.50, up and down 1.00; errors in degrees: '
        'median, 90 % 10.00'
    )
    assert lines[1] == '  mirrored image, mirrored gaze to 2.00 degrees (median), 2.00 (most)'
    assert lines[2] == (
        '  AUC of openness: open or half 1.000, half or shut 1.000, open or shut 1.000')
    assert lines[3].endswith('its sigma: 0 %')


def test_shut_eyes_are_those_that_give_the_head(face):
    head = replace(face, eyes=None)
    eyes = replace(face.eyes, gaze=head.gaze, sigma_rad=head.gaze_sigma_rad)
    seen = [
        eye_sweeps.Seen(looking(face, a, a), looking(face, -a, a), 0.0, np.radians([a, a]))
        for a in (0, 10)
    ]
    seen += [eye_sweeps.Seen(looking(face, 0, 0, 0.6), None, 0.5, np.zeros(2))]
    turned = replace(eyes, gaze=rotation_about('y', 0.1) @ eyes.gaze)
    for shown in (eyes, turned):
        seen.append(eye_sweeps.Seen(replace(face, eyes=shown), None, 1.0, np.zeros(2)))
    assert eye_sweeps.tell(seen)[3].endswith('its sigma: 50 %')


def test_people_are_rendered_with_their_truth(shared_data):
    """One person: eyes to both sides, open and shut, seen where they look."""
    seen = list(eye_sweeps.eyes_of(
        shared_data / 'data' / 'ict_face_model_light', None, people=1, seed=7))
    assert len(seen) >= 30
    opened = [s for s in seen if not s.blink]
    assert {round(float(np.degrees(s.gaze_rad[0]))) for s in opened} >= {-38, -18, 0, 18, 38}
    told = np.array([eye_sweeps.angles_rad(s.face) for s in opened])
    true = np.array([s.gaze_rad for s in opened])
    assert np.corrcoef(told[:, 0], true[:, 0])[0, 1] > 0.9
    assert np.corrcoef(told[:, 1], true[:, 1])[0, 1] > 0.6


# --- still gazes in recordings -------------------------------------------------------


def window(trembling_deg, head_deg=0.0, away_deg=0.0, measured=True):
    """Return 16 images of a gaze that trembles from side to side, and moves off half-way."""
    rows = []
    for i in range(16):
        aside = (1 if i % 2 else -1) * trembling_deg + (away_deg if i >= 8 else 0.0)
        gaze = rotation_about('y', np.radians(aside)) @ [0, 0, -1.0]
        head = rotation_about('y', np.radians(head_deg * i / 15)) @ [0, 0, -1.0]
        rows.append((i / 30, head, gaze, measured))
    return rows


def test_a_trembling_gaze_is_told_by_its_size():
    assert jitter.jitter_deg(window(0.7)) == pytest.approx(0.7, abs=1e-3)


@pytest.mark.parametrize(('shown', 'counts'), [
    (window(0.7), True),
    (window(0.7, head_deg=5.0), False),
    (window(0.0, away_deg=3.0), False),
    (window(0.0, measured=False), False),
])
def test_only_still_gazes_count(shown, counts):
    assert jitter.still(shown) == counts


def test_windows_are_half_seconds_with_images():
    rows = [(0.1 * i, None, None, True) for i in range(9)]
    rows += [(10 + i / 30, None, None, True) for i in range(15)]
    assert [len(part) for part in jitter.windows(rows)] == [15]
