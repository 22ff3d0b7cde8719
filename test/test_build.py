# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""`make` on a machine without ROS: what it does, leaves alone, and says when it cannot.

Python, its venv module and pip are played by a recorder, so these tests show the decisions of
scripts/setup_venv.sh in milliseconds; `make test` itself has gone through the real ones.
"""

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = [
    'CMakeLists.txt', 'LICENSE', 'Makefile', 'package.xml', 'pyproject.toml', 'setup.py',
    'requirements.txt', 'requirements-build.txt', 'requirements-test.txt',
    'requirements-ros-jazzy.txt', 'requirements-ros-kilted.txt', 'cmake', 'constraints', 'msg',
    'scripts', 'underlay']
EMPTY = ['config', 'face_recon_ros', 'launch', 'models', 'samples', 'src_cpp']

# Answers as `python3` does to what setup_venv.sh asks of it and notes each pip command.
RECORDER = """#!/bin/bash
case "$*" in
  '--version'*) echo "Python {version}.1" ;;
  *'(3, 10)'*) exit {too_old} ;;
  *ensurepip*) exit {no_venv} ;;
  *version_info*) echo "{version}" ;;
  *sysconfig*) echo "{headers}" ;;
  '-m venv '*) mkdir -p "$3/bin"; cp "$0" "$3/bin/python" ;;
  *' -m pip '*|'-m pip '*)
    echo "${{*#*pip}}" >> "$PIP_CALLS"
    [ -z "$PIP_FAILS" ] || {{ echo 'Location x is ignored: noise'; echo "$PIP_FAILS"; exit 1; }} ;;
esac
"""
TOOLS = [
    'bash', 'cat', 'column', 'cp', 'cut', 'dirname', 'env', 'find', 'flock', 'grep', 'make',
    'mkdir', 'realpath', 'rm', 'sed', 'sh', 'sha256sum', 'sort', 'tail', 'tee', 'uname', 'xargs']


class Machine:
    """A copy of the sources and a PATH on which nothing is but what `make setup` may need."""

    def __init__(self, folder: Path) -> None:
        self.sources = folder / 'sources'
        self.tools = folder / 'tools'
        self.pip_calls = folder / 'pip_calls'
        self.sources.mkdir()
        self.tools.mkdir()
        for name in PACKAGE:
            source = ROOT / name
            copy = shutil.copytree if source.is_dir() else shutil.copy
            copy(source, self.sources / name)
        for name in EMPTY:
            (self.sources / name).mkdir()
        self.module = self.sources / 'face_recon_ros' / 'module.py'
        self.module.write_text('one = 1\n')
        for tool in TOOLS:
            (self.tools / tool).symlink_to(shutil.which(tool))
        for compiler in ('cc', 'c++'):
            self.install(compiler, '#!/bin/bash\n')
        self.install('Python.h', '')
        self.install_python()

    def install(self, name: str, script: str) -> None:
        path = self.tools / name
        path.write_text(script)
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def install_python(
            self, name: str = 'python3', version: str = '3.11', too_old: int = 0,
            no_venv: int = 0, headers: str | None = None) -> None:
        if headers is None:
            headers = str(self.tools)
        self.install(name, RECORDER.format(
            version=version, too_old=too_old, no_venv=no_venv, headers=headers))

    def make(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
        env = {'PATH': str(self.tools), 'PIP_CALLS': str(self.pip_calls), **environment}
        return subprocess.run(
            ['make', *arguments], cwd=self.sources, env=env, capture_output=True, text=True,
            check=False, stdin=subprocess.DEVNULL)

    def setup(self, **environment: str) -> tuple[str, list[str]]:
        """Return what `make setup` printed and the pip commands it ran."""
        self.pip_calls.write_text('')
        result = self.make('setup', **environment)
        assert (result.returncode, result.stderr) == (0, '')
        return result.stdout, self.pip_calls.read_text().splitlines()

    def refused(self, **environment: str) -> str:
        """Return the one line with which `make setup` fails, without make's own."""
        result = self.make('setup', **environment)
        assert result.returncode != 0
        lines = [line for line in result.stderr.splitlines() if not line.startswith('make: ***')]
        assert len(lines) == 1, result.stderr
        assert not (self.sources / '.venv' / 'package.stamp').exists()
        return lines[0]


@pytest.fixture
def machine(tmp_path) -> Machine:
    return Machine(tmp_path)


def installs_requirements(calls: list[str]) -> bool:
    return any('-r requirements.txt' in call for call in calls)


def installs_package(calls: list[str]) -> bool:
    return any(call.endswith(' .') for call in calls)


def test_first_setup_says_what_it_does_and_the_second_does_nothing(machine):
    said, calls = machine.setup()
    assert 'making' in said
    assert 'installing ROS 2' in said
    assert 'building and installing face_recon_ros' in said
    assert installs_requirements(calls)
    assert installs_package(calls)

    assert machine.setup() == ('', [])


def test_an_edit_installs_the_package_alone(machine):
    machine.setup()
    machine.module.write_text('one = 2\n')
    _, calls = machine.setup()
    assert installs_package(calls)
    assert not installs_requirements(calls)


def test_a_deleted_file_is_noticed(machine):
    machine.setup()
    machine.module.unlink()
    assert installs_package(machine.setup()[1])


def test_a_touched_file_is_not_an_edit(machine):
    machine.setup()
    os.utime(machine.module, (1e9, 1e9))
    assert machine.setup() == ('', [])


def test_new_requirements_are_installed_and_the_package_after_them(machine):
    machine.setup()
    with (machine.sources / 'requirements-test.txt').open('a') as file:
        file.write('another\n')
    _, calls = machine.setup()
    assert installs_requirements(calls)
    assert installs_package(calls)


def test_a_moved_clone_gets_a_new_environment(machine):
    machine.setup()
    machine.sources = machine.sources.rename(machine.sources.parent / 'moved')
    assert installs_requirements(machine.setup()[1])


def test_another_python_gets_a_new_environment(machine):
    machine.setup()
    machine.install_python('python3.12', version='3.12')
    said, calls = machine.setup(PYTHON='python3.12')
    assert 'Python 3.12' in said
    assert installs_requirements(calls)
    assert machine.setup(PYTHON='python3.12') == ('', [])


def test_nothing_of_a_foreign_environment_is_deleted(machine):
    theirs = machine.sources / '.venv' / 'lib' / 'theirs.py'
    theirs.parent.mkdir(parents=True)
    theirs.write_text('')
    machine.setup()
    assert theirs.exists()


def test_a_failed_installation_shows_the_reason_without_noise_and_is_tried_again(machine):
    result = machine.make('setup', PIP_FAILS='ERROR: no such thing as numpy')
    assert result.returncode != 0
    assert 'ERROR: no such thing as numpy' in result.stderr
    assert 'is ignored' not in result.stderr
    assert installs_requirements(machine.setup()[1])


@pytest.mark.parametrize('compiler', ['cc', 'c++'])
def test_a_missing_compiler_is_named_with_its_apt_package(machine, compiler):
    (machine.tools / compiler).unlink()
    assert machine.refused() == 'setup: no C++ compiler: sudo apt-get install g++'


def test_a_missing_python_is_named_with_its_apt_package(machine):
    (machine.tools / 'python3').unlink()
    assert machine.refused() == (
        'setup: no python3: sudo apt-get install python3 python3-venv python3-dev')


def test_a_missing_venv_module_is_named_with_its_apt_package(machine):
    machine.install_python(no_venv=1)
    assert machine.refused() == (
        'setup: python3 has no venv module: sudo apt-get install python3.11-venv')


def test_missing_python_headers_are_named_with_their_apt_package(machine):
    machine.install_python(headers='/nowhere')
    assert machine.refused() == (
        'setup: python3 has no headers: sudo apt-get install python3.11-dev')


def test_an_old_python_is_named_with_its_remedy(machine):
    machine.install_python(version='3.8', too_old=1)
    line = machine.refused()
    assert 'Python 3.8.1' in line
    assert 'sudo apt-get install python3.12-venv' in line
    assert 'make setup PYTHON=python3.12' in line


def test_another_processor_is_sent_to_colcon(machine):
    (machine.tools / 'uname').unlink()
    machine.install('uname', '#!/bin/bash\necho aarch64\n')
    line = machine.refused()
    assert 'aarch64' in line
    assert 'colcon' in line


def test_pip_never_runs_over_a_sourced_ros(machine):
    line = machine.refused(AMENT_PREFIX_PATH='/opt/ros/jazzy')
    assert '/opt/ros/jazzy' in line
    assert 'colcon' in line
    assert not (machine.sources / '.venv').exists()
    assert not machine.pip_calls.exists()


def test_another_ros_gets_a_new_environment_with_its_requirements(machine):
    machine.setup()
    said, calls = machine.setup(ROS='jazzy', CONSTRAINTS='constraints/jazzy.txt')
    assert 'making' in said
    assert any('-r requirements-ros-jazzy.txt' in call for call in calls)
    assert any('-c constraints/jazzy.txt' in call for call in calls)
    assert not any('requirements-ros-kilted.txt' in call for call in calls)
    assert machine.setup(ROS='jazzy', CONSTRAINTS='constraints/jazzy.txt') == ('', [])


def test_without_ros_no_wheel_of_it_is_installed_on_any_processor(machine):
    (machine.tools / 'uname').unlink()
    machine.install('uname', '#!/bin/bash\necho aarch64\n')
    said, calls = machine.setup(ROS='none')
    assert 'ROS' not in said
    assert installs_requirements(calls)
    assert installs_package(calls)
    assert not any('requirements-ros' in call for call in calls)


def test_an_unknown_ros_is_refused_with_those_there_are(machine):
    assert machine.refused(ROS='hydro') == (
        'setup: ROS=hydro is not known: use jazzy, kilted, none')


def test_missing_constraints_are_named(machine):
    assert machine.refused(CONSTRAINTS='mine.txt') == 'setup: no such file: mine.txt'


def test_warnings_are_errors_only_where_it_is_asked_for(machine):
    flags = machine.sources / 'flags'
    recorder = machine.tools / 'python3'
    recorder.write_text(recorder.read_text().replace(
        'esac', f'esac\necho "$FACE_RECON_WERROR" >> {flags}'))
    machine.setup()
    assert set(flags.read_text().split()) == {'OFF'}
    flags.unlink()
    machine.setup(FACE_RECON_WERROR='ON')
    assert flags.read_text().split()[-1] == 'ON'


def test_the_environment_itself_is_not_a_sourced_ros(machine):
    venv = machine.sources / '.venv'
    assert installs_package(machine.setup(AMENT_PREFIX_PATH=str(venv))[1])


def test_pip_by_hand_refuses_a_sourced_ros_too():
    result = subprocess.run(
        [sys.executable, 'setup.py', '--quiet', 'build_cmake'], cwd=ROOT, capture_output=True,
        text=True, check=False, env={**os.environ, 'AMENT_PREFIX_PATH': '/opt/ros/jazzy'})
    assert result.returncode == 1
    assert result.stderr.splitlines() == [
        'error: a ROS 2 installation is sourced (/opt/ros/jazzy): use colcon build, or run pip '
        'in a shell that has not sourced it']


def test_help_names_every_target(machine):
    said = machine.make('help').stdout
    makefile = (ROOT / 'Makefile').read_text()
    phony = next(line for line in makefile.splitlines() if line.startswith('.PHONY:'))
    for target in phony.split()[1:]:
        assert f'make {target} ' in said


def test_cmake_builds_every_source_file():
    cmake = (ROOT / 'CMakeLists.txt').read_text() + (ROOT / 'src_cpp/CMakeLists.txt').read_text()
    sources = [path.name for path in (ROOT / 'src_cpp').rglob('*.cpp')]
    assert [name for name in sources if name not in cmake] == []


def test_ci_runs_the_linters_and_the_tests():
    script = ROOT / '.ci' / 'run'
    assert os.access(script, os.X_OK)
    subprocess.run(['bash', '-n', script], check=True)
    commands = script.read_text().splitlines()
    steps = ['lint', 'sanitize', 'colcon', 'test', 'fuzz', 'matrix']
    made = [command for command in commands if command.startswith('make ')]
    assert made == [f'make {step}' for step in steps]
