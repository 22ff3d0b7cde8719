# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Nodes on a machine that lacks what they need: one line, status 1."""

import subprocess
import sys

import pytest
from without_ros import ros_files

PROGRAMS = [
    'face_recon_ros.nodes.face_recon_node', 'face_recon_ros.tools.sample_camera',
    'face_recon_ros.tools.demo']
# Hides a module from the import system, then does what the executable does.
RUN = 'import sys; sys.modules[{hidden!r}] = None; from {program} import main; sys.exit(main([]))'


def refused(program: str, hidden: str) -> str:
    """Return the one line with which a program refuses to start."""
    done = subprocess.run(
        [sys.executable, '-c', RUN.format(program=program, hidden=hidden)],
        capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, '')
    (line,) = done.stderr.splitlines()
    assert line.startswith('error: ')
    return line


@pytest.mark.parametrize('program', PROGRAMS)
def test_without_rclpy_the_line_says_where_it_comes_from(program):
    line = refused(program, 'rclpy')
    assert 'needs rclpy' in line
    assert 'source a ROS 2 installation' in line
    assert '`make setup`' in line


@pytest.mark.ros
@pytest.mark.parametrize('program', PROGRAMS)
def test_without_messages_the_line_says_how_to_build_them(program):
    line = refused(program, 'face_recon_ros.msg')
    assert 'needs the messages of face_recon_ros' in line
    assert 'colcon' in line


def test_the_files_that_import_ros_are_left_out_and_no_others(tmp_path):
    for name, line in {
        'test_node.py': 'import rclpy.qos',
        'test_message.py': 'from std_msgs.msg import Header',
        'test_own.py': 'from face_recon_ros.msg import Face',
        'test_helper.py': 'import node_process',
        'test_package.py': 'from face_recon_ros import nodes',
        'test_late.py': 'def test():\n    import rclpy',
        'test_free.py': 'import face_recon_ros.pose',
    }.items():
        (tmp_path / name).write_text(line + '\n')
    assert ros_files(tmp_path) == [
        'test_helper.py', 'test_message.py', 'test_node.py', 'test_own.py', 'test_package.py']
