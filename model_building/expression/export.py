# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Calibrate the network of expressions and write models/expressions.tflite."""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from face_recon_ros.expression.crop import SIZE, normalised
from face_recon_ros.expression.units import COUNT, INDEX, MIRROR, NAMES
from face_recon_ros.tflite import Network
from model_building.expression.learn import Crops, outputs
from model_building.expression.network import SIDE, ExpressionNet
from model_building.network.face_mesh_network import Block
from model_building.tflite_writer import GraphWriter

DESCRIPTION = 'face_recon_ros: crops of faces to expressions; docs/expressions.md'
OUTPUT = 'units_and_trust'
SHOWN, SHOWN_READS, LARGEST_GAIN = 0.85, 0.9, 3.0
"""Units shown at this or more are to read like that, on the average: means of what is possible are
nearer to the middle."""
MOST_AT_REST = 0.1
"""What is read of units that are not shown, on the average; it limits the gain."""
LEAST_TRUST = 0.25
"""Units that are hardly read are not amplified: it would be noise."""
AT_REST_PERCENT = 75
"""So many of the people who sit for a portrait read 0 in units that they do not show."""
SHOWN_BY_SITTERS = tuple(name for name in NAMES if name.startswith(
    ('mouthSmile', 'cheekSquint', 'eyeSquint', 'mouthUpperUp', 'mouthDimple', 'eyeLook')))
"""By those who smile, and look anywhere."""
TOLERANCE = 2e-3


@dataclass(slots=True, frozen=True)
class Calibration:
    """
    Of each unit (52,): what is taken off, and the factor then.

    trust (52,): correlation of what is read with what is shown, on people that were held out.
    """

    offset: np.ndarray
    gain: np.ndarray
    trust: np.ndarray

    @classmethod
    def measured(cls, network: ExpressionNet, rendered: Crops, resting: np.ndarray) -> Calibration:
        """
        Measure on people that were held out.

        :param resting: crops (N, S, S) of photos of people who sit for a portrait
        """
        found = outputs(network, rendered.image)
        offset, gain = np.zeros(COUNT), np.ones(COUNT)
        trust = np.zeros(COUNT)
        for k in range(COUNT):
            absent, shown = rendered.weights[:, k] == 0, rendered.weights[:, k] >= SHOWN
            if shown.sum() < 3 or not absent.any():
                continue
            offset[k] = max(float(np.median(found[absent, k])), 0.0)
            span = max(float(found[shown, k].mean()) - offset[k], 1e-3)
            read = np.clip(found[:, k], 0, 1)
            trust[k] = max(np.corrcoef(read, rendered.weights[:, k])[0, 1], 0.0)
            if trust[k] >= LEAST_TRUST:
                wanted = np.clip(SHOWN_READS / span, 1.0, LARGEST_GAIN)
                gain[k] = _gain_at_rest(found[absent, k] - offset[k], float(wanted))
        if len(resting):
            level = np.percentile(
                outputs(network, resting), AT_REST_PERCENT, axis=0)
            offset = np.where(np.isin(NAMES, SHOWN_BY_SITTERS), offset, np.maximum(offset, level))
        return cls(_even(offset), _even(gain), _even(trust))


def _gain_at_rest(values: np.ndarray, wanted: float) -> float:
    """Return the largest gain up to the wanted one with which values at rest stay small."""
    for gain in np.linspace(wanted, 1.0, 40):
        if np.clip(gain * values, 0, 1).mean() <= MOST_AT_REST:
            return float(gain)
    return 1.0


def _even(values: np.ndarray) -> np.ndarray:
    """Return values that are the same on both sides."""
    return np.asarray((values + values[MIRROR]) / 2)


def last_layer(network: ExpressionNet, calibration: Calibration) -> tuple[np.ndarray, np.ndarray]:
    """Return weight (104, hidden) and bias (104,): units, calibrated, then trust, a constant."""
    scale, mean = network.unit_scale.numpy(), network.unit_mean.numpy()
    weight = network.last.weight.detach().numpy() * (scale * calibration.gain)[:, None]
    bias = network.last.bias.detach().numpy() * scale + mean
    bias = (bias - calibration.offset) * calibration.gain
    there = np.arange(COUNT) != INDEX['tongueOut']
    weight, bias = np.where(there[:, None], weight, 0.0), np.where(there, bias, 0.0)
    trust = np.where(there, calibration.trust, 0.0)
    return np.concatenate([weight, np.zeros_like(weight)]), np.append(bias, trust)


def write(network: ExpressionNet, calibration: Calibration, path: Path) -> None:
    """Write the file of a trained network."""
    network.eval()
    graph = GraphWriter((1, SIZE, SIZE, 1), DESCRIPTION)
    graph.strided(_array(network.stem.weight), _array(network.stem.bias), 'stem')
    graph.prelu(_array(network.stem_activation.weight), 'stem_activation')
    for number, block in enumerate(network.blocks):
        _append(graph, block, f'block_{number + 1}')
    graph.pointwise(*_folded(*network.narrow[:2]), True, 'narrow')
    graph.flatten()
    weight, bias = _folded(*network.hidden[1:3])
    # PyTorch flattens channels, rows, columns; here they are rows, columns, channels
    maps = weight.reshape(len(weight), -1, SIDE, SIDE).transpose(0, 2, 3, 1)
    graph.linear(maps.reshape(len(weight), -1), bias, True, 'hidden')
    graph.linear(*last_layer(network, calibration), False, OUTPUT)
    graph.save(path)


def _append(graph: GraphWriter, block: Block, name: str) -> None:
    """Append a BlazeBlock: its shortcut, then its convolutions, then the sum."""
    before, stride = graph.last, int(block.depthwise.stride[0])
    if stride == 2:
        graph.halve(f'{name}_half')
    grown = block.pointwise.out_channels - block.pointwise.in_channels
    if grown:
        graph.more_channels(grown, f'{name}_grown')
    shortcut, graph.last = graph.last, before
    graph.depthwise(_array(block.depthwise.weight), _array(block.depthwise.bias), stride,
                    f'{name}_depthwise')
    graph.pointwise(_array(block.pointwise.weight), _array(block.pointwise.bias), False,
                    f'{name}_pointwise')
    graph.add(shortcut, f'{name}_sum')
    graph.prelu(_array(block.activation.weight), f'{name}_activation')


def _array(values: torch.Tensor) -> np.ndarray:
    return np.asarray(values.detach().numpy())


def _folded(layer: nn.Module, normal: nn.Module) -> tuple[np.ndarray, np.ndarray]:
    """Return weight and bias of a layer without bias with its batch normalisation."""
    scale = normal.weight / torch.sqrt(normal.running_var + normal.eps)
    weight = layer.weight * scale.reshape(-1, *[1] * (layer.weight.ndim - 1))
    return _array(weight), _array(normal.bias - normal.running_mean * scale)


def largest_difference(network: ExpressionNet, calibration: Calibration, path: Path) -> float:
    """Return how far the file's units are from PyTorch's on a crop of noise."""
    image = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE), np.uint8)
    expected = (outputs(network, image[None])[0] - calibration.offset) * calibration.gain
    expected[INDEX['tongueOut']] = 0.0
    found = Network(path)(normalised(image)[None, :, :, None])[0][0, :COUNT]
    return float(np.abs(found - expected).max())
