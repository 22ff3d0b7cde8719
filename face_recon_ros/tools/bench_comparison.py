# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Figures of `face-recon bench` beside those of a saved run.

Machines differ, and one machine from hour to hour: where both runs have timed the same network
beside the stages (`--network`), figures are compared as multiples of its median with one thread,
in the same scene where it was timed there.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from face_recon_ros.errors import FaceReconError
from face_recon_ros.tools.bench import Measurement, unit_ms


@dataclass(slots=True, frozen=True)
class Comparison:
    """A stage of a scene in both runs: medians in `unit`, ms or multiples of a network's."""

    measurement: Measurement
    before: float
    now: float
    unit: str

    @property
    def ratio(self) -> float:
        """How many times as long it takes now."""
        return self.now / self.before


def read_run(path: Path) -> list[Measurement]:
    """
    Return the measurements of a run that `--json` saved.

    :raises FaceReconError: not such a file.
    """
    remedy = 'give a file that face-recon bench --json has written'
    try:
        record = json.loads(path.read_bytes())
    except OSError as error:
        raise FaceReconError(f'--compare {path}: {error.strerror or error}; {remedy}') from error
    except ValueError as error:
        raise FaceReconError(f'--compare {path}: no JSON; {remedy}') from error
    names = [field.name for field in fields(Measurement)]
    try:
        run = [Measurement(**{n: m[n] for n in names}) for m in record['measurements']]
        if not run or not all(m.median_ms > 0 for m in run):
            raise ValueError('no figures')
    except (KeyError, TypeError, ValueError) as error:
        raise FaceReconError(f'--compare {path}: has no figures of a run; {remedy}') from error
    return run


def compare(
    before: Sequence[Measurement], now: Sequence[Measurement], network: str | None = None
) -> list[Comparison]:
    """
    Return what both runs have measured, in the order of the new one.

    :param network: stage that is the unit; None, or not in both runs: milliseconds
    """
    earlier = {_key(m): m for m in before}
    shared = all(any(m.stage == network and m.threads == 1 for m in run) for run in (before, now))
    compared = []
    for m in now:
        if _key(m) not in earlier or (shared and m.stage == network):
            continue
        units = [(unit_ms(run, network, m) if shared else None) or 1.0 for run in (before, now)]
        compared.append(Comparison(
            m, earlier[_key(m)].median_ms / units[0], m.median_ms / units[1],
            f'x {network}' if shared else 'ms'))
    return compared


def _key(m: Measurement) -> tuple[str, int, int, int, int]:
    return m.stage, m.width, m.height, m.faces, m.threads


def comparison_table(compared: Sequence[Comparison]) -> str:
    """Return the comparison as lines of a table."""
    if not compared:
        return 'the saved run has none of these stages and scenes'
    lines = [f'  image      faces threads  stage                   before      now  ratio  '
             f'({compared[0].unit})']
    for c in compared:
        m = c.measurement
        lines.append(
            f'{m.width:5d}x{m.height:<5d} {m.faces:4d} {m.threads:6d}   {m.stage:<22}'
            f'{c.before:8.2f} {c.now:8.2f} {c.ratio:6.2f}'
        )
    return '\n'.join(lines)
