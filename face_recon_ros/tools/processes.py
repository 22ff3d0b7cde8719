# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Processes of tools, scripts and tests: started, listened to, and ended, with nothing left behind.

What is started runs the installed package, wherever it is started from, and ends with the process
that has started it. Nothing that a robot runs imports this.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from face_recon_ros.errors import FaceReconError

# A process that is told to end has this long before it is told again, less politely
STOP_TIMEOUT_S = 5.0
LEAST_POLITE_LAST = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
# Lines of a process that an error shows
TAIL_LINES = 20


class ProcessError(FaceReconError):
    """A process has not done what it was started for."""


# Runs a module of the installed package; argv: the parent's process id, the module, its arguments.
# `python -m` would look in the current folder first, and PYTHONSAFEPATH, which forbids that, is
# not known to Python 3.10. 1 is PR_SET_PDEATHSIG (linux/prctl.h): the parent's death is a SIGTERM
_RUN_MODULE = """
import os, runpy, signal, sys
if sys.path[:1] == ['']:
    del sys.path[0]
parent, module = int(sys.argv[1]), sys.argv[2]
del sys.argv[1:3]
if sys.platform == 'linux':
    import ctypes
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)
    try:
        os.kill(parent, 0)
    except ProcessLookupError:
        sys.exit(128 + signal.SIGTERM)
runpy.run_module(module, run_name='__main__', alter_sys=True)
"""


def module_command(module: str, *arguments: str) -> list[str]:
    """Return the command line of an installed Python module that ends with this process."""
    return [sys.executable, '-c', _RUN_MODULE, str(os.getpid()), module, *arguments]


class Process:
    """
    A process and, where they are collected, the lines that it has written.

    Output that is neither collected nor logged goes where this process's own goes.
    """

    def __init__(
        self,
        command: Sequence[str],
        name: str = '',
        *,
        log: Path | None = None,
        collect: bool = False,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """
        Start it.

        :param name: for messages; '': the command's first word.
        :param log: a file that its output is appended to.
        :param collect: its output into `lines`.
        :param environment: variables besides this process's own.
        :raises ProcessError: it cannot be started, or the log cannot be written.
        """
        self.name = name or Path(command[0]).name
        self.lines: list[str] = []
        self._closed = False
        self._changed = threading.Condition()
        self._reader: threading.Thread | None = None
        options: dict[str, Any] = {'env': {**os.environ, **(environment or {})}}
        try:
            if log is not None:
                with log.open('ab') as stream:
                    self.process = subprocess.Popen(
                        command, stdout=stream, stderr=subprocess.STDOUT, **options
                    )
                return
            if collect:
                options.update(stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            self.process = subprocess.Popen(command, **options)
        except OSError as error:
            raise ProcessError(f'{self.name} cannot be started: {error}') from error
        if collect:
            self._reader = threading.Thread(target=self._read, name=self.name, daemon=True)
            self._reader.start()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    @property
    def status(self) -> int | None:
        """Its exit status, negative after a signal; None while it runs."""
        return self.process.poll()

    def send(self, number: int) -> None:
        """Send a signal; one that has ended gets none."""
        self.process.send_signal(number)

    def tail(self) -> str:
        """Return the last lines it has written, as far as they are collected."""
        with self._changed:
            return '\n'.join(self.lines[-TAIL_LINES:])

    def wait_line(self, text: str, timeout_s: float, after: int = 0) -> str:
        """
        Return the first line that holds a text, once it is there.

        :param after: so many lines are not looked at.
        :raises ProcessError: none came in time, or before the process closed its output.
        """
        if self._reader is None:
            raise ProcessError(f'{self.name}: its lines are not collected')

        def line() -> str | None:
            return next((line for line in self.lines[after:] if text in line), None)

        with self._changed:
            self._changed.wait_for(lambda: line() is not None or self._closed, timeout_s)
            found = line()
        if found is None:
            why = 'its output has ended' if self._closed else f'{timeout_s:g} s are over'
            raise ProcessError(f'{self.name}: no line with {text!r}, {why}:\n{self.tail()}')
        return found

    def wait(self, timeout_s: float) -> int:
        """
        Return its exit status once it has ended and all it has written is read.

        :raises ProcessError: it has not ended in time; it goes on.
        """
        try:
            status = self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise ProcessError(
                f'{self.name} runs on after {timeout_s:g} s:\n{self.tail()}'
            ) from None
        if self._reader is not None:
            self._reader.join(timeout_s)
        return status

    def end(self, number: int = signal.SIGINT, timeout_s: float = STOP_TIMEOUT_S) -> int:
        """
        Send one signal and return the exit status.

        :raises ProcessError: it has not ended in time; it goes on.
        """
        self.send(number)
        return self.wait(timeout_s)

    def stop(self, timeout_s: float = STOP_TIMEOUT_S) -> int:
        """Let it end, by SIGINT, then SIGTERM, then SIGKILL; return the exit status."""
        return stop_all([self], timeout_s)[0]

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as stream:
            for line in stream:
                with self._changed:
                    self.lines.append(line.decode(errors='replace').rstrip())
                    self._changed.notify_all()
        with self._changed:
            self._closed = True
            self._changed.notify_all()


def stop_all(processes: Sequence[Process], timeout_s: float = STOP_TIMEOUT_S) -> list[int]:
    """Let processes end at once, by SIGINT, then SIGTERM, then SIGKILL; return their statuses."""
    for number in LEAST_POLITE_LAST:
        left = [process for process in processes if process.status is None]
        for process in left:
            process.send(number)
        for process in left:
            try:
                process.process.wait(None if number == signal.SIGKILL else timeout_s)
            except subprocess.TimeoutExpired:
                continue
    return [process.wait(timeout_s) for process in processes]


class Processes:
    """Processes by name, that run as long as the context lasts at most."""

    def __init__(self) -> None:
        self._running: dict[str, Process] = {}
        self._handler: Callable[..., Any] | int | None = None

    def __enter__(self) -> Processes:
        # by itself SIGTERM would end this process without a word to those it has started
        if (
            threading.current_thread() is threading.main_thread()
            and signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
        ):
            self._handler = signal.signal(signal.SIGTERM, _exit)
        return self

    def __exit__(self, *error: object) -> None:
        self.stop(*self._running)
        if self._handler is not None:
            signal.signal(signal.SIGTERM, self._handler)
            self._handler = None

    def start(self, name: str, command: Sequence[str], log: Path | None = None) -> Process:
        """Start a process; see Process. :raises ProcessError: it cannot be started."""
        self._running[name] = process = Process(command, name, log=log)
        return process

    def __contains__(self, name: str) -> bool:
        return name in self._running

    def __getitem__(self, name: str) -> Process:
        return self._running[name]

    def stop(self, *names: str, timeout_s: float = STOP_TIMEOUT_S) -> list[int]:
        """Let processes end and forget them; return their exit statuses."""
        return stop_all([self._running.pop(name) for name in names], timeout_s)

    def ended(self) -> str:
        """Return which of them has ended by itself, or ''."""
        for name, process in self._running.items():
            if process.status is not None:
                return f'{name} ended with status {process.status}'
        return ''


def _exit(number: int, frame: object) -> None:
    sys.exit(128 + number)
