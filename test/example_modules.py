# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The programs in examples/, to be run or imported."""

import importlib.util
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parents[1] / 'examples'


def load(name):
    """Import an example as a module."""
    spec = importlib.util.spec_from_file_location(f'example_{name}', EXAMPLES / f'{name}.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
