# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""scripts/check_ros_machine.sh on machines that are played: what is missing, with its remedy."""

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[1] / 'scripts' / 'check_ros_machine.sh'
TOOLS = ['bash', 'cat', 'dirname', 'grep', 'tail']

# Plays an interpreter: a module that is listed as absent is not found, one listed as broken fails.
PYTHON = f"""#!{sys.executable}
import os, re, sys
code = sys.argv[2]
if 'version_info' in code:
    print('3.12')
    sys.exit()
modules = {{name.split('.')[0] for name in re.findall(r'(?:import|from) ([a-z0-9_.]+)', code)}}
for module in modules & set(os.environ['ABSENT'].split()):
    sys.exit(f"ModuleNotFoundError: No module named '{{module}}'")
for module in modules & set(os.environ['BROKEN'].split()):
    sys.exit('ImportError: numpy.core.multiarray failed to import')
print('1.2.3')
"""


class Machine:
    """A machine with ROS 2 Jazzy, on which nothing is missing."""

    def __init__(self, folder: Path) -> None:
        self.tools = folder / 'bin'
        self.tools.mkdir()
        self.ros = folder / 'jazzy'
        (self.ros / 'lib' / 'python3.12').mkdir(parents=True)
        self.venv = folder / '.venv'
        self.venv.mkdir()
        (self.venv / 'COLCON_IGNORE').touch()
        self.settings('true')
        for name in ('rclpy', 'cv_bridge', 'hri_msgs', 'rviz2', 'face_recon_ros'):
            self.release(name)
        for tool in TOOLS:
            (self.tools / tool).symlink_to(shutil.which(tool))
        for tool in ('colcon', 'rosdep', 'c++'):
            self.install(tool, '#!/bin/bash\n')
        self.install('python3', PYTHON)
        self.env = {
            'PATH': str(self.tools), 'ROS_DISTRO': 'jazzy', 'AMENT_PREFIX_PATH': str(self.ros),
            'VIRTUAL_ENV': str(self.venv), 'FASTRTPS_DEFAULT_PROFILES_FILE': '/mine.xml',
            'ABSENT': 'tflite_runtime', 'BROKEN': ''}

    def settings(self, system: str) -> None:
        (self.venv / 'pyvenv.cfg').write_text(f'include-system-site-packages = {system}\n')

    def install(self, name: str, script: str) -> None:
        path = self.tools / name
        path.write_text(script)
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def release(self, package: str) -> None:
        marker = self.ros / 'share/ament_index/resource_index/packages' / package
        marker.parent.mkdir(parents=True, exist_ok=True)
        marker.touch()

    def withdraw(self, package: str) -> None:
        (self.ros / 'share/ament_index/resource_index/packages' / package).unlink()

    def check(self, **environment: str | None) -> tuple[int, list[str]]:
        env = {k: v for k, v in {**self.env, **environment}.items() if v is not None}
        done = subprocess.run(
            ['bash', str(SCRIPT)], env=env, capture_output=True, text=True, check=False)
        assert done.stderr == ''
        return done.returncode, done.stdout.splitlines()

    def said_of(self, name: str, **environment: str | None) -> tuple[int, str, str]:
        """Return status, the line of a thing and the line after it, its remedy."""
        status, lines = self.check(**environment)
        (at,) = (i for i, line in enumerate(lines) if line[11:].startswith(name))
        return status, lines[at].split()[0], lines[at + 1].partition('-> ')[2]


@pytest.fixture
def machine(tmp_path) -> Machine:
    return Machine(tmp_path)


def test_a_complete_machine_lacks_nothing(machine):
    status, lines = machine.check()
    assert status == 0
    assert lines[-1] == 'All that is needed is there.'
    assert [line for line in lines[:-1] if line.split()[0] != 'ok'] == []
    assert len(lines) < 24


def test_without_ros_it_says_to_source_it(machine):
    status, kind, remedy = machine.said_of('ROS 2', ROS_DISTRO=None, AMENT_PREFIX_PATH=None)
    assert (status, kind) == (1, 'MISSING')
    assert '/opt/ros/<distribution>/setup.bash' in remedy


@pytest.mark.parametrize(('module', 'remedy'), [
    ('numpy', 'sudo apt-get install python3-numpy'),
    ('cv2', 'sudo apt-get install python3-opencv'),
    ('tqdm', 'sudo apt-get install python3-tqdm'),
])
def test_a_missing_library_comes_from_apt(machine, module, remedy):
    assert machine.said_of(module, ABSENT=f'tflite_runtime {module}') == (1, 'MISSING', remedy)


@pytest.mark.parametrize('module', ['numpy', 'cv2'])
def test_a_library_that_another_numpy_breaks_is_not_to_be_installed_again(machine, module):
    status, kind, remedy = machine.said_of(module, BROKEN=module)
    assert (status, kind) == (1, 'MISSING')
    assert 'pip uninstall numpy' in remedy


def test_litert_comes_with_the_constraints_of_the_distribution(machine):
    status, kind, remedy = machine.said_of(
        'ai_edge_litert', ABSENT='tflite_runtime ai_edge_litert')
    assert (status, kind) == (1, 'MISSING')
    constraints = SCRIPT.parents[1] / 'constraints' / 'jazzy.txt'
    assert constraints.is_file()
    assert f'pip install -c {constraints} ai-edge-litert' in remedy


def test_the_older_runtime_does_as_well(machine):
    status, kind, _ = machine.said_of('LiteRT', ABSENT='ai_edge_litert')
    assert (status, kind) == (0, 'ok')


@pytest.mark.parametrize(('tool', 'remedy'), [
    ('colcon', 'sudo apt-get install python3-colcon-common-extensions'),
    ('rosdep', 'sudo apt-get install python3-rosdep && sudo rosdep init; rosdep update'),
    ('c++', 'sudo apt-get install g++'),
])
def test_a_missing_tool_comes_from_apt(machine, tool, remedy):
    (machine.tools / tool).unlink()
    assert machine.said_of('C++' if tool == 'c++' else tool) == (1, 'MISSING', remedy)


def test_a_virtual_environment_that_hides_the_distribution_is_refused(machine):
    machine.settings('false')
    status, kind, remedy = machine.said_of('venv')
    assert (status, kind) == (1, 'MISSING')
    assert '--system-site-packages' in remedy


def test_colcon_is_kept_out_of_the_virtual_environment(machine):
    (machine.venv / 'COLCON_IGNORE').unlink()
    status, kind, remedy = machine.said_of('venv')
    assert (status, kind, remedy) == (1, 'MISSING', f'touch {machine.venv}/COLCON_IGNORE')


def test_another_python_than_that_of_ros_is_refused(machine):
    (machine.ros / 'lib' / 'python3.12').rename(machine.ros / 'lib' / 'python3.10')
    status, kind, remedy = machine.said_of('Python')
    assert (status, kind) == (1, 'MISSING')
    assert 'system Python' in remedy


@pytest.mark.parametrize(('package', 'apt'), [
    ('cv_bridge', 'ros-jazzy-cv-bridge'), ('hri_msgs', 'ros-jazzy-hri-msgs'),
    ('rviz2', 'ros-jazzy-rviz2')])
def test_what_is_optional_does_not_fail(machine, package, apt):
    machine.withdraw(package)
    assert machine.said_of(package) == (0, 'optional', f'sudo apt-get install {apt}')


def test_kilted_has_no_hri_msgs_to_install(machine):
    machine.withdraw('hri_msgs')
    _, _, remedy = machine.said_of('hri_msgs', ROS_DISTRO='kilted')
    assert 'apt-get' not in remedy


def test_every_supported_distribution_has_constraints():
    names = {path.stem for path in (SCRIPT.parents[1] / 'constraints').glob('*.txt')}
    assert names == {'humble', 'jazzy', 'kilted', 'lyrical', 'rolling'}
    assert os.access(SCRIPT, os.X_OK)
