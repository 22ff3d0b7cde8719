# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""pip's way into the CMake project that colcon builds.

CMakeLists.txt says what is built and installed; this file runs it and hands the installed tree to
the wheel. Messages are built where this Python has the ROS 2 wheels (`make setup` installs them
first), and only there. FACE_RECON_ROS=ON makes their absence an error, OFF does without them.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import xml.etree.ElementTree as ElementTree
from importlib import metadata, util
from pathlib import Path
from typing import ClassVar

from setuptools import Command, Distribution, setup
from setuptools.command.build import build

ROOT = Path(__file__).resolve().parent
MANIFEST = ElementTree.parse(ROOT / 'package.xml').getroot()
NAME = MANIFEST.findtext('name', '')
SITE_PACKAGES = 'lib/python{}.{}/site-packages'.format(*sys.version_info)
# Message packages that PyPI may lack
UNDERLAY = ('tf2_msgs', 'hri_msgs')


def ros_wheels_prefix() -> Path | None:
    """Return the prefix the ROS 2 wheels are installed in, None without ROS, or exit."""
    wanted = os.environ.get('FACE_RECON_ROS', 'AUTO')
    if wanted not in ('ON', 'OFF', 'AUTO'):
        sys.exit(f"error: FACE_RECON_ROS is '{wanted}': use ON, OFF or AUTO")
    sourced = [Path(p) for p in os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep) if p]
    foreign = [p for p in sourced if p.resolve() != Path(sys.prefix).resolve()]
    if foreign:
        sys.exit(f'error: a ROS 2 installation is sourced ({foreign[0]}): use colcon build, '
                 'or run pip in a shell that has not sourced it')
    if wanted == 'OFF':
        return None
    spec = util.find_spec('ament_package')
    if spec is not None and spec.origin is not None:
        # <prefix>/lib/pythonX.Y/site-packages/ament_package/__init__.py
        return Path(spec.origin).parents[4]
    if wanted == 'ON':
        sys.exit('error: the ROS 2 wheels are missing: pip install -r requirements-ros-kilted.txt '
                 '-r requirements-build.txt, then pip install --no-build-isolation .')
    return None


def wheels_bring(package: str, prefix: Path) -> bool:
    """Tell whether the wheels bring a package; one that this package installed does not count."""
    manifest = prefix / 'share' / package / 'package.xml'
    own = {
        Path(str(file.locate())).resolve()
        for distribution in metadata.distributions(name=NAME)
        for file in distribution.files or ()}
    return manifest.is_file() and manifest.resolve() not in own


def find_tool(name: str) -> str | None:
    """Find a tool of this Python's environment, activated or not, else the system's."""
    return shutil.which(name, path=sysconfig.get_path('scripts')) or shutil.which(name)


def run(command: list[str], env: dict[str, str]) -> None:
    """Run a command of the build; its own output says why it failed."""
    status = subprocess.run(command, env=env, check=False).returncode
    if status != 0:
        sys.exit(f'error: exit status {status} of: {" ".join(command)}')


def forget_other_configuration(binary: Path, configuration: str) -> None:
    """Delete a CMake build folder that another Python, prefix or generator has configured."""
    record = binary / 'configuration.txt'
    if record.is_file() and record.read_text() == configuration:
        return
    shutil.rmtree(binary, ignore_errors=True)
    binary.mkdir(parents=True)
    record.write_text(configuration)


class BuildCMake(Command):
    """Configure, build and install the CMake project into a staging prefix.

    The CMake build folders stay for the next call, so that it compiles only what has changed.
    """

    description = 'run the CMake project'
    user_options: ClassVar[list[tuple[str, str | None, str]]] = []
    editable_mode = False

    def initialize_options(self) -> None:
        self.build_lib = ''
        self.build_temp = ''
        self.outputs: list[str] = []

    def finalize_options(self) -> None:
        build_command = self.get_finalized_command('build')
        self.build_lib = build_command.build_lib
        self.build_temp = build_command.build_temp

    def run(self) -> None:
        if self.editable_mode:
            sys.exit('error: an editable install is not supported: use `make setup`, '
                     'which rebuilds only what has changed')
        prefix = ros_wheels_prefix()
        temp = Path(self.build_temp).resolve()
        staging = temp / 'staging'
        shutil.rmtree(staging, ignore_errors=True)
        shutil.rmtree(self.build_lib, ignore_errors=True)
        for package in UNDERLAY:
            if prefix is not None and not wheels_bring(package, prefix):
                self.cmake(ROOT / 'underlay' / package, temp / package, staging, prefix)
        warnings_are_errors = os.environ.get('FACE_RECON_WERROR', 'OFF')
        self.cmake(ROOT, temp / NAME, staging, prefix,
                   f'-DFACE_RECON_WERROR={warnings_are_errors}',
                   f'-DFACE_RECON_ROS={"OFF" if prefix is None else "ON"}')
        self.collect(staging)

    def cmake(self, source: Path, binary: Path, staging: Path, prefix: Path | None,
              *options: str) -> None:
        """Build one CMake project and install it into the staging prefix."""
        cmake = find_tool('cmake')
        if cmake is None:
            sys.exit('error: cmake is missing: pip install -r requirements-build.txt')
        ninja = find_tool('ninja')
        configure = [
            cmake, '-S', str(source), '-B', str(binary),
            *(['-G', 'Ninja', f'-DCMAKE_MAKE_PROGRAM={ninja}'] if ninja else []),
            '-DCMAKE_BUILD_TYPE=Release',
            '-DBUILD_TESTING=OFF',
            f'-DCMAKE_INSTALL_PREFIX={staging}',
            f'-DPYTHON_INSTALL_DIR={SITE_PACKAGES}',
            f'-DPython3_EXECUTABLE={sys.executable}',
            f'-DPython_EXECUTABLE={sys.executable}',
            *options,
        ]
        env = dict(os.environ)
        if prefix is not None:
            env.update(AMENT_PREFIX_PATH=str(prefix), CMAKE_PREFIX_PATH=str(prefix))
        forget_other_configuration(binary, '\n'.join([*configure, str(prefix)]))
        run(configure, env)
        run([cmake, '--build', str(binary), '--parallel', str(os.cpu_count() or 1)], env)
        run([cmake, '--install', str(binary)], env)

    def collect(self, staging: Path) -> None:
        """Give Python packages to the wheel proper and the rest to its data, i.e. to the prefix.

        bin/ is left out: pip makes the console scripts itself.
        """
        data: dict[str, list[str]] = {}
        for path in sorted(p for p in staging.rglob('*') if p.is_file()):
            relative = path.relative_to(staging)
            if relative.parts[0] == 'bin' or '.egg-info/' in str(relative):
                continue
            if relative.is_relative_to(SITE_PACKAGES):
                target = Path(self.build_lib, relative.relative_to(SITE_PACKAGES))
                self.mkpath(str(target.parent))
                self.copy_file(str(path), str(target))
                self.outputs.append(str(target))
            else:
                data.setdefault(str(relative.parent), []).append(str(path))
        self.distribution.data_files = sorted(data.items())

    def get_outputs(self) -> list[str]:
        return self.outputs

    def get_output_mapping(self) -> dict[str, str]:
        return {}

    def get_source_files(self) -> list[str]:
        return []


class Build(build):
    """The build command, which runs the CMake project first."""

    sub_commands: ClassVar = [('build_cmake', None), *build.sub_commands]


class BinaryDistribution(Distribution):
    """A distribution with compiled parts, which setuptools cannot see by itself."""

    def has_ext_modules(self) -> bool:
        return True


def requirements(name: str) -> list[str]:
    """Return the lines of a requirements file without its comments."""
    lines = (ROOT / name).read_text().splitlines()
    return [line for line in lines if line and not line.startswith('#')]


setup(
    name=NAME,
    version=MANIFEST.findtext('version', ''),
    description=' '.join(MANIFEST.findtext('description', '').split()),
    license=' AND '.join(str(element.text) for element in MANIFEST.iterfind('license')),
    python_requires='>=3.10',
    packages=[],
    install_requires=requirements('requirements.txt'),
    extras_require={'test': requirements('requirements-test.txt')},
    entry_points=(ROOT / 'scripts' / 'entry_points.txt').read_text(),
    cmdclass={'build': Build, 'build_cmake': BuildCMake},
    distclass=BinaryDistribution,
)
