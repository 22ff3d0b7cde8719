# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Write models/face_recon.tflite.

    python -m model_building.network.export --weights RUN/weights.pt [RUN/weights.pt...]

Of several runs from the same start the weights are averaged (Wortsman et al., "Robust
fine-tuning of zero-shot models", 2022): what one run learned of made-up people and the other still
knows of real ones.

The trained weights go back into Face Mesh's own graph, which runs half again as fast as one
converted by litert-torch (that splits PReLUs and transposes); the head and the decoding (see
decoding.py) are appended as operators. The result is compared with PyTorch and NumPy.
"""
from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import torch
from ai_edge_litert import schema_py_generated as schema
from torch import nn

from face_recon_ros.face_model.decoding import ROUNDS, ParameterDecoder
from face_recon_ros.face_model.landmarks import INNER_LIP_PAIRS_468
from face_recon_ros.face_model.lips import CLOSED_LIP_GAP, OPEN_LIP_GAP
from face_recon_ros.face_model.model import FaceModel
from face_recon_ros.face_model.parameters import SCREEN_FROM_MODEL_AXES
from face_recon_ros.paths import model_file
from face_recon_ros.regression.face_mesh import FACE_MESH_FILE
from face_recon_ros.regression.region import CROP_SIDE_M
from face_recon_ros.tflite import Network
from model_building.network.face_mesh_network import SIZE
from model_building.network.model import (
    HEAD_OUTPUTS,
    LEAST_LEVEL,
    SLICES,
    YAW_EXCESS,
    FaceReconNetwork,
)
from model_building.network.tflite_graph import NO_ACTIVATION, VALID, Graph

LANDMARKS = 468
TOLERANCE = 2e-3
"""Largest difference that is let pass, pixels, metres or standard deviations."""
DESCRIPTION = 'face_recon_ros: face crop to 3D morphable model parameters; docs/network.md'


class Writer:
    """Appends operators to a graph, in the words of the decoding."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._count = 0
        self._constants: dict[tuple[tuple[int, ...], bytes], int] = {}

    def _name(self, kind: str) -> str:
        self._count += 1
        return f'{kind.lower()}_{self._count}'

    def constant(self, values: np.ndarray | float) -> int:
        """Add a constant, once."""
        array = np.asarray(values, np.float32)
        key = array.shape, array.tobytes()
        if key not in self._constants:
            self._constants[key] = self.graph.add_constant(array, self._name('constant'))
        return self._constants[key]

    def op(self, kind: str, inputs: list[int], shape: tuple[int, ...], options: object) -> int:
        """Append any operator."""
        return self.graph.add(kind, inputs, shape, self._name(kind), options)

    def binary(self, kind: str, a: int, b: int) -> int:
        """Append ADD, SUB, MUL or DIV, with the shape that broadcasting gives."""
        options = {'ADD': schema.AddOptionsT, 'SUB': schema.SubOptionsT,
                   'MUL': schema.MulOptionsT, 'DIV': schema.DivOptionsT}[kind]()
        options.fusedActivationFunction = NO_ACTIVATION
        shape = np.broadcast_shapes(self.graph.shape(a), self.graph.shape(b))
        return self.op(kind, [a, b], shape, options)

    def add(self, a: int, b: int) -> int:
        return self.binary('ADD', a, b)

    def subtract(self, a: int, b: int) -> int:
        return self.binary('SUB', a, b)

    def multiply(self, a: int, b: int) -> int:
        return self.binary('MUL', a, b)

    def divide(self, a: int, b: int) -> int:
        return self.binary('DIV', a, b)

    def unary(self, kind: str, a: int) -> int:
        """Append SQRT, RSQRT, EXP, SQUARE or LOGISTIC."""
        options = {'EXP': schema.ExpOptionsT, 'SQUARE': schema.SquareOptionsT}.get(kind)
        return self.op(kind, [a], self.graph.shape(a), options() if options else None)

    def total(self, a: int, axis: int) -> int:
        """Append a sum over one axis, which is kept."""
        return self._reduced('SUM', a, axis)

    def mean(self, a: int, axis: int) -> int:
        """Append a mean over one axis, which is kept."""
        return self._reduced('MEAN', a, axis)

    def _reduced(self, kind: str, a: int, axis: int) -> int:
        options = schema.ReducerOptionsT()
        options.keepDims = True
        shape = list(self.graph.shape(a))
        shape[axis] = 1
        axes = self.graph.add_constant(np.array([axis], np.int32), self._name('axis'))
        return self.op(kind, [a, axes], tuple(shape), options)

    def reshape(self, a: int, shape: tuple[int, ...]) -> int:
        options = schema.ReshapeOptionsT()
        options.newShape = list(shape)
        target = self.graph.add_constant(np.array(shape, np.int32), self._name('shape'))
        return self.op('RESHAPE', [a, target], shape, options)

    def join(self, parts: list[int], axis: int) -> int:
        options = schema.ConcatenationOptionsT()
        options.axis, options.fusedActivationFunction = axis, NO_ACTIVATION
        shape = list(self.graph.shape(parts[0]))
        shape[axis] = sum(self.graph.shape(p)[axis] for p in parts)
        return self.op('CONCATENATION', parts, tuple(shape), options)

    def part(self, a: int, axis: int, start: int, stop: int) -> int:
        """Append the slice start:stop of one axis."""
        shape = list(self.graph.shape(a))
        begin = [0] * len(shape)
        begin[axis], shape[axis] = start, stop - start
        names = self._name('begin'), self._name('size')
        inputs = [a, self.graph.add_constant(np.array(begin, np.int32), names[0]),
                  self.graph.add_constant(np.array(shape, np.int32), names[1])]
        return self.op('SLICE', inputs, tuple(shape), schema.SliceOptionsT())

    def linear(self, a: int, weights: np.ndarray, bias: np.ndarray) -> int:
        """Append weights (m, n) @ a (1, n) + bias (m,)."""
        options = schema.FullyConnectedOptionsT()
        options.fusedActivationFunction = NO_ACTIVATION
        inputs = [a, self.constant(weights), self.constant(bias)]
        return self.op('FULLY_CONNECTED', inputs, (1, len(weights)), options)

    def matmul(self, a: int, b: int, transposed: bool = False) -> int:
        """Append a (1, n, k) @ b (1, k, m), or @ b (1, m, k) transposed."""
        options = schema.BatchMatMulOptionsT()
        options.adjY = transposed
        rows, columns = self.graph.shape(a)[1], self.graph.shape(b)[1 if transposed else 2]
        return self.op('BATCH_MATMUL', [a, b], (1, rows, columns), options)

    def convolution(self, a: int, layer: nn.Conv2d) -> int:
        """Append a convolution without padding."""
        options = schema.Conv2DOptionsT()
        options.padding, options.fusedActivationFunction = VALID, NO_ACTIVATION
        options.strideH = options.strideW = 1
        weight = layer.weight.detach().numpy().transpose(0, 2, 3, 1)
        size = self.graph.shape(a)[1] - weight.shape[1] + 1
        inputs = [a, self.constant(weight), self.constant(layer.bias.detach().numpy())]
        return self.op('CONV_2D', inputs, (1, size, size, len(weight)), options)

    def prelu(self, a: int, layer: nn.PReLU) -> int:
        slopes = self.constant(layer.weight.detach().numpy().reshape(1, 1, -1))
        return self.op('PRELU', [a, slopes], self.graph.shape(a), None)


class Exporter:
    """Builds the graph of a trained network."""

    def __init__(self, network: FaceReconNetwork, model: FaceModel) -> None:
        self._network = network
        self._decoder = ParameterDecoder(model)
        self._model = model
        self.graph = Graph(model_file(FACE_MESH_FILE))
        network.face_mesh.write_into(self.graph)
        self._write = Writer(self.graph)

    def build(self, dense: bool = False) -> dict[str, int]:
        """Append everything; return the outputs by name. dense: all vertices too."""
        w = self._write
        operators = self.graph.operators
        presence, landmarks = int(operators[-2].outputs[0]), int(operators[-1].outputs[0])
        head = self._head()
        rotation = self._rotation(head)
        coefficients = w.add(
            w.multiply(self._slice(head, 'coefficients'),
                       w.constant(self._network.coefficient_scale.numpy()[None])),
            w.constant(self._network.coefficient_mean.numpy()[None]))
        points = w.reshape(landmarks, (1, LANDMARKS, 3))
        up = w.constant(np.array([[[1.0, -1.0]]]))
        target = w.multiply(w.part(points, 2, 0, 2), up)
        for _ in range(ROUNDS):
            coefficients = self._round(coefficients, rotation, target)
        scale, origin = self._scale_and_origin(self._turned(coefficients, rotation), target)
        screen = w.constant(np.diag(SCREEN_FROM_MODEL_AXES)[None, :, None])
        linear = w.multiply(w.multiply(rotation, scale), screen)
        origin_px = w.join([w.multiply(origin, up), w.constant(np.zeros((1, 1, 1)))], 2)
        camera = w.join([linear, w.reshape(origin_px, (1, 3, 1))], 2)
        ibug = self._model.landmarks_68
        sparse = self._points(ibug.mean, ibug.basis, coefficients)
        landmarks_68 = w.add(w.matmul(sparse, linear, transposed=True), origin_px)
        spread = self._slice(head, 'uncertainty')
        outputs = {
            'camera': camera,
            'params': w.join([w.reshape(camera, (1, 12)), coefficients], 1),
            'landmarks': landmarks_68,
            'rotation': rotation,
            'uncertainty': w.unary('EXP', spread),
            'presence': w.unary('LOGISTIC', w.reshape(presence, (1, 1))),
            'landmarks_468': points,
        }
        if dense:
            everything = self._model.vertices(np.arange(len(self._model.mean)))
            vertices = self._points(everything.mean, everything.basis, coefficients)
            outputs['vertices'] = w.add(w.matmul(vertices, linear, transposed=True), origin_px)
        return outputs

    def _head(self) -> int:
        w, network = self._write, self._network
        x = self._features()
        x = w.prelu(w.convolution(x, network.narrow), network.narrow_activation)
        x = w.prelu(w.convolution(x, network.hidden), network.hidden_activation)
        return w.reshape(w.convolution(x, network.last), (1, HEAD_OUTPUTS))

    def _features(self) -> int:
        """Return the tensor after the last of the blocks that all branches share."""
        activations = [o for o in self.graph.operators if self.graph.name(o) == 'PRELU']
        count = 1 + len(self._network.face_mesh.blocks) + len(self._network.face_mesh.top)
        return int(activations[count - 1].outputs[0])

    def _slice(self, head: int, name: str) -> int:
        return self._write.part(head, 1, SLICES[name].start, SLICES[name].stop)

    def _rotation(self, head: int) -> int:
        """Append rotation_from_6d and with_less_yaw; (1, 3, 3)."""
        w = self._write
        six = self._slice(head, 'rotation')
        first = self._unit(w.part(six, 1, 0, 3))
        second = w.part(six, 1, 3, 6)
        along = w.total(w.multiply(first, second), 1)
        second = self._unit(w.subtract(second, w.multiply(first, along)))
        rows = [w.reshape(r, (1, 1, 3)) for r in (first, second, self._cross(first, second))]
        return w.join(self._with_less_yaw(rows) if self._network.yaw_excess else rows, 1)

    def _with_less_yaw(self, rows: list[int]) -> list[int]:
        w = self._write
        right, up, toward = rows
        x, z = w.part(right, 2, 2, 3), w.part(toward, 2, 2, 3)
        level = w.add(w.add(w.multiply(x, x), w.multiply(z, z)),
                      w.constant(np.full((1, 1, 1), LEAST_LEVEL)))
        part = w.divide(w.multiply(x, z), level)
        sine = w.multiply(part, self.graph.add_constant(
            np.full((1, 1, 1), self._network.yaw_excess), YAW_EXCESS))
        one = w.constant(np.ones((1, 1, 1)))
        cosine = w.unary('SQRT', w.subtract(one, w.multiply(sine, sine)))
        return [
            w.subtract(w.multiply(right, cosine), w.multiply(toward, sine)), up,
            w.add(w.multiply(right, sine), w.multiply(toward, cosine)),
        ]

    def _unit(self, vector: int) -> int:
        w = self._write
        return w.multiply(vector, w.unary('RSQRT', w.total(w.multiply(vector, vector), 1)))

    def _cross(self, a: int, b: int) -> int:
        w = self._write

        def rolled(vector: int, by: int) -> int:
            return w.join([w.part(vector, 1, by, 3), w.part(vector, 1, 0, by)], 1)

        return w.subtract(w.multiply(rolled(a, 1), rolled(b, 2)),
                          w.multiply(rolled(a, 2), rolled(b, 1)))

    def _points(self, mean: np.ndarray, basis: np.ndarray, coefficients: int) -> int:
        flat = self._write.linear(coefficients, basis.reshape(-1, basis.shape[2]), mean.ravel())
        return self._write.reshape(flat, (1, len(mean), 3))

    def _turned(self, coefficients: int, rotation: int) -> int:
        points = self._points(self._decoder.mean, self._decoder.basis, coefficients)
        return self._write.matmul(points, rotation, transposed=True)

    def _scale_and_origin(self, turned: int, target: int) -> tuple[int, int]:
        """See decoding; (1, 1, 1) and (1, 1, 2)."""
        w = self._write
        seen = w.part(turned, 2, 0, 2)
        seen_mean, target_mean = w.mean(seen, 1), w.mean(target, 1)
        centred = w.subtract(seen, seen_mean)
        across = w.multiply(centred, w.subtract(target, target_mean))
        scale = w.divide(w.total(w.total(across, 1), 2),
                         w.total(w.total(w.multiply(centred, centred), 1), 2))
        return scale, w.subtract(target_mean, w.multiply(scale, seen_mean))

    def _round(self, coefficients: int, rotation: int, target: int) -> int:
        w = self._write
        turned = self._turned(coefficients, rotation)
        scale, origin = self._scale_and_origin(turned, target)
        seen = w.divide(w.subtract(target, origin), scale)
        points = w.matmul(w.join([seen, w.part(turned, 2, 2, 3)], 2), rotation)
        flat = w.reshape(self._with_closed_lips(points), (1, 3 * LANDMARKS))
        solve = self._decoder.solve
        return w.linear(flat, solve, -solve @ self._decoder.mean.ravel())

    def _with_closed_lips(self, points: int) -> int:
        """See face_model.lips."""
        w = self._write
        canthi_m = self._decoder.canthal_distance_m
        closed_gap_m, open_gap_m = CLOSED_LIP_GAP * canthi_m, OPEN_LIP_GAP * canthi_m
        pick = np.zeros((1, len(INNER_LIP_PAIRS_468), LANDMARKS))
        rows = np.arange(len(INNER_LIP_PAIRS_468))
        pick[0, rows, INNER_LIP_PAIRS_468[:, 0]] = 1
        pick[0, rows, INNER_LIP_PAIRS_468[:, 1]] = -1
        gaps = w.matmul(w.constant(pick), points)
        widths = w.unary('SQRT', w.total(w.multiply(gaps, gaps), 2))
        span = open_gap_m - closed_gap_m
        closed = w.multiply(
            w.subtract(w.constant(np.full((1, 1, 1), open_gap_m)), w.mean(widths, 1)),
            w.constant(np.full((1, 1, 1), 1 / span)))
        limits = w.constant(np.zeros((1, 1, 1))), w.constant(np.ones((1, 1, 1)))
        closed = w.op('MAXIMUM', [closed, limits[0]], (1, 1, 1), schema.MaximumMinimumOptionsT())
        closed = w.op('MINIMUM', [closed, limits[1]], (1, 1, 1), schema.MaximumMinimumOptionsT())
        half = w.constant(pick.transpose(0, 2, 1) / 2)
        return w.subtract(points, w.matmul(half, w.multiply(gaps, closed)))


def largest_difference(path: Path, network: FaceReconNetwork, model: FaceModel,
                       images: np.ndarray) -> dict[str, float]:
    """Run images (N, 192, 192, 3) float32 through file and PyTorch; return by output."""
    file = Network(path)
    decoder = ParameterDecoder(model)
    worst: dict[str, float] = {}
    for image in images:
        found = file.named(image[None])
        with torch.no_grad():
            tensor = torch.from_numpy(image.transpose(2, 0, 1)[None].copy())
            head, landmarks, presence = network(tensor)
            decoded = network.decode(head)
        rotation = decoded.rotation[0].double().numpy()
        points = landmarks[0].double().numpy()
        parameters = decoder(points, rotation, decoded.coefficients[0].double().numpy())
        wanted = {
            'camera': parameters.camera_matrix / SIZE * CROP_SIDE_M,
            'params': np.concatenate([parameters.shape, parameters.expression]),
            'landmarks': model.landmarks_68_px(parameters), 'rotation': rotation,
            'uncertainty': np.exp(decoded.log_sigma.numpy()),
            'presence': torch.sigmoid(presence).numpy(), 'landmarks_468': points,
        }
        if 'vertices' in found:
            wanted['vertices'] = model.dense_px(parameters)
        found['camera'] = found['camera'] / SIZE * CROP_SIDE_M
        found['params'] = found['params'][:, 12:]
        for name, value in wanted.items():
            difference = np.abs(found[name].reshape(value.shape) - value).max()
            worst[name] = max(worst.get(name, 0.0), float(difference))
    return worst


def read_weights(path: Path) -> dict[str, torch.Tensor]:
    """Read weights.pt of a training, or those of a network's file."""
    if path.suffix == '.tflite':
        return FaceReconNetwork.from_file(path).state_dict()
    return dict(torch.load(path, map_location='cpu'))


def load_network(*paths: Path) -> FaceReconNetwork:
    """Read trained weights, the average where there are several."""
    states = [read_weights(path) for path in paths]
    state = {
        name: torch.stack([s[name] for s in states]).mean(0) for name in states[0]
    }
    network = FaceReconNetwork(state['coefficient_mean'], state['coefficient_scale'])
    network.load_state_dict(state)
    return network.eval()


def export(network: FaceReconNetwork, output: Path, dense: bool = False) -> dict[str, float]:
    """Write the file and return its differences from PyTorch on noise and on a flat image."""
    model = FaceModel()
    exporter = Exporter(network, model)
    exporter.graph.save(output, exporter.build(dense), DESCRIPTION)
    random = np.random.default_rng(0)
    images = np.concatenate([
        random.random((3, SIZE, SIZE, 3)), np.full((1, SIZE, SIZE, 3), 0.5)]).astype(np.float32)
    return largest_difference(output, network, model, images)


def main() -> int:
    """Run the command; returns the exit status."""
    root = Path(__file__).resolve().parents[2]
    parser = argparse.ArgumentParser(prog='python -m model_building.network.export',
                                     description=__doc__)
    parser.add_argument('--weights', type=Path, nargs='+', required=True,
                        help='weights.pt of ...train, or a .tflite file; of several the average')
    parser.add_argument('--output', type=Path, default=root / 'models' / 'face_recon.tflite')
    parser.add_argument('--yaw-excess', type=float, default=0.0, metavar='X',
                        help='how much too far these weights turn heads, as `heads '
                             '--development` of model_building.evaluation prints (default 0)')
    parser.add_argument('--dense', action='store_true',
                        help='with all vertices as an output (1, V, 3); 23 MB more')
    arguments = parser.parse_args()
    if not abs(arguments.yaw_excess) < 1:
        parser.error(f'--yaw-excess {arguments.yaw_excess}: want a number between -1 and 1')
    try:
        network = load_network(*arguments.weights)
    except (OSError, ValueError) as error:
        sys.stderr.write(f'{error}\n')
        return 1
    network.yaw_excess = arguments.yaw_excess
    differences = export(network, arguments.output, arguments.dense)
    for name, value in differences.items():
        sys.stdout.write(f'{name}: largest difference to PyTorch {value:.1e}\n')
    size = arguments.output.stat().st_size / 1e6
    sys.stdout.write(f'{arguments.output}: {size:.2f} MB\n')
    if max(differences.values()) > TOLERANCE:
        sys.stderr.write(f'the file differs from PyTorch by more than {TOLERANCE}\n')
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
