# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

import pytest
from scenes.crossing import RATE_HZ, evaluate, sample_people, scenes

from face_recon_ros.pipeline import Pipeline, PipelineConfig
from face_recon_ros.regression.loader import FACE_MESH, NETWORK
from face_recon_ros.tracking.settings import TrackingSettings

# Images until somebody who comes back into full sight is reported: 0.3 s
REACQUIRED_IMAGES = 0.3 * RATE_HZ


@pytest.fixture(scope='module')
def played(portrait):
    return scenes(sample_people(Pipeline(), portrait))


@pytest.mark.parametrize(
    ('name', 'regressor'),
    [
        ('pass', NETWORK),
        ('stop behind and turn back', NETWORK),
        ('overtake', NETWORK),
        ('three pass', NETWORK),
        ('three pass', FACE_MESH),
        ('two behind one', NETWORK),
        ('two behind one turn back', NETWORK),
        ('leave and return', NETWORK),
    ],
)
def test_everybody_keeps_the_id(played, name, regressor):
    people, duration_s = played[name]
    pipeline = Pipeline(PipelineConfig(regressor=regressor))
    outcome = evaluate(people, duration_s, pipeline)
    assert outcome.swaps == 0, outcome.events
    assert outcome.new_ids == 0, outcome.ids
    assert all(len(ids) == 1 for ids in outcome.ids)
    assert outcome.false_positives == 0
    assert outcome.unseen == 0
    assert max(outcome.reacquired_images) <= REACQUIRED_IMAGES


def test_who_was_away_for_longer_than_forget_s_is_another(played):
    """Nobody else gets the id that is free, nor does the one who stayed lose it."""
    people, duration_s = played['leave for long and return']
    outcome = evaluate(people, duration_s, Pipeline())
    assert outcome.swaps == 0
    assert [len(ids) for ids in outcome.ids] == [2, 1]
    assert max(outcome.reacquired_images) <= REACQUIRED_IMAGES


# the first of them is away for about two seconds, the other one for less than 1.5
@pytest.mark.parametrize(('timeout_s', 'ids'), [(1.5, [2, 1]), (3.0, [1, 1])])
def test_half_a_face_at_the_border_does_not_get_the_others_id(played, timeout_s, ids):
    """Both were lost there; the first to come back has to show whose face it is."""
    people, duration_s = played['leave together and return changed over']
    tracking = TrackingSettings(track_timeout_s=timeout_s)
    outcome = evaluate(people, duration_s, Pipeline(PipelineConfig(tracking=tracking)))
    assert outcome.swaps == 0, outcome.events
    assert [len(given) for given in outcome.ids] == ids
    assert max(outcome.reacquired_images) <= REACQUIRED_IMAGES


def test_the_scenes_catch_a_tracker_that_goes_by_place_alone(played, monkeypatch):
    """Without appearance the scenes come out wrong: they are worth playing."""
    monkeypatch.setattr(
        'face_recon_ros.tracking.association.descriptor_distance', lambda *_: None)
    people, duration_s = played['two behind one turn back']
    outcome = evaluate(people, duration_s, Pipeline())
    assert outcome.swaps + outcome.new_ids > 0


@pytest.mark.parametrize('rate_hz', [5, 10])
def test_who_comes_out_from_behind_does_not_get_the_others_id(played, rate_hz):
    """Few images per second: from one to the next each is where the other was expected."""
    people, duration_s = played['turn back and take the other along']
    outcome = evaluate(people, duration_s, Pipeline(), rate_hz)
    assert outcome.swaps == 0, outcome.events
    assert outcome.unseen == 0


@pytest.mark.parametrize('rate_hz', [5, 15, 60])
@pytest.mark.parametrize('name', ['overtake', 'leave and return'])
def test_everybody_keeps_the_id_at_any_rate(played, name, rate_hz):
    people, duration_s = played[name]
    outcome = evaluate(people, duration_s, Pipeline(), rate_hz)
    assert outcome.swaps == 0, outcome.events
    assert [len(ids) for ids in outcome.ids] == [1, 1]
    # 0.4 s, or two images
    assert max(outcome.reacquired_images) <= max(0.4 * rate_hz, 2)
