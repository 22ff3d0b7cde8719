# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
A node as a process: starts it, ends it, and turns what goes wrong into one line and a status.

Imports no ROS: signals are handled from the first line on, whatever is still being imported.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

from face_recon_ros.errors import FaceReconError
from face_recon_ros.nodes.installation import require_ros

if TYPE_CHECKING:
    from rclpy.node import Node

EXIT_OK = 0
EXIT_REFUSED = 1
# For how long a thread of Python may keep others waiting that follow faces: rclpy's holds the
# interpreter for most of a millisecond after each message, and Python's own limit is 5 ms
SWITCH_INTERVAL_S = 2e-4
_NUMBERS = (signal.SIGINT, signal.SIGTERM)


class Stopped(BaseException):
    """Ends the start of a process at a signal; no `except Exception` may keep it."""


class Signals:
    """
    SIGINT and SIGTERM: during the imports they interrupt, later they are noted and told on.

    rclpy's own handlers would end the context at once: what a node has shown of faces could not
    be withdrawn any more, and every thread that publishes would fail.
    """

    def __init__(self) -> None:
        self.stopped = False
        self._interrupting = True
        for number in _NUMBERS:
            signal.signal(number, self._on_signal)

    def interrupt_no_more(self) -> None:
        """From here on a signal is only noted."""
        self._interrupting = False

    def release(self) -> None:
        """From here on a signal ends the process, as that of a program that is executed next."""
        for number in _NUMBERS:
            signal.signal(number, signal.SIG_DFL)

    def call(self, wake: Callable[[], object]) -> None:
        """Call `wake` in a thread of its own at the next signal: a node that waits sees none."""
        read_end, write_end = os.pipe()
        os.set_blocking(write_end, False)
        signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)

        def wait() -> None:
            os.read(read_end, 1)
            wake()

        threading.Thread(target=wait, name='signals', daemon=True).start()

    def _on_signal(self, _number: int, _frame: object) -> None:
        self.stopped = True
        if self._interrupting:
            raise Stopped


def run(load: Callable[[], Callable[[], Node]], arguments: list[str] | None = None) -> int:
    """
    Run a node until it is told to stop; return the exit status.

    :param load: imports what is needed and returns the node's constructor. A node may have
        ``close()``, called before it is destroyed, and ``left_work``: threads of it go on.
    :param arguments: command line without the program's name; None: of this process.
    """
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    return until_signal(lambda signals: _run(load, arguments, signals))


def until_signal(work: Callable[[Signals], int]) -> int:
    """
    Do some work; return its status, and EXIT_OK where a signal ended it.

    :param work: sees in what it is given whether it shall end, once it is interrupted no more.
    """
    signals = Signals()
    try:
        return work(signals)
    except Stopped:
        return EXIT_OK
    except FaceReconError as error:
        sys.stderr.write(f'error: {error}\n')
        return EXIT_REFUSED
    except Exception:
        # C extensions turn an interruption of their import into an ImportError
        if signals.stopped:
            return EXIT_OK
        raise


def _run(
    load: Callable[[], Callable[[], Node]], arguments: list[str] | None, signals: Signals
) -> int:
    from face_recon_ros.nodes import fastdds

    require_ros()
    fastdds.use_image_profile()
    fastdds.keep_image_memory()
    import rclpy
    import rclpy.exceptions
    import rclpy.executors

    make_node = load()
    signals.interrupt_no_more()
    if signals.stopped:
        return EXIT_OK
    start_ros(None if arguments is None else [sys.argv[0], *arguments])
    refusals = (
        FaceReconError,
        rclpy.exceptions.InvalidParameterTypeException,
        rclpy.exceptions.InvalidParameterValueException,
    )
    node: Any = None
    try:
        node = make_node()
        _spin(node, signals)
    except rclpy.executors.ExternalShutdownException:
        pass
    except refusals as error:
        sys.stderr.write(f'error: {" ".join(str(error).split())}\n')
        return EXIT_REFUSED
    finally:
        if node is not None:
            close = getattr(node, 'close', None)
            if close is not None:
                close()
            node.destroy_node()
        rclpy.try_shutdown()
    if getattr(node, 'left_work', False):
        _end_at_once(EXIT_OK)
    return EXIT_OK


def start_ros(command_line: list[str] | None) -> None:
    """
    Start rclpy, without its signal handlers.

    :param command_line: the program's name and arguments; None: of this process.
    :raises FaceReconError: ROS arguments or variables of the environment cannot be used.
    """
    import rclpy
    from rclpy.impl.implementation_singleton import rclpy_implementation
    from rclpy.signals import SignalHandlerOptions

    try:
        rclpy.init(args=command_line, signal_handler_options=SignalHandlerOptions.NO)
    except rclpy_implementation.UnknownROSArgsError as error:
        raise FaceReconError(f'unknown ROS arguments: {error}') from error
    except rclpy_implementation.RCLError as error:
        # without what rcl says of its own sources
        text = re.sub(r',? at \S+:\d+|Error: error not set', '', str(error))
        raise FaceReconError(' '.join(text.split())) from error


def _end_at_once(status: int) -> NoReturn:
    """
    End the process while threads of it work in C++, when all has been given back.

    At its own end Python unwinds such threads, which C++ takes for an error and aborts.
    """
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
    os._exit(status)


def _spin(node: Node, signals: Signals) -> None:
    """Let the node work until a signal comes, or came already."""
    import rclpy
    from rclpy.task import Future

    told: Future[bool] = Future()
    signals.call(lambda: told.set_result(True))
    if not signals.stopped:
        rclpy.spin_until_future_complete(node, told)
