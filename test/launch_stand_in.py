# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
A stand-in for the packages launch and launch_ros, which ROS machines have and PyPI has not.

It executes a launch file as far as the nodes it starts: the arguments that were given, the
functions it calls, and the command lines of its nodes as launch_ros makes them.
"""

import importlib.util
import sys
from dataclasses import dataclass, field
from types import ModuleType

import yaml

from face_recon_ros.paths import share_directory

LAUNCH = share_directory() / 'launch'


class Thing:
    """Any action or substitution: keeps what it was made of."""

    def __init__(self, kind, *args, **kwargs):
        self.kind, self.args, self.kwargs = kind, args, kwargs

    def perform(self, context):
        """Return the text of a substitution in a context: the arguments' values by name."""
        if self.kind == 'LaunchConfiguration':
            return context[self.args[0]]
        if self.kind == 'FindPackageShare':
            assert self.args == ('face_recon_ros',)
            return str(share_directory())
        assert self.kind == 'PathJoinSubstitution'
        return '/'.join(p if isinstance(p, str) else p.perform(context) for p in self.args[0])


KINDS = {
    'launch': ['LaunchDescription'],
    'launch.actions': ['DeclareLaunchArgument', 'OpaqueFunction'],
    'launch.launch_description_sources': [],
    'launch.substitutions': ['LaunchConfiguration', 'PathJoinSubstitution'],
    'launch_ros': [],
    'launch_ros.actions': ['Node'],
    'launch_ros.parameter_descriptions': ['Parameter', 'ParameterValue'],
    'launch_ros.substitutions': ['FindPackageShare'],
}


def install(monkeypatch):
    """Put the stand-in where launch files import from."""
    for name, kinds in KINDS.items():
        module = ModuleType(name)
        for kind in kinds:
            setattr(module, kind, lambda *a, kind=kind, **k: Thing(kind, *a, **k))
        monkeypatch.setitem(sys.modules, name, module)
    sys.modules['launch.launch_description_sources'].load_python_launch_file_as_module = load


def load(path):
    spec = importlib.util.spec_from_file_location('python_launch_file', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass
class Context(dict):
    """The arguments' values by name; remembers which were asked for."""

    asked: set = field(default_factory=set)

    def __getitem__(self, name):
        self.asked.add(name)
        return super().__getitem__(name)


class LaunchFile:
    """A launch file of the package, executed with the stand-in."""

    def __init__(self, name):
        (self._actions,) = load(LAUNCH / f'{name}.launch.py').generate_launch_description().args
        self.arguments = {
            a.args[0]: a.kwargs for a in self._actions if a.kind == 'DeclareLaunchArgument'
        }
        self.asked = set()

    def start(self, **given):
        """Return the nodes that are started: keyword arguments of the actions, in order."""
        assert set(given) <= set(self.arguments)
        context = Context()
        for name, argument in self.arguments.items():
            value = given.get(name, argument.get('default_value'))
            if value is not None:
                context[name] = value if isinstance(value, str) else value.perform({})
        nodes = []
        for action in self._actions:
            if action.kind == 'OpaqueFunction':
                nodes += action.kwargs['function'](context)
        self.asked |= context.asked
        assert all(node.kind == 'Node' for node in nodes)
        return [node.kwargs for node in nodes]


def command_line(node, folder):
    """Return the ROS arguments of a node as launch_ros makes them; its files go into a folder."""
    namespace = '/' + node['namespace'].strip('/')
    ros = ['--ros-args', *node.get('ros_arguments', []), '-r', f'__ns:={namespace}']
    section = '/**'
    if 'name' in node:
        ros += ['-r', f'__node:={node["name"]}']
        section = f'{namespace.rstrip("/")}/{node["name"]}'
    for number, parameters in enumerate(node['parameters']):
        if isinstance(parameters, Thing):
            assert parameters.kind == 'Parameter'
            name, value = parameters.args
            ros += ['-p', f'{name}:={yaml.dump(value)}']
            continue
        if isinstance(parameters, dict):
            values = {n: v.args[0] if isinstance(v, Thing) else v for n, v in parameters.items()}
            path = folder / f'launch_params_{section.replace("/", "_")}_{number}'
            path.write_text(yaml.dump({section: {'ros__parameters': values}}))
            parameters = str(path)
        ros += ['--params-file', parameters]
    for name, value in node.get('remappings', []):
        ros += ['-r', f'{name}:={value}']
    return ros
