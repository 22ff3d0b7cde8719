# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The rows of the CSV, by values written out."""

import io
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from face_recon_ros.errors import OutputError
from face_recon_ros.face import DistanceSource
from face_recon_ros.io.records import COLUMNS, csv_writer, row
from face_recon_ros.pose import MetricPose


def face():
    """A face that looks 30 degrees to the image's left: every number of it another one."""
    s, c = 0.5, 3**0.5 / 2
    # face frame: x out of the face, y to the subject's left, z up; optical: x right, y down
    rotation = np.array([[-s, c, 0], [0, 0, -1], [-c, -s, 0]])
    landmarks = np.arange(68 * 3, dtype=float).reshape(68, 3) + 0.0004
    return SimpleNamespace(
        id='f7', score=0.87654321, box=np.array([1.005, 20.0, 300.254, 4000.1]),
        rotation=rotation, pose=MetricPose(rotation, np.array([0.1, -0.2, 1.2345678])),
        landmarks_px=landmarks, fit_error=0.0123456, head_scale=0.93216,
        distance_source=DistanceSource.DEPTH,
        gaze=np.array([-0.6, 0.0, -0.8]), gaze_sigma_rad=0.1,
        eye_openness=np.array([0.25, np.nan]),
        blendshapes=np.append(np.arange(51) / 51, np.nan), predicted=True,
    )


def test_a_row_value_by_value():
    values = dict(zip(COLUMNS, row('a.png', face(), 12.3456789), strict=True))
    expected = {
        'file': 'a.png', 'id': 'f7', 'score': '0.8765', 'x0': '1.00', 'y0': '20.00',
        'x1': '300.25', 'y1': '4000.10',
        'r00': '-0.5000000', 'r01': '0.8660254', 'r02': '0.0000000',
        'r10': '0.0000000', 'r11': '0.0000000', 'r12': '-1.0000000',
        'r20': '-0.8660254', 'r21': '-0.5000000', 'r22': '0.0000000',
        't_x': '0.10000', 't_y': '-0.20000', 't_z': '1.23457',
        'lm0x': '0.000', 'lm0y': '1.000', 'lm1x': '3.000', 'lm67x': '201.000',
        'lm67y': '202.000',
        'yaw_deg': '30.000',
        'fit_error': '0.01235', 'time_s': '12.345679', 'head_scale': '0.9322',
        'distance_source': 'depth', 'gaze_x': '-0.600000', 'gaze_y': '0.000000',
        'gaze_z': '-0.800000', 'gaze_sigma_deg': '5.730', 'eye_open_right': '0.250',
        'eye_open_left': '',
        'bs_eyeBlinkLeft': '0.0000', 'bs_jawOpen': '0.3333',
        'bs_noseSneerRight': '0.9804', 'bs_tongueOut': '',
        'predicted': '1',
    }
    assert {name: values[name] for name in expected} == expected
    for name in ('pitch_deg', 'roll_deg'):
        assert values[name].lstrip('-') == '0.000'
    quaternion = [float(values[f'q_{axis}']) for axis in 'xyzw']
    x, y, z, w = quaternion
    np.testing.assert_allclose(np.linalg.norm(quaternion), 1, atol=1e-6)
    # of this rotation, whose sign is free
    np.testing.assert_allclose(
        np.array([x, y, z, w]) * np.sign(w), np.array([1, 3**0.5, -3**0.5, 1]) / 8**0.5, atol=1e-6)


def test_photos_have_no_time():
    place = COLUMNS.index('time_s')
    assert row('a.png', face())[place] == ''
    assert row('0', face(), 0.0)[place] == '0.000000'


def test_the_order_of_the_columns():
    assert len(COLUMNS) == len(row('', face())) == 225
    assert COLUMNS[:8] == ('file', 'id', 'score', 'x0', 'y0', 'x1', 'y1', 'r00')
    assert COLUMNS[16:24] == ('q_x', 'q_y', 'q_z', 'q_w', 't_x', 't_y', 't_z', 'lm0x')
    assert COLUMNS[158:166] == (
        'lm67y', 'yaw_deg', 'pitch_deg', 'roll_deg', 'fit_error', 'time_s', 'head_scale',
        'distance_source')
    assert COLUMNS[166:172] == (
        'gaze_x', 'gaze_y', 'gaze_z', 'gaze_sigma_deg', 'eye_open_right', 'eye_open_left')
    assert COLUMNS[172:174] == ('bs_eyeBlinkLeft', 'bs_eyeLookDownLeft')
    assert COLUMNS[223:] == ('bs_tongueOut', 'predicted')


def lines_of(path):
    return path.read_text().splitlines()


def test_a_table_takes_its_name_when_it_is_whole(tmp_path):
    path = tmp_path / 'f.csv'
    with csv_writer(path) as rows:
        rows.writerow(['a'])
        assert not path.exists()
    assert lines_of(path) == [','.join(COLUMNS), 'a']
    with csv_writer(path):  # nobody was found: a table without rows
        pass
    assert lines_of(path) == [','.join(COLUMNS)]


class FaultError(Exception):
    pass


def test_after_an_error_the_rows_so_far_are_there_and_without_any_what_was_there(tmp_path):
    path = tmp_path / 'f.csv'
    path.write_text('before\n')
    for written, expected in (([], ['before']), (['a', 'b'], [','.join(COLUMNS), 'a', 'b'])):
        try:
            with csv_writer(path) as rows:
                for value in written:
                    rows.writerow([value])
                raise FaultError
        except FaultError:
            pass
        assert lines_of(path) == expected
        assert [p.name for p in tmp_path.iterdir()] == ['f.csv']


class FullDisk:
    """A file whose last bytes do not fit any more."""

    def __init__(self, file):
        self._file = file

    def close(self):
        self._file.close()
        raise OSError(28, 'No space left on device')


def test_a_disk_that_is_full_at_the_end_is_told_unless_there_is_an_error_already(tmp_path):
    path = tmp_path / 'f.csv'
    path.write_text('before\n')

    def written(error=None):
        with csv_writer(path) as rows:
            rows.writerow(['a'])
            rows._file = FullDisk(rows._file)
            if error:
                rows.count = 0
                raise error

    with pytest.raises(OutputError, match='No space left on device; choose another --csv'):
        written()
    with pytest.raises(FaultError):
        written(FaultError)
    assert lines_of(path) == ['before']
    assert [p.name for p in tmp_path.iterdir()] == ['f.csv']


def test_without_a_table_rows_go_nowhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with csv_writer(None) as rows:
        rows.writerow(['a'])
    assert list(tmp_path.iterdir()) == []


def test_a_table_on_standard_output_is_read_row_by_row(tmp_path, monkeypatch):
    """By its file, which need not be text of the terminal's encoding; or from memory."""
    monkeypatch.chdir(tmp_path)
    with (tmp_path / 'out').open('w', encoding='ascii') as out:
        monkeypatch.setattr('sys.stdout', out)
        out.write('before\n')
        with csv_writer(Path('-')) as rows:
            rows.writerow(['Größe\udce9.png', '1'])
            assert (tmp_path / 'out').read_bytes().splitlines() == [
                b'before', ','.join(COLUMNS).encode(), 'Größe'.encode() + b'\xe9.png,1']
        out.write('after\n')
    assert (tmp_path / 'out').read_bytes().endswith(b'.png,1\r\nafter\n')
    assert [path.name for path in tmp_path.iterdir()] == ['out']

    memory = io.StringIO()
    monkeypatch.setattr('sys.stdout', memory)
    with csv_writer(Path('-')) as rows:
        rows.writerow(['a', '1'])
    assert memory.getvalue() == ','.join(COLUMNS) + '\r\na,1\r\n'


def test_a_table_on_a_closed_standard_output_is_an_error(monkeypatch):
    monkeypatch.setattr('sys.stdout', None)
    with pytest.raises(OSError, match='Bad file descriptor'), csv_writer(Path('-')):
        pass
