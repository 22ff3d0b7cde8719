# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The one place that loads a TensorFlow Lite interpreter."""

from __future__ import annotations

import contextlib
import importlib
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import IO, Any

import numpy as np

from face_recon_ros.errors import ModelFileError
from face_recon_ros.paths import is_shipped
from face_recon_ros.tflite_batch import batched

RUNTIMES = ('ai_edge_litert.interpreter', 'tflite_runtime.interpreter')
FILE_IDENTIFIER = b'TFL3'  # bytes 4..8 of every TensorFlow Lite flatbuffer
# File descriptor 2 is the process's: one network is loaded at a time
_LOADING = threading.Lock()
# What the trial of a foreign file runs; all but a signal is said again when it is loaded here
TRIAL = (
    'import sys, numpy; from {module} import Interpreter; '
    'i = Interpreter(model_path=sys.argv[1]); i.allocate_tensors(); '
    'd = i.get_input_details()[0]; '
    'i.set_tensor(d["index"], numpy.zeros(d["shape"], d["dtype"])); i.invoke()'
)
TRIAL_TIMEOUT_S = 60.0
START_UP_CHATTER = (b'XNNPACK delegate', b'absl::InitializeLog')


def runtime() -> ModuleType:
    """
    Return the interpreter module in use: LiteRT, else the older tflite_runtime.

    :raises ModelFileError: neither is installed.
    """
    for name in RUNTIMES:
        with contextlib.suppress(ImportError):
            return importlib.import_module(name)
    raise ModelFileError('no TensorFlow Lite runtime: pip install ai-edge-litert')


class Network:
    """
    A network with one image input, read from a .tflite file.

    lock: held by those who share a network between threads, from filling its input to its outputs.
    """

    def __init__(self, path: str | Path, threads: int = 1, images: int = 1) -> None:
        """
        Load a file.

        :param images: that one run takes, of a file that ships and is made for one (batched())
        :raises ModelFileError: missing, empty, corrupt, or not one float32 image input.
        """
        self.path = Path(path)
        self.lock = threading.Lock()
        self._output_shapes: list[tuple[int, ...]] | None = None
        _check_file(self.path)
        interpreter_module = runtime()
        source: dict[str, Any] = {'model_path': str(self.path)}
        if not is_shipped(self.path):
            _check_apart(self.path, interpreter_module)
            # The runtime maps files: who writes into one would end this process (SIGBUS). Those
            # that ship are replaced, never written into.
            source = {'model_content': _content(self.path)}
        elif images > 1:
            source = {'model_content': _batched(self.path, images)}
        try:
            with _LOADING, _without_start_up_chatter():
                self._interpreter = interpreter_module.Interpreter(num_threads=threads, **source)
                self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError, SystemError) as error:
            reason = str(error).splitlines()[0] if str(error) else 'it cannot be read'
            raise ModelFileError(
                f'model file {self.path}: corrupt or not supported by '
                f'{interpreter_module.__name__.split(".")[0]} ({reason}); get it again'
            ) from error
        details = self._checked_input()
        self.input_shape: tuple[int, ...] = tuple(int(n) for n in details['shape'])
        self._input_index = details['index']
        outputs = self._details('output')
        self._output_indices = [d['index'] for d in outputs]
        self.output_names: tuple[str, ...] = tuple(d['name'] for d in outputs)

    def _details(self, kind: str) -> list[dict[str, Any]]:
        """Return the runtime's details of inputs or outputs."""
        try:
            return list(getattr(self._interpreter, f'get_{kind}_details')())
        except UnicodeDecodeError as error:
            raise ModelFileError(
                f'model file {self.path}: corrupt (names of its tensors are no text); get it again'
            ) from error

    def _checked_input(self) -> dict[str, Any]:
        details = self._details('input')
        if len(details) != 1 or details[0]['dtype'] != np.float32 or len(details[0]['shape']) != 4:
            found = [(tuple(int(n) for n in d['shape']), d['dtype'].__name__) for d in details]
            raise ModelFileError(
                f'model file {self.path}: wants one float32 image input, has {found}; '
                'give a face model'
            )
        return details[0]

    def __call__(self, tensor: np.ndarray) -> list[np.ndarray]:
        """Run the network on `tensor` (input_shape, float32); return copies of all its outputs."""
        self._interpreter.set_tensor(self._input_index, tensor)
        return self.run()

    def input_tensor(self) -> np.ndarray:
        """Return the input itself, to be filled before run(); the runtime forbids keeping it."""
        return self._interpreter.tensor(self._input_index)()

    def run(self) -> list[np.ndarray]:
        """Run the network on what its input holds; return copies of all its outputs."""
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(index) for index in self._output_indices]

    def named(self, tensor: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """Run the network, on `tensor` or what its input holds; return its outputs by name."""
        outputs = self.run() if tensor is None else self(tensor)
        return dict(zip(self.output_names, outputs, strict=True))

    def output_shapes(self) -> list[tuple[int, ...]]:
        """Return the true output shapes; some files report them only after a first run."""
        with self.lock:
            if self._output_shapes is None:
                outputs = self(np.zeros(self.input_shape, np.float32))
                self._output_shapes = [output.shape for output in outputs]
        return list(self._output_shapes)


def _check_file(path: Path) -> None:
    """Tell a missing, empty or foreign file before the runtime does so in its own words."""
    head = _content(path, 8)
    if not head:
        raise ModelFileError(f'model file {path}: is empty; get it again')
    if head[4:8] != FILE_IDENTIFIER:
        raise ModelFileError(f'model file {path}: not a TensorFlow Lite file; give a .tflite')


def _content(path: Path, size: int = -1) -> bytes:
    """:raises ModelFileError: it cannot be read."""
    try:
        with path.open('rb') as file:
            return file.read(size)
    except OSError as error:
        raise ModelFileError(
            f'model file {path}: {error.strerror or error}; '
            'check the path or reinstall the package'
        ) from error


def _batched(path: Path, images: int) -> bytes:
    """:raises ModelFileError: the file cannot be made one of several images."""
    try:
        return batched(_content(path), images)
    except ValueError as error:
        raise ModelFileError(f'model file {path}: {error}; get it again') from error


def _check_apart(path: Path, interpreter_module: ModuleType) -> None:
    """
    Load and run a file in a process of its own: a damaged one may end the process that does.

    :raises ModelFileError: it ended that process.
    """
    code = TRIAL.format(module=interpreter_module.__name__)
    try:
        status = subprocess.run(
            [sys.executable, '-c', code, str(path)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=TRIAL_TIMEOUT_S,
            check=False,
        ).returncode
    except (OSError, ValueError, subprocess.TimeoutExpired):
        # no Python to start here, or a network of another size: it is loaded untried
        return
    if status < 0:
        raise ModelFileError(
            f'model file {path}: corrupt (loading it ends the process by signal {-status}); get '
            'it again'
        )


def _file_in_memory() -> IO[bytes]:
    """
    Open a nameless file: disks are full, or read-only as in many containers.

    :raises OSError: this system has files on disks only, and none can be made.
    """
    if hasattr(os, 'memfd_create'):
        return os.fdopen(os.memfd_create('aside'), 'w+b')
    return tempfile.TemporaryFile()


@contextlib.contextmanager
def _without_start_up_chatter() -> Iterator[None]:
    """
    Keep the runtime's INFO lines off the terminal; everything else it says passes on.

    It writes them straight to file descriptor 2, so that is what has to be turned aside.
    """
    if sys.stderr is not None:
        sys.stderr.flush()
    try:
        saved = os.dup(2)
    except OSError:  # no standard error at all: nothing to keep clean
        yield
        return
    try:
        file = _file_in_memory()
    except OSError:
        os.close(saved)
        yield
        return
    with file as aside:
        os.dup2(aside.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(saved, 2)
            os.close(saved)
            aside.seek(0)
            for line in aside:
                if not any(chatter in line for chatter in START_UP_CHATTER):
                    os.write(2, line)
