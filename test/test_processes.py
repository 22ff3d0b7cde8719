# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Processes of tools and tests: which package they run, how they end, what is left of them."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from patience import HANG_S

from face_recon_ros.tools.processes import (
    Process,
    ProcessError,
    Processes,
    module_command,
    stop_all,
)

READY = 'ready'
WAIT = "print('ready', flush=True); import time; time.sleep(1e6)"
IGNORE = 'import signal; signal.signal(signal.{}, signal.SIG_IGN); '


def python(code):
    return [sys.executable, '-c', textwrap.dedent(code)]


def started(code):
    process = Process(python(code), collect=True)
    process.wait_line(READY, HANG_S)
    return process


def is_running(pid):
    try:
        # a zombie has ended
        return ') Z ' not in Path(f'/proc/{pid}/stat').read_text()
    except FileNotFoundError:
        return False


def ends(pid):
    end_s = time.monotonic() + HANG_S
    while is_running(pid):
        assert time.monotonic() < end_s, f'process {pid} runs on'
        time.sleep(0.01)


def test_a_module_is_the_installed_one_wherever_it_is_started(tmp_path, monkeypatch):
    """Also in a folder with another package of that name, and where PYTHONSAFEPATH is unknown."""
    decoy = tmp_path / 'face_recon_ros'
    decoy.mkdir()
    (decoy / '__init__.py').write_text("print('decoy')")
    (decoy / 'errors.py').write_text("print('decoy')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv('PYTHONSAFEPATH', raising=False)
    process = Process(module_command('face_recon_ros.cli', 'info'), collect=True)
    assert process.wait(HANG_S) == 0
    assert 'decoy' not in process.lines
    # so it is a decoy that plain `python -m` would run
    plain = {n: v for n, v in os.environ.items() if n != 'PYTHONSAFEPATH'}
    done = subprocess.run([sys.executable, '-m', 'face_recon_ros.errors'], env=plain,
                          capture_output=True, text=True, check=False)
    assert 'decoy' in done.stdout


def test_a_module_gets_its_arguments_and_name(tmp_path, monkeypatch):
    (tmp_path / 'say.py').write_text('import sys; print(__name__, sys.argv[1:], __spec__.name)')
    monkeypatch.setenv('PYTHONPATH', str(tmp_path))
    process = Process(module_command('say', 'a b', '--c'), collect=True)
    assert process.wait(HANG_S) == 0
    assert process.lines == ["__main__ ['a b', '--c'] say"]


@pytest.mark.parametrize(
    ('ignored', 'status'), [('', -2), ('SIGINT', -15), ('SIGINT SIGTERM', -9)]
)
def test_who_does_not_listen_is_told_again(ignored, status):
    code = ''.join(IGNORE.format(name) for name in ignored.split())
    if not ignored:
        code = 'import signal; signal.signal(signal.SIGINT, signal.SIG_DFL); '
    process = started(code + WAIT)
    assert process.stop(timeout_s=0.2) == status
    assert process.status == status


def test_all_are_told_at_once():
    code = 'import signal; signal.signal(signal.SIGINT, signal.SIG_DFL); '
    both = [started(code + WAIT), started(code + WAIT)]
    assert stop_all(both, HANG_S) == [-2, -2]
    assert stop_all(both, HANG_S) == [-2, -2]


def test_a_line_is_waited_for_and_a_missing_one_is_said_with_the_last_lines():
    process = Process(python("""
        import sys
        for i in range(100):
            print('line', i)
        sys.stderr.write('no model\\n')
        sys.exit(3)
    """), collect=True)
    assert process.wait_line('line 5', HANG_S) == 'line 5'
    assert process.wait_line('line 5', HANG_S, after=6) == 'line 50'
    with pytest.raises(ProcessError, match=r"'ready', its output has ended:") as raised:
        process.wait_line(READY, HANG_S)
    assert process.wait(HANG_S) == 3
    shown = str(raised.value).splitlines()[1:]
    assert len(shown) == 20
    assert shown[-1] == 'no model'


def test_time_over_is_said_and_the_process_goes_on():
    process = started(WAIT)
    with pytest.raises(ProcessError, match=r'0\.01 s are over'):
        process.wait_line('never', 0.01)
    with pytest.raises(ProcessError, match=r'runs on after 0\.01 s:\nready'):
        process.wait(0.01)
    assert process.status is None
    process.stop(HANG_S)


def test_bytes_that_are_no_text_are_lines_too():
    process = Process(python(r"import sys; sys.stdout.buffer.write(b'\xff\nend')"), collect=True)
    assert process.wait(HANG_S) == 0
    assert process.lines == ['\N{REPLACEMENT CHARACTER}', 'end']


def test_a_program_that_is_not_there_is_one_line(tmp_path):
    with pytest.raises(ProcessError, match=r'camera cannot be started: .*no-such-program'):
        Process([str(tmp_path / 'no-such-program')], 'camera')


def test_a_group_ends_with_its_context_and_names_who_ended_first(tmp_path):
    log = tmp_path / 'quick.log'
    with Processes() as group:
        slow = group.start('slow', python(WAIT))
        assert group.ended() == ''
        quick = group.start('quick', python("print('said'); raise SystemExit(4)"), log=log)
        quick.wait(HANG_S)
        assert group.ended() == 'quick ended with status 4'
        assert group['slow'] is slow
        assert group.stop('quick') == [4]
        assert 'quick' not in group
    assert slow.status is not None
    assert log.read_text() == 'said\n'


SUPERVISOR = """
import sys
from face_recon_ros.tools.processes import Processes, module_command
with Processes() as group:
    child = group.start('child', module_command('wait_for_ever'))
    print('child', child.pid, flush=True)
    child.wait(1e6)
"""


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_of_a_supervisor_that_is_ended(tmp_path, monkeypatch, number):
    if number == signal.SIGKILL and sys.platform != 'linux':
        pytest.skip('only Linux tells a process that its parent has died')
    (tmp_path / 'wait_for_ever.py').write_text(WAIT)
    monkeypatch.setenv('PYTHONPATH', str(tmp_path))
    supervisor = Process(python(SUPERVISOR), collect=True)
    child = int(supervisor.wait_line('child', HANG_S).split()[1])
    supervisor.wait_line(READY, HANG_S)
    supervisor.send(number)
    ends(child)
    supervisor.process.wait(HANG_S)
