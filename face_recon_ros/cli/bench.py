# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""`face-recon bench`: how long each stage takes on this machine."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

from face_recon_ros.cli.options import named_output, named_path, whole_number
from face_recon_ros.cli.terminal import progress, say_lines
from face_recon_ros.errors import FaceReconError
from face_recon_ros.io.outputs import (
    check_can_be_written,
    check_output,
    identities,
    is_standard_output,
)
from face_recon_ros.tools import bench
from face_recon_ros.tools.bench_comparison import compare, comparison_table, read_run


def add_command(commands: argparse._SubParsersAction) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser('bench', help='how long each stage takes on this machine')
    parser.add_argument(
        '--video', type=named_path, metavar='FILE', help='time a video instead'
    )
    parser.add_argument(
        '--json',
        type=named_output,
        metavar='F',
        help='also write the figures; - is standard output',
    )
    parser.add_argument(
        '--runs',
        type=whole_number(1, 100_000),
        default=40,
        help='per figure (default %(default)s)',
    )
    parser.add_argument(
        '--network', type=named_path, help='a .tflite file to time beside the stages'
    )
    parser.add_argument(
        '--compare',
        type=named_path,
        metavar='F',
        help='print the figures beside those of an earlier run (its --json file)',
    )
    parser.add_argument('--no-ros', action='store_true', help='without publishing and image to TF')
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    beside = is_standard_output(options.json)
    if options.json and not beside:
        read = (options.video, options.network, options.compare)
        inputs = identities(path for path in read if path)
        check_output(options.json, '--json', inputs)
        check_can_be_written(options.json, '--json')
    before = read_run(options.compare) if options.compare else None
    publisher = None if options.no_ros or options.video else _publisher()
    if options.video:
        results = [bench.run_video(options.video, lambda v: progress(v, v.frame_count, 'frame'))]
    else:
        results = bench.run(
            options.runs,
            lambda scenes: progress(scenes, len(scenes), 'scene'),
            options.network,
            publisher,
        )
    network = options.network.stem if options.network else None
    say_lines(bench.table(results, network), beside)
    if before is not None:
        say_lines(f'\n{comparison_table(compare(before, results, network))}', beside)
    image_to_tf = []
    if publisher:
        publisher.close()
        say_lines('\nimage published -> transform received, between processes:', beside)
        image_to_tf = _image_to_tf(beside)
    if options.json:
        bench.write_json(options.json, results, image_to_tf)
    return 0


def _publisher() -> Any:
    """Return the object that measures publishing, or None without ROS."""
    try:
        return import_module('face_recon_ros.tools.publishing').Publishing()
    except ImportError:
        return None


def _image_to_tf(beside: bool) -> list[object]:
    """Let the processes of nodes/latency.py measure and print; return their figures."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'latency.json'
        module = 'face_recon_ros.tools.latency'
        command = [sys.executable, '-m', module, '--rate', '30', '60', '--json', str(path)]
        if subprocess.run(command, stdout=sys.stderr if beside else None, check=False).returncode:
            raise FaceReconError('bench: image to TF could not be measured; see above')
        return json.loads(path.read_text())
