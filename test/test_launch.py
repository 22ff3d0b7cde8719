# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
The launch files, held against the nodes they start, and the parameter file.

Executed with a stand-in for launch and launch_ros here; with those themselves, and for real, in
test_launch_real.py where they are installed.
"""

import os

import launch_stand_in
import pytest
import rclpy
import rclpy.exceptions
import yaml
from ament_index_python import packages
from launch_stand_in import LAUNCH, LaunchFile, command_line
from rclpy.parameter import parameter_value_to_python
from rclpy.parameter_client import AsyncParameterClient
from rclpy.qos import ReliabilityPolicy

from face_recon_ros.nodes.node import FaceReconNode
from face_recon_ros.nodes.parameters import DECLARATIONS
from face_recon_ros.paths import share_directory
from face_recon_ros.tools.depth_sensors import SENSORS
from face_recon_ros.tools.sample_camera_node import NO_SENSOR, SampleCameraNode

CONFIG = share_directory() / 'config'
LIB = share_directory().parents[1] / 'lib' / 'face_recon_ros'  # where launch looks for executables
FILES = sorted(p.name.removesuffix('.launch.py') for p in LAUNCH.glob('*.launch.py'))


@pytest.fixture
def launch_file(monkeypatch):
    """Return a function: name of a launch file -> that file, where RViz is installed."""
    launch_stand_in.install(monkeypatch)
    rviz_is(monkeypatch, '/opt/ros/test')
    return LaunchFile


@pytest.fixture
def launch_file_without_rviz(monkeypatch):
    """Return a function: name of a launch file -> that file, where RViz is not installed."""
    launch_stand_in.install(monkeypatch)
    rviz_is(monkeypatch, None)
    monkeypatch.setenv('ROS_DISTRO', 'jazzy')
    return LaunchFile


def rviz_is(monkeypatch, prefix):
    """Let the package rviz2 be in a prefix, or nowhere, whatever is installed."""

    def find(name):
        if name == 'rviz2' and prefix is None:
            raise packages.PackageNotFoundError(name)
        return prefix if name == 'rviz2' else real(name)

    real = packages.get_package_prefix
    monkeypatch.setattr(packages, 'get_package_prefix', find)


@pytest.fixture
def started(make_node, tmp_path):
    """Return a function that makes the node that a launch file starts; one at a time."""

    def start(file, executable='face_recon_node', **given):
        (node,) = (n for n in file.start(**given) if n['executable'] == executable)
        kind = {'face_recon_node': FaceReconNode, 'sample_camera': SampleCameraNode}[executable]
        rclpy.try_shutdown()
        return make_node(kind, command_line(node, tmp_path))

    return start


def topics_of(node):
    publishers = {p.topic_name for p in node.publishers}
    subscriptions = {s.topic_name for s in node.subscriptions}
    return publishers, subscriptions


def write_parameters(path, section='/**/face_recon', **values):
    path.write_text(yaml.safe_dump({section: {'ros__parameters': values}}))
    return str(path)


REQUIRED = {'multi_camera': {'cameras': 'front'}}


# --- arguments ---------------------------------------------------------------------


def test_all_are_installed():
    assert FILES == ['demo', 'face_recon', 'multi_camera']


@pytest.mark.parametrize('name', FILES)
def test_arguments_are_described_and_used(launch_file, name):
    file = launch_file(name)
    file.start(**REQUIRED.get(name, {}), rviz='true')
    assert file.asked == set(file.arguments)
    for argument, declared in file.arguments.items():
        assert len(declared['description']) > 20, argument


ARGUMENTS = {
    'face_recon': {
        'image', 'camera_info', 'depth_image', 'namespace', 'params_file', 'image_transport',
        'autostart', 'use_sim_time', 'log_level', 'respawn', 'rviz', 'rviz_config', 'fixed_frame',
    },
    'multi_camera': {
        'cameras', 'image', 'camera_info', 'depth_image', 'namespace', 'params_file', 'params_dir',
        'image_transport', 'autostart', 'use_sim_time', 'log_level', 'respawn', 'rviz',
        'rviz_config', 'fixed_frame',
    },
    # no topics and no transport: they are the sample camera's
    'demo': {
        'source', 'depth_sensor', 'namespace', 'params_file', 'log_level', 'respawn', 'rviz',
        'rviz_config', 'fixed_frame',
    },
}  # fmt: skip


@pytest.mark.parametrize('name', FILES)
def test_promised_arguments(launch_file, name):
    assert set(launch_file(name).arguments) == ARGUMENTS[name]


@pytest.mark.parametrize('name', FILES)
def test_executables_are_installed(launch_file, name):
    for node in launch_file(name).start(**REQUIRED.get(name, {}), rviz='true'):
        assert node['package'] == 'face_recon_ros'
        assert os.access(LIB / node['executable'], os.X_OK)


@pytest.mark.parametrize(
    ('given', 'message'),
    [
        ({'autostart': 'yes'}, "autostart is 'yes': use true or false"),
        ({'use_sim_time': '2'}, "use_sim_time is '2': use true or false"),
        ({'respawn': 'always'}, "respawn is 'always': use true or false"),
        ({'rviz': 'on'}, "rviz is 'on': use true or false"),
        ({'image_transport': 'theora'}, "image_transport is 'theora': use raw or compressed"),
        (
            {'log_level': 'loud'},
            "log_level is 'loud': use debug or info or warn or error or fatal",
        ),
        ({'params_file': '/no/my.yaml'}, "params_file is '/no/my.yaml': there is no such file"),
        (
            {'rviz': 'true', 'rviz_config': '/no/my.rviz'},
            "rviz_config is '/no/my.rviz': there is no such file",
        ),
        (
            {'params_file': str(CONFIG)},
            f"params_file is '{CONFIG}': this is a folder, give a file",
        ),
        (
            {'rviz': 'true', 'rviz_config': str(CONFIG)},
            f"rviz_config is '{CONFIG}': this is a folder, give a file",
        ),
    ],
)
def test_a_bad_argument_is_refused_in_one_line(launch_file, given, message):
    assert refusal_of(launch_file('face_recon'), **given) == message


def refusal_of(file, **given):
    with pytest.raises(RuntimeError) as refusal:
        file.start(**given)
    return str(refusal.value)


@pytest.mark.parametrize('topic', ['', '/', '/camera/image/', 'a//b', '1st', '/a b', 'a\n', '~x'])
@pytest.mark.parametrize('argument', ['image', 'camera_info', 'depth_image'])
@pytest.mark.parametrize('name', ['face_recon', 'multi_camera'])
def test_what_is_no_topic_is_refused(launch_file, name, argument, topic):
    said = refusal_of(launch_file(name), **REQUIRED.get(name, {}), **{argument: topic})
    assert said.startswith(f"{argument} is '{topic}': give a topic, as /camera/{argument}: ")


@pytest.mark.parametrize('topic', ['image', '/image', '~/image', '_a/b_1', '/camera/image_raw'])
def test_names_of_topics_are_taken(launch_file, topic):
    (node,) = launch_file('face_recon').start(image=topic)
    assert ('image', topic) in node['remappings']


@pytest.mark.parametrize('name', FILES)
def test_a_namespace_that_is_none_is_refused(launch_file, name):
    for namespace in ('1st', 'a b', 'a//b', '//'):
        with pytest.raises(RuntimeError, match=f"namespace is '{namespace}': give names joined"):
            launch_file(name).start(**REQUIRED.get(name, {}), rviz='false', namespace=namespace)


@pytest.mark.parametrize('namespace', ['', '/', '/a/b/', 'a'])
def test_names_of_namespaces_are_taken(launch_file, namespace):
    (node,) = launch_file('face_recon').start(namespace=namespace)
    assert node['namespace'] == namespace


@pytest.mark.parametrize('name', FILES)
def test_an_empty_parameter_file_is_the_shipped_one(launch_file, name):
    nodes = launch_file(name).start(**REQUIRED.get(name, {}), rviz='false', params_file='')
    assert all(node['parameters'][0] == str(CONFIG / 'face_recon.yaml') for node in nodes)


# --- one camera --------------------------------------------------------------------


def test_the_node_launch_starts(launch_file, started):
    node = started(
        launch_file('face_recon'),
        namespace='robot', image='/cam/image_raw', camera_info='/cam/info', use_sim_time='true',
        depth_image='/cam/depth', image_transport='compressed',
    )  # fmt: skip
    assert node.get_fully_qualified_name() == '/robot/face_recon'
    publishers, subscriptions = topics_of(node)
    assert {'/cam/image_raw/compressed', '/cam/info', '/cam/depth'} <= subscriptions
    assert publishers >= {f'/robot/face_recon/{t}' for t in OUTPUTS} | {'/tf', '/diagnostics'}
    assert node.get_parameter('use_sim_time').value
    assert node.get_parameter('autostart').value


OUTPUTS = ('faces', 'poses', 'markers', 'mesh_image', 'overlay_image', 'depth_image', 'points')


def test_the_camera_the_demo_starts_feeds_the_node_it_starts(launch_file, started, tmp_path):
    file = write_parameters(tmp_path / 'my.yaml', image_transport='compressed')
    published, _ = topics_of(
        started(launch_file('demo'), 'sample_camera', params_file=file, rviz='false')
    )
    _, subscribed = topics_of(started(launch_file('demo'), params_file=file, rviz='false'))
    assert {'/image', '/camera_info'} <= published & subscribed


def test_the_demo_s_head_has_depth(launch_file, started, tmp_path):
    demo = launch_file('demo')
    camera = started(demo, 'sample_camera', source='head', depth_sensor='ideal', rviz='false')
    assert camera.get_parameter('depth_sensor').value == 'ideal'
    published, _ = topics_of(camera)
    _, subscribed = topics_of(started(demo, rviz='false'))
    assert '/depth_image' in published & subscribed


def test_the_demo_s_source_is_the_file_s_where_none_is_given(launch_file, started, tmp_path):
    path = str(share_directory() / 'samples' / 'astronaut.png')
    file = write_parameters(tmp_path / 'my.yaml', '/**/sample_camera', source=path)
    demo = launch_file('demo')
    camera = started(demo, 'sample_camera', params_file=file, rviz='false')
    assert camera.get_parameter('source').value == path
    camera = started(demo, 'sample_camera', params_file=file, rviz='false', source='portrait')
    assert camera.get_parameter('source').value == 'portrait'


def test_the_demo_refuses_a_source_or_sensor_that_is_not_there(launch_file):
    demo = launch_file('demo')
    assert refusal_of(demo, source='/no/my.mp4') == (
        "source is '/no/my.mp4': there is no such file; or use portrait or head"
    )
    said = refusal_of(demo, source='head', depth_sensor='lidar')
    assert said.startswith("depth_sensor is 'lidar': use none or ideal or ")


@pytest.mark.parametrize('sensor', [NO_SENSOR, *SENSORS])
def test_the_demo_knows_all_depth_sensors(launch_file, sensor):
    assert launch_file('demo').start(source='head', depth_sensor=sensor)


def test_the_demo_finds_a_source_in_the_home_folder(launch_file, tmp_path, monkeypatch):
    monkeypatch.setenv('HOME', str(tmp_path))
    (tmp_path / 'my.mp4').touch()
    camera, _ = launch_file('demo').start(source='~/my.mp4', rviz='false')
    (by_node, *_) = (p for p in camera['parameters'] if isinstance(p, dict))
    assert by_node['source'].args[0] == str(tmp_path / 'my.mp4')


OF_THE_FILE = {'image_transport': 'compressed', 'autostart': False, 'use_sim_time': True}


def values_of(node, names):
    return {name: node.get_parameter(name).value for name in names}


@pytest.mark.parametrize(
    'section', ['/**', '/**/face_recon', '/face_recon', '/*'], ids=lambda s: s.replace('/', '_')
)
def test_a_parameter_file_wins_over_arguments_that_were_not_given(
    launch_file, started, tmp_path, section
):
    file = write_parameters(tmp_path / 'my.yaml', section, **OF_THE_FILE)
    assert values_of(started(launch_file('face_recon'), params_file=file), OF_THE_FILE) == (
        OF_THE_FILE
    )


@pytest.mark.parametrize(
    'sections', [
        ['/**'], ['/**/face_recon'], ['/face_recon'], ['/**', '/face_recon'],
        ['/face_recon', '/**'], ['/face_recon', '/**/face_recon'], ['/*', '/**/face_recon'],
    ],
)  # fmt: skip
def test_arguments_that_were_given_win_over_a_parameter_file(
    launch_file, started, tmp_path, sections
):
    path = tmp_path / 'my.yaml'
    content = {name: {'ros__parameters': dict(OF_THE_FILE)} for name in sections}
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    node = started(
        launch_file('face_recon'),
        params_file=str(path), image_transport='raw', autostart='False', use_sim_time='0',
    )  # fmt: skip
    assert values_of(node, OF_THE_FILE) == {
        'image_transport': 'raw', 'autostart': False, 'use_sim_time': False,
    }  # fmt: skip


def test_a_file_is_found_in_the_home_folder(launch_file, started, tmp_path, monkeypatch):
    write_parameters(tmp_path / 'my.yaml', max_faces=3)
    monkeypatch.setenv('HOME', str(tmp_path))
    node = started(launch_file('face_recon'), params_file='~/my.yaml')
    assert node.get_parameter('max_faces').value == 3


@pytest.mark.parametrize('name', FILES)
def test_a_node_that_ended_is_started_again_where_asked_for(launch_file, name):
    for respawn in (False, True):
        nodes = launch_file(name).start(
            **REQUIRED.get(name, {}), rviz='false', respawn=str(respawn).lower()
        )
        (node,) = (n for n in nodes if n['executable'] == 'face_recon_node')
        assert node['respawn'] is respawn
        assert node['respawn_delay'] == 2.0


# --- RViz --------------------------------------------------------------------------


@pytest.mark.parametrize('name', FILES)
def test_without_rviz_nothing_is_started_and_the_remedy_is_named(launch_file_without_rviz, name):
    file = launch_file_without_rviz(name)
    with pytest.raises(RuntimeError) as refusal:
        file.start(**REQUIRED.get(name, {}), rviz='true')
    assert str(refusal.value) == (
        'rviz2 is not installed: sudo apt install ros-jazzy-rviz2, or rviz:=false'
    )
    assert file.start(**REQUIRED.get(name, {}), rviz='false')


def test_rviz_is_started_first_and_sees_the_camera_s_topics(launch_file):
    rviz, node = launch_file('face_recon').start(
        rviz='true', namespace='robot', image='/cam/image_raw', use_sim_time='true'
    )
    assert (rviz['executable'], rviz['namespace']) == ('face_recon_rviz', 'robot')
    assert rviz['arguments'] == []
    assert rviz['parameters'] == [{'use_sim_time': True}]
    remapped = dict(rviz['remappings'])
    assert remapped['image'] == '/cam/image_raw'
    assert remapped['image/compressed'] == '/cam/image_raw/compressed'
    assert node['executable'] == 'face_recon_node'


def test_rviz_takes_a_view_and_a_frame(launch_file, tmp_path):
    view = tmp_path / 'my.rviz'
    view.touch()
    rviz, *_ = launch_file('demo').start(rviz_config=str(view), fixed_frame='base_link')
    assert rviz['arguments'] == ['--display-config', str(view), '--fixed-frame', 'base_link']


def test_one_rviz_shows_all_cameras(launch_file):
    rviz, *nodes = launch_file('multi_camera').start(
        cameras='front, rear', namespace='robot', rviz='true'
    )
    assert rviz['arguments'] == ['--cameras', 'front,rear']
    assert rviz['namespace'] == 'robot'
    assert [node['namespace'] for node in nodes] == ['robot/front', 'robot/rear']


# --- several cameras ---------------------------------------------------------------


def test_each_camera_has_a_node_of_its_own(launch_file, make_node, tmp_path):
    write_parameters(tmp_path / 'rear.yaml', max_faces=3)
    nodes = launch_file('multi_camera').start(
        cameras='front, rear', namespace='/robot', params_dir=str(tmp_path)
    )
    subscribed, offered = {}, {}
    for camera, action in zip(('front', 'rear'), nodes, strict=True):
        node = make_node(FaceReconNode, command_line(action, tmp_path))
        assert node.get_fully_qualified_name() == f'/robot/{camera}/face_recon'
        assert node.get_parameter('face_id_prefix').value == f'{camera}_'
        offered[camera], subscribed[camera] = topics_of(node)
        assert {f'/robot/{camera}/image_raw', f'/robot/{camera}/camera_info'} <= subscribed[camera]
        assert node.get_parameter('max_faces').value == (3 if camera == 'rear' else 8)
        rclpy.shutdown()
    ros_wide = {
        '/tf', '/diagnostics', '/rosout', '/parameter_events', '/humans/faces/tracked',
        '/humans/interactions/gazing',
    }  # fmt: skip
    assert offered['front'] & offered['rear'] <= ros_wide


@pytest.mark.parametrize(
    ('content', 'prefix'),
    [
        # with an empty prefix ids would collide; a copy of the shipped file has auto
        ({'/**': {'ros__parameters': {'face_id_prefix': ''}}}, 'front_'),
        ({'/**': {'ros__parameters': {'face_id_prefix': 'auto'}}}, 'front_'),
        ({'/front/face_recon': {'ros__parameters': {'face_id_prefix': 'left_'}}}, 'left_'),
        ({'front': {'face_recon': {'ros__parameters': {'face_id_prefix': 'left_'}}}}, 'left_'),
        ({'/*/face_recon': {'ros__parameters': {'face_id_prefix': 'my_'}}}, 'my_'),
        ({'/rear/face_recon': {'ros__parameters': {'face_id_prefix': 'back_'}}}, 'front_'),
        ({'/face_recon': {'ros__parameters': {'face_id_prefix': 'my_'}}}, 'front_'),
    ],
)
def test_the_prefix_is_the_camera_s_name_unless_a_file_says_another(
    launch_file, started, tmp_path, content, prefix
):
    path = tmp_path / 'my.yaml'
    path.write_text(yaml.safe_dump(content))
    node = started(launch_file('multi_camera'), cameras='front', params_file=str(path))
    assert node.get_parameter('face_id_prefix').value == prefix


@pytest.mark.parametrize('section', ['/**', '/**/face_recon', '/front/face_recon'])
def test_a_camera_s_own_file_wins_over_arguments(launch_file, started, tmp_path, section):
    own = {'image_transport': 'raw', 'face_id_prefix': 'left_'}
    write_parameters(tmp_path / 'front.yaml', section, **own)
    common = write_parameters(tmp_path / 'my.yaml', image_transport='compressed', autostart=True)
    node = started(
        launch_file('multi_camera'),
        cameras='front', params_file=common, params_dir=str(tmp_path),
        image_transport='compressed', autostart='false',
    )  # fmt: skip
    assert values_of(node, ['image_transport', 'face_id_prefix', 'autostart']) == {
        'image_transport': 'raw', 'face_id_prefix': 'left_', 'autostart': False,
    }  # fmt: skip


@pytest.mark.parametrize('cameras', ['', 'front,front', 'front rear', '1st', 'front,'])
def test_bad_camera_names_are_refused(launch_file, cameras):
    with pytest.raises(RuntimeError, match=f"cameras is '{cameras}': give distinct names"):
        launch_file('multi_camera').start(cameras=cameras)


def test_a_parameter_file_that_is_no_yaml_is_refused_in_one_line(launch_file, tmp_path):
    path = tmp_path / 'my.yaml'
    for content in (b'a: [1\nb: 2', b'a: "\xff"'):
        path.write_bytes(content)
        said = refusal_of(launch_file('multi_camera'), cameras='front', params_file=str(path))
        assert said.startswith(f'{path}: ')
        assert '\n' not in said


def test_parameters_without_names_are_refused(launch_file, tmp_path):
    path = tmp_path / 'my.yaml'
    path.write_text('/**:\n  ros__parameters: [1]\n')
    assert refusal_of(launch_file('multi_camera'), cameras='front', params_file=str(path)) == (
        f"{path}: ros__parameters of '/**' is [1]: give names and values"
    )


def test_a_file_in_place_of_the_cameras_folder_is_refused(launch_file, tmp_path):
    path = write_parameters(tmp_path / 'front.yaml', max_faces=3)
    said = refusal_of(launch_file('multi_camera'), cameras='front', params_dir=path)
    assert said == f"params_dir is '{path}': this is no folder, give one"


# --- the parameter file ------------------------------------------------------------


def test_the_parameter_file_knows_both_nodes(make_node):
    """Every name in the file is a parameter of the node it is for."""
    listed = yaml.safe_load((CONFIG / 'face_recon.yaml').read_text())
    assert set(listed) == {'/**', '/**/sample_camera'}
    assert set(listed['/**']['ros__parameters']) == {d.name for d in DECLARATIONS}
    camera = make_node(
        SampleCameraNode, ['--ros-args', '--params-file', str(CONFIG / 'face_recon.yaml')]
    )
    for name, value in listed['/**/sample_camera']['ros__parameters'].items():
        assert camera.get_parameter(name).value == value


def loaded_by_ros2_param_load(node, name):
    """Return what rclpy's client, which `ros2 param load` uses, sends to a node of that name."""
    sent = []
    client = AsyncParameterClient(node, name)
    client.set_parameters = lambda parameters, callback=None: sent.extend(parameters)
    client.load_parameter_file(str(CONFIG / 'face_recon.yaml'), use_wildcard=True)
    return sent


def of_the_camera():
    """Return the parameters of the sample camera, which rclpy before Kilted sends to any node."""
    listed = yaml.safe_load((CONFIG / 'face_recon.yaml').read_text())
    return set(listed['/**/sample_camera']['ros__parameters'])


@pytest.mark.parametrize('name', ['/face_recon', '/robot/front/face_recon'])
def test_ros2_param_load_takes_the_parameter_file(make_node, name):
    """As rclpy's loader reads it, which knows neither /**/name nor other wildcards."""
    loaded = loaded_by_ros2_param_load(make_node(SampleCameraNode, ['--ros-args']), name)
    values = {p.name: parameter_value_to_python(p.value) for p in loaded}
    own = {n: v for n, v in values.items() if n not in of_the_camera()}
    assert own == {d.name: d.default for d in DECLARATIONS}
    for d in DECLARATIONS:
        assert type(values[d.name]) is type(d.default), d.name


def test_loading_the_parameter_file_changes_nothing_and_is_refused_by_read_only_alone(make_node):
    node = make_node(FaceReconNode, ['--ros-args'])
    refused = set()
    for message in loaded_by_ros2_param_load(node, '/face_recon'):
        parameter = rclpy.parameter.Parameter.from_parameter_msg(message)
        try:
            (result,) = node.set_parameters([parameter])
        except rclpy.exceptions.ParameterNotDeclaredException:
            refused.add(parameter.name)  # as the service of parameters does
            continue
        if not result.successful:
            refused.add(parameter.name)
    assert refused - of_the_camera() == {d.name for d in DECLARATIONS if d.read_only}
    assert not of_the_camera() & {d.name for d in DECLARATIONS}


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
