# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Launch one face_recon node per camera, each in the namespace of its camera.

    ros2 launch face_recon_ros multi_camera.launch.py cameras:=front,rear

Camera 'front' publishes /front/image_raw and /front/camera_info; its faces are on
/front/face_recon/faces and have ids that begin with front_, so that all fit into one TF tree.
On several hosts, launch on each the cameras that are plugged in there.
"""

import os
import re

import yaml
from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.launch_description_sources import load_python_launch_file_as_module

parts = load_python_launch_file_as_module(os.path.join(os.path.dirname(__file__), 'parts.py'))

NAME = re.compile('[A-Za-z][A-Za-z0-9_]*')
PREFIX = 'face_id_prefix'

ARGUMENTS = [
    DeclareLaunchArgument(
        'cameras', description='names of the cameras, joined by commas: their namespaces'
    ),
    parts.argument('namespace', '', 'namespace before those of the cameras'),
    parts.argument(
        'image',
        'image_raw',
        'topic of the images in the namespace of a camera, without /compressed',
    ),
    parts.argument(
        'camera_info', 'camera_info', 'topic of their calibration in the namespace of a camera'
    ),
    parts.argument(
        'depth_image',
        'depth_image',
        'topic of depth images registered to them in the namespace of a camera',
    ),
    parts.PARAMS_FILE,
    parts.argument(
        'params_dir',
        '',
        'folder of files <camera>.yaml, for those cameras that differ: they win over params_file '
        'and over arguments',
    ),
    *parts.PARAMETER_ARGUMENTS,
    *parts.PROCESS_ARGUMENTS,
    parts.rviz_argument('false'),
    *parts.VIEW_ARGUMENTS,
]


def generate_launch_description():
    """Return the launch description."""
    return LaunchDescription([*ARGUMENTS, OpaqueFunction(function=start)])


def start(context):
    """Return one RViz for all cameras, if asked for, and a node for each."""
    given = parts.Given(context)
    cameras = camera_names(given.text('cameras'))
    outer = given.namespace().strip('/')
    values = given.parameters()
    return [
        *parts.rviz(given, outer, values=values, cameras=cameras),
        *(
            camera_node(given, '/'.join(part for part in (outer, camera) if part), camera, values)
            for camera in cameras
        ),
    ]


def camera_names(text):
    """Return the names of the cameras."""
    cameras = [name.strip() for name in text.split(',')]
    for name in cameras:
        if not NAME.fullmatch(name) or cameras.count(name) > 1:
            raise RuntimeError(
                f"cameras is '{text}': give distinct names joined by commas, each a letter, then "
                'letters, digits and _'
            )
    return cameras


def camera_node(given, namespace, camera, values):
    """Return the node of one camera; what its own file sets, arguments do not."""
    common = given.params_file()
    folder = given.folder('params_dir')
    own = os.path.join(folder, f'{camera}.yaml')
    own_files = [own] if folder and os.path.isfile(own) else []
    node = f'/{namespace}/face_recon'
    kept = settings_of(node, own_files)
    values = {name: value for name, value in values.items() if name not in kept}
    # Without a prefix the ids of two cameras would be the same; the node's own ('auto', as in the
    # shipped file) would hold the namespace, too
    if settings_of(node, [common, *own_files]).get(PREFIX) in (None, '', 'auto'):
        values[PREFIX] = f'{camera}_'
    return parts.face_recon_node(
        given, namespace, [common, *own_files], values, parts.camera_remappings(given)
    )


def settings_of(node, files):
    """Return what parameter files set for a node, by the sections whose names fit its name."""
    settings = {}
    for path in files:
        try:
            with open(path) as file:
                content = yaml.safe_load(file)
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise RuntimeError(f'{path}: {" ".join(str(error).split())}') from None
        for pattern, values in sections('', content):
            if not isinstance(values, dict):
                raise RuntimeError(
                    f"{path}: ros__parameters of '{pattern}' is {values}: give names and values"
                )
            if fits(pattern, node):
                settings.update(values)
    return settings


def sections(name, content):
    """Yield names and parameters of the sections of a parameter file, nested namespaces too."""
    if not isinstance(content, dict):
        return
    for key, value in content.items():
        if key == 'ros__parameters':
            yield name, value or {}
        else:
            yield from sections(f'{name}/{str(key).strip("/")}', value)


def fits(pattern, node):
    """Tell whether a section's name, with * for one part of a name and ** for any, is a node's."""
    wildcards = {'*': '/[^/]+', '**': '(/[^/]+)*'}
    names = pattern.strip('/').split('/')
    return re.fullmatch(''.join(wildcards.get(n, '/' + re.escape(n)) for n in names), node)
