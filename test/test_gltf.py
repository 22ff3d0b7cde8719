# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A clip as glTF: read back by a strict reader of its own, and by pygltflib where it is."""

import copy
import csv
import json
import struct
import tracemalloc
import weakref
from dataclasses import replace

import numpy as np
import pytest

from face_recon_ros import Pipeline
from face_recon_ros.cli import main
from face_recon_ros.errors import OutputError
from face_recon_ros.io.outputs import is_own
from face_recon_ros.io.video_writing import VideoWriter
from face_recon_ros.pose import MetricPose
from face_recon_ros.rendering.gltf import ClipFace, clip_writer, write_clip
from face_recon_ros.rotations import rotation_about

WIDTHS = {'SCALAR': 1, 'VEC3': 3, 'VEC4': 4}
TYPES = {5121: np.uint8, 5123: np.uint16, 5125: np.uint32, 5126: np.float32}


class Glb:
    """A .glb, every length and offset of it checked against the format."""

    def __init__(self, path):
        data = path.read_bytes()
        magic, version, length = struct.unpack_from('<4sII', data)
        assert (magic, version, length) == (b'glTF', 2, len(data))
        size, kind = struct.unpack_from('<I4s', data, 12)
        assert kind == b'JSON'
        assert size % 4 == 0
        self.tree = json.loads(data[20 : 20 + size])
        length, kind = struct.unpack_from('<I4s', data, 20 + size)
        assert kind == b'BIN\0'
        self.bytes = data[28 + size :]
        assert length == len(self.bytes) == self.tree['buffers'][0]['byteLength']

    def view(self, index, kind, count, width):
        view = self.tree['bufferViews'][index]
        need = count * width * np.dtype(kind).itemsize
        assert view['byteLength'] == need
        assert view['byteOffset'] % 4 == 0
        assert view['byteOffset'] + need <= len(self.bytes)
        part = self.bytes[view['byteOffset'] : view['byteOffset'] + need]
        return np.frombuffer(part, kind).reshape(count, width)

    def array(self, index):
        accessor = self.tree['accessors'][index]
        kind, width = TYPES[accessor['componentType']], WIDTHS[accessor['type']]
        values = np.zeros((accessor['count'], width), kind)
        if 'bufferView' in accessor:
            values = self.view(accessor['bufferView'], kind, accessor['count'], width)
        if 'sparse' in accessor:
            sparse = accessor['sparse']
            count, places = sparse['count'], sparse['indices']
            at = self.view(
                places['bufferView'], TYPES[places['componentType']], count, 1).ravel()
            assert (np.diff(at.astype(int)) > 0).all()
            assert at.max() < accessor['count']
            values = values.copy()
            values[at] = self.view(sparse['values']['bufferView'], kind, count, width)
        for name, end in (('min', values.min), ('max', values.max)):
            if name in accessor:
                np.testing.assert_allclose(accessor[name], end(axis=0), atol=1e-6)
        return values


def motions(glb):
    """Return the samplers of what moves faces: translation, rotation, weights of each."""
    (animation,) = glb.tree['animations']
    return [animation['samplers'][channel['sampler']] for channel in animation['channels']
            if channel['target']['path'] != 'scale']  # fmt: skip


def sights(glb):
    """Return when each node comes in sight and goes, by the node: (time, whether it is seen)."""
    (animation,) = glb.tree['animations']
    found = {}
    for channel in animation['channels']:
        if channel['target']['path'] != 'scale':
            continue
        sampler, node = animation['samplers'][channel['sampler']], channel['target']['node']
        assert sampler['interpolation'] == 'STEP'
        assert {'min', 'max'} <= set(glb.tree['accessors'][sampler['input']])
        times, scales = glb.array(sampler['input'])[:, 0], glb.array(sampler['output'])
        assert (np.diff(times) > 0).all()
        full = np.float32(glb.tree['nodes'][node]['scale'])
        assert all((scale == full).all() or not scale.any() for scale in scales)
        found[node] = [
            (float(time), bool(scale.any())) for time, scale in zip(times, scales, strict=True)]
    return found


@pytest.fixture(scope='module')
def face(portrait):
    (found,) = Pipeline().detect(portrait)
    return replace(found, id='f1', blendshapes=np.linspace(0, 1, 52))


@pytest.fixture(scope='module')
def written(face, model, tmp_path_factory):
    path = tmp_path_factory.mktemp('gltf') / 'clip.glb'
    track = ClipFace()
    turned = rotation_about('y', 0.4) @ face.pose.rotation
    track.add(5.0, face)
    track.add(5.0, replace(face, blendshapes=np.zeros(52)))  # of the same time
    track.add(5.5, replace(face, blendshapes=np.full(52, np.nan)))
    track.add(6.0, replace(
        face, blendshapes=np.full(52, 0.5), pose=MetricPose(turned, np.array([0.1, 0.2, 0.9]))))
    other = ClipFace()
    other.add(5.5, replace(face, id='f2'))
    write_clip(path, model, {'f1': track, 'f2': other, 'f3': ClipFace()})
    return path


def test_the_mesh_and_its_morph_targets(written, model):
    glb = Glb(written)
    assert glb.tree['asset']['version'] == '2.0'
    assert [node['name'] for node in glb.tree['nodes']] == ['face_f1', 'face_f2']
    mesh = glb.tree['meshes'][0]
    (primitive,) = mesh['primitives']
    assert len(primitive['targets']) == len(mesh['weights']) == 52
    names = mesh['extras']['targetNames']
    assert (names[0], names[17], names[51]) == ('eyeBlinkLeft', 'jawOpen', 'tongueOut')
    triangles = glb.array(primitive['indices']).reshape(-1, 3)
    np.testing.assert_array_equal(triangles, model.triangles)
    points = glb.array(primitive['attributes']['POSITION'])
    assert points.shape == (38400, 3)
    normals = glb.array(primitive['attributes']['NORMAL'])
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1, atol=1e-5)
    nose = model.landmarks_68.mean[30]
    at_nose = np.linalg.norm(model.mean - nose, axis=1).argmin()
    assert normals[at_nose, 2] > 0.5  # towards the viewer
    for place, name in ((17, 'jawOpen'), (0, 'eyeBlinkLeft'), (23, 'mouthSmileLeft')):
        moves = glb.array(primitive['targets'][place]['POSITION'])
        expected = model.vertices(blendshapes={name: 1.0}) - model.mean
        np.testing.assert_allclose(moves, expected, atol=1e-6)


def test_a_vertex_without_triangles_has_a_normal_too(face, model, tmp_path, monkeypatch):
    monkeypatch.setattr(model, 'triangles', model.triangles[(model.triangles != 7).all(axis=1)])
    track = ClipFace()
    track.add(0.0, face)
    write_clip(tmp_path / 'clip.glb', model, {'f1': track})
    glb = Glb(tmp_path / 'clip.glb')
    normals = glb.array(glb.tree['meshes'][0]['primitives'][0]['attributes']['NORMAL'])
    np.testing.assert_array_equal(normals[7], [0, 0, 1])
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1, atol=1e-5)


def test_the_motion(written, face):
    glb = Glb(written)
    (animation,) = glb.tree['animations']
    outputs = {}
    for channel in animation['channels']:
        sampler = animation['samplers'][channel['sampler']]
        if channel['target']['path'] == 'scale':
            continue
        if channel['target']['node'] == 0:
            np.testing.assert_allclose(glb.array(sampler['input']).ravel(), [0.0, 0.5, 1.0])
            outputs[channel['target']['path']] = glb.array(sampler['output'])
        else:
            np.testing.assert_allclose(glb.array(sampler['input']).ravel(), [0.5])
    # y up, towards the viewer: the camera looks along -z
    x, y, z = face.pose.translation_m
    np.testing.assert_allclose(outputs['translation'][0], [x, -y, -z], rtol=1e-6)
    np.testing.assert_allclose(outputs['translation'][2], [0.1, -0.2, -0.9], rtol=1e-6)
    assert outputs['rotation'].shape == (3, 4)
    np.testing.assert_allclose(np.linalg.norm(outputs['rotation'], axis=1), 1, atol=1e-6)
    between = abs(outputs['rotation'][0] @ outputs['rotation'][2])
    assert 2 * np.arccos(between) == pytest.approx(0.4, abs=1e-3)
    weights = outputs['weights'].reshape(3, 52)
    np.testing.assert_allclose(weights[0], np.linspace(0, 1, 52), atol=1e-6)
    np.testing.assert_allclose(weights[1], weights[0])  # not known: as before
    np.testing.assert_allclose(weights[2], 0.5)


def test_the_mesh_stands_where_the_face_is(written, face, model):
    """The nodes' transforms take the model's sellion and chin to the face's, in the camera."""
    glb = Glb(written)
    node = glb.tree['nodes'][0]
    animation = glb.tree['animations'][0]
    channels = {c['target']['path']: animation['samplers'][c['sampler']]['output']
                for c in animation['channels'] if c['target']['node'] == 0}
    x, y, z, w = glb.array(channels['rotation'])[0]
    rotation = np.array([
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ])
    move = glb.array(channels['translation'])[0]
    points = glb.array(glb.tree['meshes'][0]['primitives'][0]['attributes']['POSITION'])
    placed = node['scale'][0] * model.embed_68(points) @ rotation.T + move
    found = face.landmarks_m * [1, -1, -1]
    # without the expression: eyes and nose alone are compared
    assert np.linalg.norm(placed[27:48] - found[27:48], axis=1).mean() < 0.006


def test_colours_are_linear_light(written, model):
    """As the format has those of vertices: who shows them makes sRGB of them again."""
    glb = Glb(written)
    mesh = glb.tree['meshes'][0]['primitives'][0]
    accessor = glb.tree['accessors'][mesh['attributes']['COLOR_0']]
    assert accessor['normalized'] is True
    light = glb.array(mesh['attributes']['COLOR_0']) / 65535
    np.testing.assert_array_equal(light[:, 3], 1)
    shown = 255 * np.where(
        light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    np.testing.assert_allclose(shown[:, 2::-1], model.colors, atol=0.2)


def test_time_runs_from_the_first_image(face, model, tmp_path):
    path = tmp_path / 'clip.glb'
    with clip_writer(path, model) as clip:
        for stamp_s in (7.0, 8.0, 9.5):
            clip.see(stamp_s)
            if stamp_s > 8:
                clip['f1'].add(stamp_s, face)
    glb = Glb(path)
    for sampler in motions(glb):
        np.testing.assert_array_equal(glb.array(sampler['input']), [[2.5]])


def test_stamps_that_go_back_give_no_time_before_the_start(face, model, tmp_path):
    path = tmp_path / 'clip.glb'
    with clip_writer(path, model) as clip:
        for stamp_s in (7.0, 7.5, 1.0):  # a clock that was set
            clip.see(stamp_s)
            clip[f'f{stamp_s}'].add(stamp_s, face)
    glb = Glb(path)
    assert [glb.array(s['input'])[0, 0] for s in motions(glb)[::3]] == [6.0, 6.5, 0.0]
    assert sights(glb) == {
        0: [(0.0, False), (6.0, True), (6.5, False)],
        1: [(0.0, False), (6.5, True)],
        2: [(0.0, True), (6.0, False)],
    }


@pytest.mark.parametrize(('times_s', 'expected'), [
    ((1.0, 2.0), [(0.0, False), (1.0, True), (2.25, False)]),
    ((0.0, 1.0), [(0.0, True), (1.25, False)]),
    ((1.0, 3.0), [(0.0, False), (1.0, True)]),
    ((0.0, 3.0), None),
])  # fmt: skip
def test_a_face_is_there_in_its_time_alone(face, model, tmp_path, times_s, expected):
    """Before, and from the first image on that it is missing in, its node has no size."""
    path = tmp_path / 'clip.glb'
    with clip_writer(path, model) as clip:
        for stamp_s in np.arange(5.0, 8.25, 0.25):
            clip.see(stamp_s)
            if times_s[0] <= stamp_s - 5.0 <= times_s[1]:
                clip['f1'].add(stamp_s, face)
    glb = Glb(path)
    assert sights(glb).get(0) == expected
    assert glb.tree['nodes'][0]['scale'] == [pytest.approx(face.head_scale)] * 3


def test_a_face_that_is_lost_for_long_is_hidden(face, model, tmp_path):
    """For half a second it is moved on, as if it had been seen."""
    path = tmp_path / 'clip.glb'
    with clip_writer(path, model) as clip:
        for stamp_s in np.arange(0.0, 5.0, 0.25):
            clip.see(stamp_s)
            if not 1.0 <= stamp_s < 1.5 and not 3.0 <= stamp_s < 4.0:
                clip['f1'].add(stamp_s, face)
    assert sights(Glb(path)) == {0: [(0.0, True), (3.0, False), (4.0, True)]}


def test_images_far_apart_hide_no_face(face, model, tmp_path):
    path = tmp_path / 'clip.glb'
    with clip_writer(path, model) as clip:
        for stamp_s in (0.0, 10.0, 20.0):
            clip.see(stamp_s)
            clip['f1'].add(stamp_s, face)
    assert sights(Glb(path)) == {}


def test_a_turn_without_a_jump_of_sign(face, model, tmp_path):
    track = ClipFace()
    for number in range(13):
        turned = rotation_about('x', number * np.pi / 6) @ face.pose.rotation
        pose = MetricPose(turned, face.pose.translation_m)
        track.add(number / 30, replace(face, pose=pose))
    write_clip(tmp_path / 'a.glb', model, {'f1': track})
    glb = Glb(tmp_path / 'a.glb')
    turns = glb.array(glb.tree['animations'][0]['samplers'][1]['output'])
    assert len(turns) == 13
    assert ((turns[1:] * turns[:-1]).sum(axis=1) > 0.9).all()


def test_a_long_clip_needs_little_memory(face):
    """A quarter of an hour at 30 Hz in 16 MB: no faces are kept, with all that they hold."""
    track = ClipFace()
    shown = [copy.deepcopy(face) for _ in range(200)]
    tracemalloc.start()
    for number, each in enumerate(shown):
        track.add(number / 30, each)
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size / len(shown) < 600
    kept = weakref.ref(shown[0].landmarks_px)
    del shown, each
    assert kept() is None


def test_a_reader_of_the_format_reads_it(written):
    pygltflib = pytest.importorskip('pygltflib')
    tree = pygltflib.GLTF2().load(str(written))
    assert len(tree.meshes) == 2
    assert len(tree.meshes[0].primitives[0].targets) == 52
    assert len(tree.animations[0].channels) == 7


def test_a_clip_without_a_face_is_told(tmp_path, model):
    with pytest.raises(OutputError, match='no face'):
        write_clip(tmp_path / 'a.glb', model, {'f1': ClipFace()})
    assert not (tmp_path / 'a.glb').exists()


def test_the_command(tmp_path, portrait, capfd):
    clip, out = tmp_path / 'clip.mp4', tmp_path / 'faces.glb'
    writer = VideoWriter(clip, 15.0)
    for _ in range(5):
        writer.write(np.full_like(portrait, 128))
    for shift in range(0, 24, 4):
        writer.write(np.roll(portrait, shift, axis=1))
    writer.close()
    table = tmp_path / 'faces.csv'
    assert main(['video', str(clip), '--gltf', str(out), '--csv', str(table)]) == 0
    with table.open(newline='') as file:
        times_s = [float(row['time_s']) for row in csv.DictReader(file)]
    assert times_s[0] > 0.3
    written = Glb(out)
    for sampler in motions(written):  # beside the video as it is
        np.testing.assert_allclose(written.array(sampler['input'])[:, 0], times_s, atol=1e-5)
    assert sights(written) == {0: [(0.0, False), (pytest.approx(times_s[0]), True)]}
    assert is_own(out)
    assert main(['video', str(clip), '--gltf', str(out)]) == 0  # its own file is replaced
    weights = Glb(out).tree['animations'][0]
    assert {c['target']['path'] for c in weights['channels']} == {
        'translation', 'rotation', 'weights', 'scale'}
    capfd.readouterr()
    assert main(['video', str(clip), '--gltf', str(tmp_path / 'faces.obj')]) == 1
    assert '.glb' in capfd.readouterr().err
