# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The assignment of least cost, held to scipy's."""

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from face_recon_ros import _renderer
from face_recon_ros.tracking.association import assign


@pytest.mark.parametrize('rows', [1, 2, 5, 9])
@pytest.mark.parametrize('columns', [1, 3, 5, 8])
def test_it_is_scipy_s(rows, columns):
    rng = np.random.default_rng([rows, columns])
    for size in (1.0, 1e6):
        for _ in range(30):
            cost = size * rng.normal(size=(rows, columns))
            expected = zip(*linear_sum_assignment(cost), strict=True)
            assert _renderer.assign(cost) == list(expected)


def test_ties_cost_no_more():
    rng = np.random.default_rng(3)
    for _ in range(100):
        cost = rng.integers(0, 3, (6, 7)).astype(float)
        pairs = _renderer.assign(cost)
        assert sorted(row for row, _ in pairs) == [0, 1, 2, 3, 4, 5]
        assert len({column for _, column in pairs}) == 6
        assert sum(cost[pair] for pair in pairs) == cost[linear_sum_assignment(cost)].sum()


@pytest.mark.parametrize('shape', [(0, 0), (0, 3), (3, 0)])
def test_nothing_is_assigned_to_nothing(shape):
    assert _renderer.assign(np.zeros(shape)) == []


def test_as_many_pairs_as_are_possible_and_then_the_cheapest():
    cost = np.array([[1.0, 9.0], [2.0, np.inf]])
    possible = np.array([[True, True], [True, False]])
    assert assign(cost, possible) == [(0, 1), (1, 0)]
    assert assign(cost, np.zeros((2, 2), bool)) == []


@pytest.mark.parametrize('value', [np.nan, np.inf])
def test_what_is_no_cost_is_refused(value):
    with pytest.raises(ValueError, match='cost: want finite values'):
        _renderer.assign(np.array([[value]]))


def test_only_a_matrix_of_numbers_is_one():
    with pytest.raises(TypeError, match='cost'):
        _renderer.assign(np.zeros((2, 2), np.float32))
    with pytest.raises(ValueError, match='cost'):
        _renderer.assign(np.zeros(3))
