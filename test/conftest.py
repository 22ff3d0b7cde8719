# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

import importlib.util
import os
import signal
import sys
from collections import deque
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]

# Helpers beside the tests are not importable by themselves: pytest runs in importlib mode.
sys.path.insert(0, str(Path(__file__).parent))
# Scenes that scripts play, too.
sys.path.append(str(REPOSITORY / 'scripts'))
# The tests use the installed package, `python -m pytest` has put the sources before it.
sys.path[:] = [entry for entry in sys.path if Path(entry or '.').resolve() != REPOSITORY]

import domains  # noqa: E402

# A shell's background job ignores SIGINT, and its children would; tests end some of them by it.
signal.signal(signal.SIGINT, signal.default_int_handler)
# Set before rclpy is imported, inherited by child processes. The range keeps other machines out.
os.environ['ROS_DOMAIN_ID'] = str(domains.claim())
os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'

from without_ros import is_without_ros, ros_files  # noqa: E402

WITHOUT_ROS = is_without_ros()
collect_ignore = ros_files(Path(__file__).parent) if WITHOUT_ROS else []


def pytest_report_header():
    """Say what is left out."""
    return f'without ROS: left out are {" ".join(collect_ignore)}' if WITHOUT_ROS else None


def pytest_collection_modifyitems(config, items):
    """Leave out the tests marked `ros` where there is none."""
    if WITHOUT_ROS:
        left_out = [item for item in items if item.get_closest_marker('ros')]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def _import_from_source_tree(package):
    """Make a package that is not installed importable, but nothing else of the root."""
    folder = REPOSITORY / package
    spec = importlib.util.spec_from_file_location(
        package, folder / '__init__.py', submodule_search_locations=[str(folder)]
    )
    module = importlib.util.module_from_spec(spec)
    sys.modules[package] = module
    spec.loader.exec_module(module)


_import_from_source_tree('model_building')


# Domains that the last files used stay claimed: they are not taken again at once
USED_DOMAINS: deque[int] = deque()
USED_COUNT = 8


@pytest.fixture(scope='module', autouse=True)
def _domain_of_the_file():
    """Give each file a domain: nodes that another's tests have killed are heard for a while."""
    before, own = os.environ['ROS_DOMAIN_ID'], domains.claim()
    os.environ['ROS_DOMAIN_ID'] = str(own)
    yield
    os.environ['ROS_DOMAIN_ID'] = before
    USED_DOMAINS.append(own)
    if len(USED_DOMAINS) > USED_COUNT:
        domains.release(USED_DOMAINS.popleft())


@pytest.fixture(scope='session', autouse=True)
def _elsewhere(tmp_path_factory):
    """Run in another folder than the repository: `python -m` would import its sources."""
    before = os.getcwd()
    os.chdir(tmp_path_factory.mktemp('elsewhere'))
    yield
    os.chdir(before)


@pytest.fixture(scope='session')
def portrait():
    """Return the sample portrait (512, 512, 3) uint8 BGR: one frontal face, upright."""
    from face_recon_ros.io.image_files import read_image
    from face_recon_ros.paths import share_directory

    image = read_image(share_directory() / 'samples' / 'astronaut.png')
    image.flags.writeable = False
    return image


@pytest.fixture(scope='session')
def model():
    """Return the shipped face model."""
    from face_recon_ros.face_model.model import FaceModel

    return FaceModel()


@pytest.fixture(scope='session')
def shared_data():
    """Return the folder of labelled photos and clips, which is not part of the repository."""
    folder = REPOSITORY.parent / 'shared'
    if not (folder / 'data').is_dir():
        pytest.skip('needs the development data in ../shared, which is not here')
    return folder


@pytest.fixture(scope='session')
def image():
    """Return what the sample camera sees of the portrait held still, 640 x 480."""
    from node_process import CAMERA, HEIGHT, WIDTH

    from face_recon_ros.tools.sample_motion import STILL
    from face_recon_ros.tools.sources import PortraitSource

    image = PortraitSource(WIDTH, HEIGHT)._portrait.view(CAMERA, STILL)
    image.flags.writeable = False
    return image


@pytest.fixture
def peer():
    """Return a peer of the node under test, closed afterwards."""
    from node_process import Peer

    peer = Peer()
    yield peer
    peer.close()


@pytest.fixture
def make_node():
    """Return a function that makes a node in this process as its command line would make it."""
    import rclpy

    made = []

    def make(kind, ros_arguments):
        rclpy.init(args=ros_arguments)
        node = kind()
        made.append(node)
        return node

    yield make
    for node in made:
        if hasattr(node, 'close'):
            node.close()
        node.destroy_node()
    rclpy.try_shutdown()
