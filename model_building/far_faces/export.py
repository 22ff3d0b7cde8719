# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Write models/far_faces.tflite.

    python -m model_building.far_faces.export --weights RUN/weights.pt [--output FILE]

Batch normalisation is folded into the convolutions. The result is compared with PyTorch.
"""
from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import torch
from ai_edge_litert import schema_py_generated as schema
from torch.nn import functional

from face_recon_ros.detection.far_faces import CELL_PX
from face_recon_ros.tflite import Network
from model_building.far_faces.model import Convolution, FarFaceNetwork
from model_building.network.tflite_graph import NO_ACTIVATION, Graph

INPUT_SIZE = (288, 384)
"""Height and width."""
TOLERANCE = 1e-3
DESCRIPTION = 'face_recon_ros: proposals of small faces; model_building/far_faces'
SAME, RELU = 0, 1


def build(network: FarFaceNetwork) -> tuple[Graph, int]:
    """Return the graph and its output."""
    height, width = INPUT_SIZE
    graph = Graph.empty((1, height, width, 3))
    tensor = graph.input
    for index, layer in enumerate(network.layers):
        tensor = _convolution(graph, tensor, layer, index)
    last = network.last
    weights = last.weight.detach().numpy().transpose(0, 2, 3, 1)
    options = schema.Conv2DOptionsT()
    options.padding, options.strideH, options.strideW = SAME, 1, 1
    options.fusedActivationFunction = NO_ACTIVATION
    inputs = [tensor, graph.add_constant(weights, 'last_weights'),
              graph.add_constant(last.bias.detach().numpy(), 'last_bias')]
    shape = (*graph.shape(tensor)[:3], len(weights))
    return graph, graph.add('CONV_2D', inputs, shape, 'last', options)


def _convolution(graph: Graph, tensor: int, layer: Convolution, index: int) -> int:
    """Append a convolution with ReLU."""
    weights, bias = layer.folded()
    options = schema.DepthwiseConv2DOptionsT() if layer.depthwise else schema.Conv2DOptionsT()
    options.padding, options.fusedActivationFunction = SAME, RELU
    options.strideH = options.strideW = layer.stride
    if layer.depthwise:
        options.depthMultiplier = 1
        weights = weights.transpose(1, 2, 3, 0)
    else:
        weights = weights.transpose(0, 2, 3, 1)
    _, height, width, _ = graph.shape(tensor)
    shape = (1, height // layer.stride, width // layer.stride, len(bias))
    inputs = [tensor, graph.add_constant(np.ascontiguousarray(weights), f'weights_{index}'),
              graph.add_constant(bias, f'bias_{index}')]
    kind = 'DEPTHWISE_CONV_2D' if layer.depthwise else 'CONV_2D'
    return graph.add(kind, inputs, shape, f'layer_{index}', options)


def largest_difference(path: Path, network: FarFaceNetwork) -> float:
    """Run noise through file and PyTorch."""
    file = Network(path)
    random = np.random.default_rng(0)
    images = random.uniform(-1, 1, (3, *INPUT_SIZE, 3)).astype(np.float32)
    images[1] = functional.interpolate(
        torch.from_numpy(images[1, :9, :12].transpose(2, 0, 1)[None]), INPUT_SIZE)[0].permute(
            1, 2, 0).numpy()
    worst = 0.0
    for image in images:
        (found,) = file(image[None])
        with torch.no_grad():
            wanted = network(torch.from_numpy(image.transpose(2, 0, 1)[None].copy()))
        worst = max(worst, float(np.abs(found[0] - wanted[0].permute(1, 2, 0).numpy()).max()))
    return worst


def main() -> int:
    """Run the command; returns the exit status."""
    root = Path(__file__).resolve().parents[2]
    parser = argparse.ArgumentParser(
        prog='python -m model_building.far_faces.export', description=__doc__)
    parser.add_argument('--weights', type=Path, required=True, help='weights.pt of ...train')
    parser.add_argument('--output', type=Path, default=root / 'models' / 'far_faces.tflite')
    arguments = parser.parse_args()
    network = FarFaceNetwork()
    try:
        network.load_state_dict(torch.load(arguments.weights, map_location='cpu'))
    except (OSError, RuntimeError) as error:
        sys.stderr.write(f'{arguments.weights}: {str(error).splitlines()[0]}\n')
        return 1
    graph, output = build(network.eval())
    graph.save(arguments.output, {'proposals': output}, DESCRIPTION)
    difference = largest_difference(arguments.output, network)
    size = arguments.output.stat().st_size / 1e3
    cells = [n // CELL_PX for n in INPUT_SIZE]
    sys.stdout.write(f'{arguments.output}: {size:.0f} kB, {cells[1]} x {cells[0]} cells, largest '
                     f'difference to PyTorch {difference:.1e}\n')
    return 0 if difference < TOLERANCE else 1


if __name__ == '__main__':
    sys.exit(main())
