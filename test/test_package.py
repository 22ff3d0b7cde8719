# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The installed package: its messages, files, executables, and what it says of itself."""

import ast
import importlib
import json
import os
import re
import sys
from importlib import metadata
from pathlib import Path

import pytest
from catkin_pkg.package import parse_package

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[1]
NAME = 'face_recon_ros'

# Dependencies that rosdep knows by another name than Python does.
ROSDEP_KEYS = {
    'cv2': 'python3-opencv',
    'numpy': 'python3-numpy',
    'tqdm': 'python3-tqdm',
    'yaml': 'python3-yaml',
}
PYPI_NAMES = {
    'ai_edge_litert': 'ai-edge-litert',
    'cv2': 'opencv-python-headless',
    'yaml': 'PyYAML',
}
# Used where they are found and done without where not, so no dependency names them: the
# TFLite runtimes (no rosdep key), the REP-155 messages, and what reads bags.
OPTIONAL_IMPORTS = {'ai_edge_litert', 'tflite_runtime', 'hri_msgs', 'cv_bridge', 'rosbags'}


def install_prefix() -> Path:
    prefixes = [*os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep), sys.prefix]
    return next(p for p in map(Path, prefixes) if (p / 'share' / NAME / 'package.xml').is_file())


def share() -> Path:
    return install_prefix() / 'share' / NAME


def entry_points() -> dict[str, str]:
    lines = (ROOT / 'scripts' / 'entry_points.txt').read_text().splitlines()
    return dict(line.split(' = ') for line in lines if ' = ' in line)


def imports_of(folder: Path) -> set[str]:
    """Return the top-level modules that the Python files of a folder import."""
    modules = set()
    for path in folder.rglob('*.py'):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                modules |= {alias.name.split('.')[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                modules.add(node.module.split('.')[0])
    return modules - sys.stdlib_module_names - {NAME}


def requirements(name: str) -> set[str]:
    lines = (ROOT / name).read_text().splitlines()
    return {re.split(r'[<>=\[; ]', line)[0] for line in lines if line and line[0] != '#'}


def test_the_installed_package_is_under_test():
    module = importlib.import_module(NAME)
    assert Path(module.__file__) != ROOT / NAME / '__init__.py'


def test_manifest_is_valid():
    warnings: list[str] = []
    package = parse_package(ROOT, warnings=warnings)
    assert warnings == []
    assert package.package_format == 3
    assert package.get_build_type() == 'ament_cmake'
    assert [str(group) for group in package.member_of_groups] == ['rosidl_interface_packages']


def test_one_version_everywhere():
    version = parse_package(ROOT).version
    changelog = (ROOT / 'CHANGELOG.rst').read_text()
    assert re.search(r'^(\d+\.\d+\.\d+) \(', changelog, re.MULTILINE).group(1) == version
    assert metadata.version(NAME) == version


def test_manifest_names_every_import_and_nothing_else():
    manifest = parse_package(ROOT)
    declared = {d.name for d in [*manifest.exec_depends, *manifest.build_export_depends]}
    used = (imports_of(ROOT / NAME) | imports_of(ROOT / 'launch')) - OPTIONAL_IMPORTS
    missing = {ROSDEP_KEYS.get(module, module) for module in used} - declared
    assert missing == set()

    python_keys = {ROSDEP_KEYS.get(m, m) for m in used | OPTIONAL_IMPORTS}
    messages = (ROOT / 'CMakeLists.txt').read_text()
    not_python = {'rosidl_default_runtime', 'rviz2'}
    unused = {d for d in declared - python_keys - not_python if d not in messages}
    assert unused == set()


def test_manifest_names_what_cmake_finds():
    manifest = parse_package(ROOT)
    declared = {d.name for d in [
        *manifest.build_depends, *manifest.buildtool_depends, *manifest.test_depends]}
    found = re.findall(r'find_package\((\w+)', (ROOT / 'CMakeLists.txt').read_text())
    ours_or_cmakes = {'Python3', 'Threads', 'pybind11'}
    assert set(found) - ours_or_cmakes - declared == set()


def test_requirements_name_every_import():
    ros = {'rclpy', 'ament_index_python', 'launch', 'launch_ros'}
    interfaces = ('_msgs', '_srvs', '_interfaces')
    used = {m for m in imports_of(ROOT / NAME) if not m.endswith(interfaces)}
    used -= ros | (OPTIONAL_IMPORTS - {'ai_edge_litert'})
    assert {PYPI_NAMES.get(m, m) for m in used} <= requirements('requirements.txt')


def test_pip_and_make_build_with_the_same_requirements():
    project = tomllib.loads((ROOT / 'pyproject.toml').read_text())
    lines = (ROOT / 'requirements-build.txt').read_text().splitlines()
    listed = [line for line in lines if line and not line.startswith('#')]
    assert project['build-system']['requires'] == listed


MESSAGES = {
    'FaceArray': {
        'header': 'std_msgs/Header',
        'faces': 'sequence<face_recon_ros/Face>',
    },
    'Face': {
        'id': 'string',
        'score': 'float',
        'fit_error': 'float',
        'roi': 'sensor_msgs/RegionOfInterest',
        'pose': 'geometry_msgs/PoseWithCovariance',
        'camera_matrix': 'float[12]',
        'shape': 'float[40]',
        'expression': 'float[10]',
        'landmarks': 'face_recon_ros/FaceLandmarks',
        'head_scale': 'float',
        'distance_source': 'uint8',
        'gaze': 'geometry_msgs/Vector3',
        'gaze_sigma_rad': 'float',
        'eye_openness': 'float[2]',
        'blendshapes': 'float[52]',
        'predicted': 'boolean',
    },
    'FaceLandmarks': {
        'scheme': 'uint8',
        'image': 'sequence<geometry_msgs/Point32>',
        'camera': 'sequence<geometry_msgs/Point32>',
    },
}


@pytest.mark.ros
@pytest.mark.parametrize('name', MESSAGES)
def test_message_fields(name):
    message = getattr(importlib.import_module(f'{NAME}.msg'), name)
    assert message.get_fields_and_field_types() == MESSAGES[name]
    message.__import_type_support__()


@pytest.mark.ros
def test_landmark_schemes():
    from face_recon_ros.msg import FaceLandmarks

    assert (FaceLandmarks.IBUG68, FaceLandmarks.DENSE) == (0, 1)


@pytest.mark.ros
def test_tf_messages_are_those_of_every_other_ros_machine():
    # Peers match topics by this hash; this one is of the released geometry2 packages.
    description = install_prefix() / 'share' / 'tf2_msgs' / 'msg' / 'TFMessage.json'
    if not description.is_file():  # an installed ROS 2 has its own
        assert not str(install_prefix()).startswith(sys.prefix)
        return
    hashes = {
        entry['type_name']: entry['hash_string']
        for entry in json.loads(description.read_text())['type_hashes']}
    assert hashes['tf2_msgs/msg/TFMessage'] == (
        'RIHS01_e369d0f05a23ae52508854b66f6aa0437f3449d652e8cbf22d5abe85d020f087')


@pytest.mark.parametrize('folder', ['config', 'launch', 'models', 'samples'])
def test_share_files_are_installed(folder):
    files = [
        path.relative_to(ROOT) for path in (ROOT / folder).rglob('*')
        if path.is_file() and '__pycache__' not in path.parts]
    assert files
    differing = [
        str(file) for file in files
        if not (share() / file).is_file()
        or (share() / file).read_bytes() != (ROOT / file).read_bytes()]
    assert differing == []


def test_nothing_stale_is_installed():
    module = Path(importlib.import_module(NAME).__file__).parent
    generated = {'msg', '_renderer'}
    installed = {
        str(path.relative_to(module)) for path in module.rglob('*.py')
        if path.relative_to(module).parts[0] not in generated}
    assert installed == {
        str(path.relative_to(ROOT / NAME)) for path in (ROOT / NAME).rglob('*.py')}


@pytest.mark.ros
@pytest.mark.parametrize('name', entry_points())
def test_executable_is_installed_and_its_function_exists(name):
    executable = install_prefix() / 'lib' / NAME / name
    assert os.access(executable, os.X_OK)
    shebang, *code = executable.read_text().splitlines()
    assert os.access(shebang.removeprefix('#!'), os.X_OK)

    module, function = entry_points()[name].split(':')
    assert f'from {module} import {function}' in code
    assert callable(getattr(importlib.import_module(module), function))


def test_console_scripts_are_on_the_path_of_a_virtual_environment():
    if install_prefix() == Path(sys.prefix):
        expected = set(entry_points())
    else:  # a colcon workspace: nodes are started by `ros2 run`
        expected = {'face-recon'}
    present = {path.name for path in (install_prefix() / 'bin').iterdir()}
    assert expected <= present


@pytest.mark.parametrize(
    'folder', ['lib/python3.12/site-packages', 'lib/python3/dist-packages', ''])
def test_share_is_found_wherever_pip_puts_it(tmp_path, monkeypatch, folder):
    from face_recon_ros import paths

    monkeypatch.delenv('AMENT_PREFIX_PATH', raising=False)
    monkeypatch.setattr(sys, 'prefix', str(tmp_path / 'elsewhere'))
    monkeypatch.setattr(paths, '__file__', str(tmp_path / folder / NAME / 'paths.py'))
    models = tmp_path / 'share' / NAME / 'models'
    models.mkdir(parents=True)
    assert paths.share_directory() == models.parent
