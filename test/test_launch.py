"""
The launch files and the RViz view, held against the node they start.

They are executed against a stand-in for the packages launch and launch_ros, which ROS machines
have and PyPI has not; where the real ones are installed, they are loaded by those as well.
"""

import importlib.util
import os
import re
import subprocess
import sys
from types import ModuleType

import pytest
import rclpy
import yaml
from rclpy.qos import ReliabilityPolicy

from face_recon_ros.nodes.node import FaceReconNode
from face_recon_ros.nodes.parameters import DECLARATIONS
from face_recon_ros.nodes.sample_camera_node import SampleCameraNode
from face_recon_ros.paths import share_directory

LAUNCH = share_directory() / 'launch'
CONFIG = share_directory() / 'config'
LIB = share_directory().parents[1] / 'lib' / 'face_recon_ros'  # where launch looks for executables
FILES = sorted(LAUNCH.glob('*.launch.py'))


# --- a stand-in for launch ---------------------------------------------------------


class Thing:
    """Any action or substitution: keeps what it was made of."""

    def __init__(self, kind, *args, **kwargs):
        self.kind, self.args, self.kwargs = kind, args, kwargs

    def text(self, values):
        """Return what a substitution stands for, given the launch arguments."""
        if self.kind == 'LaunchConfiguration':
            return values[self.args[0]]
        if self.kind == 'FindPackageShare':
            assert self.args == ('face_recon_ros',)
            return str(share_directory())
        assert self.kind == 'PathJoinSubstitution'
        return '/'.join(resolve(p, values) for p in self.args[0])

    def perform(self, values):
        """Return the text, as a substitution does of a launch context."""
        return self.text(values)


def resolve(value, values):
    return value.text(values) if isinstance(value, Thing) else value


STAND_INS = {
    'launch': ['LaunchDescription'],
    'launch.actions': ['DeclareLaunchArgument', 'IncludeLaunchDescription', 'OpaqueFunction'],
    'launch.conditions': ['IfCondition'],
    'launch.launch_description_sources': ['PythonLaunchDescriptionSource'],
    'launch.substitutions': ['LaunchConfiguration', 'PathJoinSubstitution'],
    'launch_ros': [],
    'launch_ros.actions': ['Node', 'SetParameter'],
    'launch_ros.substitutions': ['FindPackageShare'],
}


@pytest.fixture
def description(monkeypatch):
    """Return a function: path of a launch file -> its actions."""
    for name, kinds in STAND_INS.items():
        module = ModuleType(name)
        for kind in kinds:
            setattr(module, kind, lambda *a, kind=kind, **k: Thing(kind, *a, **k))
        monkeypatch.setitem(sys.modules, name, module)

    def load(path):
        (actions,) = load_module(path).generate_launch_description().args
        return actions

    return load


def load_module(path):
    spec = importlib.util.spec_from_file_location(path.name.replace('.', '_'), path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def arguments(actions):
    return {a.args[0]: a for a in actions if a.kind == 'DeclareLaunchArgument'}


def defaults(actions):
    declared = arguments(actions)
    return {
        n: resolve(a.kwargs['default_value'], {})
        for n, a in declared.items()
        if 'default_value' in a.kwargs
    }


def nodes(actions):
    return {a.kwargs['executable']: a.kwargs for a in actions if a.kind == 'Node'}


# --- launch files ------------------------------------------------------------------


def test_all_are_installed():
    names = ['demo.launch.py', 'face_recon.launch.py', 'multi_camera.launch.py']
    assert [p.name for p in FILES] == names


@pytest.mark.parametrize('path', FILES, ids=lambda p: p.name)
def test_arguments_are_described_and_used(description, path):
    actions = description(path)
    declared = arguments(actions)
    actions += made_by_functions(actions, cameras='front')
    used = {a for action in actions for a in used_arguments(action)}
    used |= asked_for(path)
    assert used == set(declared)
    for name, argument in declared.items():
        assert len(argument.kwargs['description']) > 5, name
        choices = argument.kwargs.get('choices')
        assert choices is None or argument.kwargs['default_value'] in choices


def made_by_functions(actions, **changes):
    """Return the actions that OpaqueFunctions return, given launch arguments."""
    values = {**defaults(actions), **changes}
    return [
        made
        for action in actions
        if action.kind == 'OpaqueFunction'
        for made in action.kwargs['function'](values)
    ]


def asked_for(path):
    """Return the arguments that a function of a launch file asks for by name."""
    return set(re.findall(r"text\('(\w+)'\)", path.read_text()))


def used_arguments(value):
    if isinstance(value, Thing):
        if value.kind == 'LaunchConfiguration':
            yield value.args[0]
        value = [*value.args, *value.kwargs.values()]
    if isinstance(value, dict):
        value = list(value.values())
    # dict.items() of launch_arguments too
    if not isinstance(value, str) and hasattr(value, '__iter__'):
        for part in value:
            yield from used_arguments(part)


def test_promised_arguments(description):
    declared = set(arguments(description(LAUNCH / 'face_recon.launch.py')))
    assert declared >= {
        'image', 'camera_info', 'namespace', 'params_file', 'use_sim_time', 'log_level', 'rviz',
    }  # fmt: skip


def test_the_demo_passes_on_what_the_node_s_file_takes(description):
    (include,) = (
        a for a in description(LAUNCH / 'demo.launch.py') if a.kind == 'IncludeLaunchDescription'
    )
    included = resolve(include.args[0].args[0], {})
    assert included == str(LAUNCH / 'face_recon.launch.py')
    passed = {name for name, _ in include.kwargs['launch_arguments']}
    assert passed <= set(arguments(description(LAUNCH / 'face_recon.launch.py')))


@pytest.mark.parametrize('path', FILES, ids=lambda p: p.name)
def test_executables_are_installed(description, path):
    for executable, node in nodes(description(path)).items():
        if node['package'] == 'face_recon_ros':
            assert os.access(LIB / executable, os.X_OK)
        else:
            assert (node['package'], executable) == ('rviz2', 'rviz2')


def started(description, path, executable, **changes):
    """Return the command line arguments of a node as launch_ros would give them."""
    actions = description(path)
    values = {**defaults(actions), **changes}
    return command_line(nodes(actions)[executable], actions, values)


def command_line(node, actions, values):
    """Return the command line arguments of a Node action as launch_ros would give them."""
    ros = ['--ros-args', '-r', f'__node:={resolve(node["name"], values)}']
    namespace = resolve(node['namespace'], values)
    if namespace:
        ros += ['-r', f'__ns:=/{namespace}']
    for parameters in node['parameters']:
        if isinstance(parameters, dict):
            for name, value in parameters.items():
                ros += ['-p', f'{name}:={resolve(value, values)}']
        else:
            ros += ['--params-file', resolve(parameters, values)]
    for name, value in node.get('remappings', []):
        ros += ['-r', f'{name}:={resolve(value, values)}']
    for action in actions:
        if action.kind == 'SetParameter':
            ros += ['-p', f'{action.args[0]}:={resolve(action.args[1], values)}']
    for argument in node.get('ros_arguments', []):
        ros.append(resolve(argument, values))
    return ros


@pytest.fixture
def make_node():
    """Return a function that makes a node in this process as launch would make it."""
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


def topics_of(node):
    publishers = {p.topic_name for p in node.publishers}
    subscriptions = {s.topic_name for s in node.subscriptions}
    return publishers, subscriptions


def test_the_node_launch_starts(description, make_node):
    ros = started(
        description, LAUNCH / 'face_recon.launch.py', 'face_recon_node',
        namespace='robot', image='/cam/image_raw', camera_info='/cam/info', use_sim_time='true',
        image_transport='compressed',
    )  # fmt: skip
    assert 'autostart:=true' in ros
    node = make_node(FaceReconNode, ros)
    assert node.get_fully_qualified_name() == '/robot/face_recon'
    publishers, subscriptions = topics_of(node)
    assert {'/cam/image_raw/compressed', '/cam/info'} <= subscriptions
    assert publishers >= {f'/robot/face_recon/{t}' for t in OUTPUTS} | {'/tf', '/diagnostics'}
    assert node.get_parameter('use_sim_time').value


OUTPUTS = ('faces', 'poses', 'markers', 'mesh_image', 'overlay_image', 'depth_image', 'points')


def test_the_camera_the_demo_starts_feeds_the_node_it_starts(description, make_node):
    camera = make_node(
        SampleCameraNode, started(description, LAUNCH / 'demo.launch.py', 'sample_camera')
    )
    published, _ = topics_of(camera)
    rclpy.shutdown()
    node = make_node(
        FaceReconNode,
        started(description, LAUNCH / 'face_recon.launch.py', 'face_recon_node'),
    )
    _, subscribed = topics_of(node)
    assert {'/image', '/camera_info'} <= published & subscribed


def test_the_parameter_file_knows_both_nodes(make_node):
    """Every name in the file is a parameter of the node it is for."""
    listed = yaml.safe_load((CONFIG / 'face_recon.yaml').read_text())
    assert set(listed) == {'/**/face_recon', '/**/sample_camera'}
    assert set(listed['/**/face_recon']['ros__parameters']) == {d.name for d in DECLARATIONS}
    camera = make_node(
        SampleCameraNode, ['--ros-args', '--params-file', str(CONFIG / 'face_recon.yaml')]
    )
    for name, value in listed['/**/sample_camera']['ros__parameters'].items():
        assert camera.get_parameter(name).value == value


def test_qos_can_be_overridden_by_a_parameter_file(make_node, tmp_path):
    """As docs/ros.md and the parameter file show it."""
    overrides = {'/cam/image_raw': {'subscription': {'reliability': 'reliable', 'depth': 3}}}
    file = tmp_path / 'qos.yaml'
    file.write_text(
        yaml.safe_dump({'/**/face_recon': {'ros__parameters': {'qos_overrides': overrides}}})
    )
    node = make_node(
        FaceReconNode,
        ['--ros-args', '-r', 'image:=/cam/image_raw', '--params-file', str(file)],
    )
    qos = {s.topic_name: s.qos_profile for s in node.subscriptions}
    assert qos['/cam/image_raw'].reliability == ReliabilityPolicy.RELIABLE
    assert qos['/cam/image_raw'].depth == 3
    assert qos['/camera_info'].reliability == ReliabilityPolicy.BEST_EFFORT
    assert qos['/camera_info'].depth == 1
    for publisher in node.publishers:
        assert publisher.qos_profile.reliability == ReliabilityPolicy.RELIABLE


# --- several cameras ---------------------------------------------------------------


def test_each_camera_has_a_node_of_its_own(description, make_node, tmp_path):
    (tmp_path / 'rear.yaml').write_text(
        yaml.safe_dump({'/**/face_recon': {'ros__parameters': {'max_faces': 3}}})
    )
    actions = description(LAUNCH / 'multi_camera.launch.py')
    changes = {'cameras': 'front, rear', 'namespace': '/robot', 'params_dir': str(tmp_path)}
    values = {**defaults(actions), **changes}
    made = made_by_functions(actions, **changes)
    assert [m.kind for m in made] == ['Node', 'Node']
    subscribed, offered = {}, {}
    for camera, action in zip(('front', 'rear'), made, strict=True):
        node = make_node(FaceReconNode, command_line(action.kwargs, actions, values))
        assert node.get_fully_qualified_name() == f'/robot/{camera}/face_recon'
        assert node.get_parameter('face_id_prefix').value == f'{camera}_'
        offered[camera], subscribed[camera] = topics_of(node)
        assert {f'/robot/{camera}/image_raw', f'/robot/{camera}/camera_info'} <= subscribed[camera]
        assert node.get_parameter('max_faces').value == (3 if camera == 'rear' else 8)
        rclpy.shutdown()
    ros_wide = {'/tf', '/diagnostics', '/rosout', '/parameter_events', '/humans/faces/tracked'}
    assert offered['front'] & offered['rear'] <= ros_wide


@pytest.mark.parametrize('cameras', ['', 'front,front', 'front rear', '1st', 'front,'])
def test_bad_camera_names_are_refused(description, cameras):
    actions = description(LAUNCH / 'multi_camera.launch.py')
    with pytest.raises(RuntimeError, match=f"cameras is '{cameras}': give distinct names"):
        made_by_functions(actions, cameras=cameras)


# --- with launch itself ------------------------------------------------------------


def test_the_real_launch_loads_them():
    pytest.importorskip('launch_ros', reason='launch_ros is not installed: there is no wheel')
    for path in FILES:
        done = subprocess.run(
            ['ros2', 'launch', str(path), '--show-args'], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        assert 'namespace' in done.stdout


# --- RViz --------------------------------------------------------------------------


def test_rviz_shows_topics_that_exist_with_a_qos_that_fits(make_node):
    node = make_node(FaceReconNode, ['--ros-args'])
    publishers, subscriptions = topics_of(node)
    view = yaml.safe_load((CONFIG / 'face_recon.rviz').read_text())['Visualization Manager']
    displays = {d['Class'].split('/')[1]: d for d in view['Displays']}
    assert {'Image', 'TF', 'MarkerArray'} <= set(displays)
    shown = {}
    for display in view['Displays']:
        if 'Topic' in display:
            topic = display['Topic']
            shown['/' + topic['Value']] = topic['Reliability Policy']
    # a camera may be best effort; a best-effort subscriber receives from either
    assert shown.pop('/image') == 'Best Effort'
    assert '/image' in subscriptions
    assert set(shown) <= publishers
    assert {'/face_recon/mesh_image', '/face_recon/markers'} <= set(shown)
    assert set(shown.values()) == {'Reliable'}


def test_rviz_s_fixed_frame_is_the_sample_camera_s(make_node):
    camera = make_node(SampleCameraNode, ['--ros-args'])
    view = yaml.safe_load((CONFIG / 'face_recon.rviz').read_text())['Visualization Manager']
    assert view['Global Options']['Fixed Frame'] == camera.get_parameter('frame_id').value
