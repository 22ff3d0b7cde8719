# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the soak (make soak, half an hour) holds for growth; the soak itself is not run here."""

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[1] / 'scripts' / 'soak.py'


@pytest.fixture
def soak_module(monkeypatch):
    spec = importlib.util.spec_from_file_location('soak_script', SCRIPT)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    return module


class Recorded:
    """A soak of the past: 100 samples of what `change` makes of a calm node."""

    def __init__(self, module, change=lambda sample, part: sample, complaints=()):
        calm = module.Sample(
            time_s=0.0, memory_mib=270.0, threads=20, files=30, topics=15, cpu_percent=30.0,
            face_count=0,
        )  # fmt: skip
        self.samples = [change(calm, i / 99) for i in range(100)]
        self.latencies_ms = [10.0] * 3000
        self.rate_hz, self.active_s = 30.0, 100.0
        self.counts = {}
        self._complaints = list(complaints)

    def complaints(self):
        return self._complaints


def test_a_calm_run_holds(soak_module, capsys):
    assert soak_module.passes(Recorded(soak_module), 0, 0.5)
    assert 'BROKEN' not in capsys.readouterr().out


@pytest.mark.parametrize(
    'change',
    [
        lambda sample, part: replace(sample, memory_mib=270 + 40 * part),
        lambda sample, part: replace(sample, threads=20 + int(3 * part)),
        lambda sample, part: replace(sample, files=30 + int(3 * part)),
        lambda sample, part: replace(sample, topics=15 + int(20 * part)),
    ],
)
def test_growth_breaks_it(soak_module, change, capsys):
    assert not soak_module.passes(Recorded(soak_module, change), 0, 0.5)
    assert capsys.readouterr().out.count('BROKEN') == 1


def test_so_do_complaints_lateness_and_lost_faces(soak_module, capsys):
    recorded = Recorded(soak_module, complaints=['node: [WARN] something'])
    recorded.latencies_ms = [500.0] * 100
    assert not soak_module.passes(recorded, 1, 5.0)
    assert capsys.readouterr().out.count('BROKEN') == 5
