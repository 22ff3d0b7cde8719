# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Prints errors as Markdown tables: by yaw, by traits, and how far the sigmas can be believed."""
from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from model_building.evaluation.errors import (
    Errors,
    bands,
    reliability,
    slope_of_pitch,
    slope_of_yaw,
)
from model_building.evaluation.traits import in_order

Column = tuple[str, Callable[[Errors, np.ndarray], str]]


def rows_of(title: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table."""
    print(f'\n| {" | ".join(title)} |')
    print('|' + '---|' * len(title))
    for row in rows:
        print(f'| {" | ".join(row)} |')


def report(name: str, errors: Errors, yaw: str = 'yaw') -> None:
    """
    Print everything that the truth allows to be said of one regressor.

    :param yaw: what the bands are of
    """
    columns = _columns(errors)
    rows_of([f'{name}: {yaw}', *(title for title, _ in columns)],
            ([label, *(cell(errors, inside) for _, cell in columns)]
             for label, inside in bands(errors) if inside.any()))
    if np.isfinite(errors.geodesic_deg).any():
        report_reliability(name, errors, yaw)
    for kind in sorted({kind for traits in errors.traits for kind in traits}):
        values = np.array([traits.get(kind, '') for traits in errors.traits])
        rows_of([f'{name}: {kind}', *(title for title, _ in columns)],
                ([value, *(cell(errors, values == value) for _, cell in columns)]
                 for value in in_order(kind, set(values.tolist()) - {''})))


def report_reliability(name: str, errors: Errors, yaw: str) -> None:
    """Print coverage and sharpness of the rotation's sigmas, and how well they order faces."""
    rows = []
    for label, inside in bands(errors):
        if not np.isfinite(errors.geodesic_deg[inside]).any():
            continue
        judged = reliability(errors, inside)
        rows.append([
            label, *(f'{100 * share:.0f} %' for share in judged.inside),
            ', '.join(f'{sigma:.1f}' for sigma in judged.sharpness_deg),
            _number(100 * judged.falls, '.0f', ' %'),
            _number(100 * judged.could_fall, '.0f', ' %'),
        ])
    rows_of([f'{name}: {yaw}', 'within one sigma: roll', 'pitch', 'yaw',
             'mean sigma of roll, pitch, yaw',
             'without the tenth of least certainty the error falls by',
             'without the worst it would by'], rows)


def _columns(errors: Errors) -> list[Column]:
    """Return those for which something is known."""
    columns: list[Column] = [
        ('faces', lambda _, k: f'{k.sum()}'),
        ('missed', lambda e, k: f'{(~e.found[k]).sum()}'),
    ]
    if np.isfinite(errors.geodesic_deg).any():
        columns += [
            ('geodesic error', lambda e, k: _mean(e.geodesic_deg[k], '.1f')),
            ('yaw slope', lambda e, k: _number(slope_of_yaw(e, k), '.2f')),
            ('pitch slope', lambda e, k: _number(slope_of_pitch(e, k), '.2f')),
        ]
    if np.isfinite(errors.nme68).any():
        columns.append(('NME68', lambda e, k: _mean(e.nme68[k], '.2f', ' %')))
    if np.isfinite(errors.dense_mm).any():
        columns.append(('dense, mm (mean face)', _dense))
    if np.isfinite(errors.distance).any():
        columns.append(
            ('distance', lambda e, k: _mean(100 * np.abs(e.distance[k]), '.1f', ' %')))
    return columns


def _dense(errors: Errors, inside: np.ndarray) -> str:
    k = inside & np.isfinite(errors.dense_mm)
    return f'{_mean(errors.dense_mm[k], ".2f")} ({_mean(errors.mean_face_mm[k], ".2f")})'


def _mean(values: np.ndarray, form: str, unit: str = '') -> str:
    known = values[np.isfinite(values)]
    return f'{known.mean():{form}}{unit}' if len(known) else '-'


def _number(value: float, form: str, unit: str = '') -> str:
    return f'{value:{form}}{unit}' if np.isfinite(value) else '-'
