"""
A node as a process: starts it, ends it, and turns what goes wrong into one line and a status.

Imports no ROS: signals are handled from the first line on, whatever is still being imported.
"""

from __future__ import annotations

import signal
import sys
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from face_recon_ros.errors import FaceReconError

if TYPE_CHECKING:
    from rclpy.node import Node

EXIT_OK = 0
EXIT_REFUSED = 1


class _Stop(BaseException):
    """Ends the start of a process at a signal; no `except Exception` may keep it."""


class Signals:
    """SIGINT and SIGTERM: during the start they interrupt it, later rclpy ends the spinning."""

    def __init__(self) -> None:
        self.stopped = False
        self._interrupting = True
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)

    def interrupt_no_more(self) -> None:
        """From here on a signal is only noted (rclpy wakes what waits)."""
        self._interrupting = False

    def _on_signal(self, _number: int, _frame: object) -> None:
        self.stopped = True
        if self._interrupting:
            raise _Stop


def run(load: Callable[[], Callable[[], Node]], arguments: list[str] | None = None) -> int:
    """
    Run a node until it is told to stop; return the exit status.

    :param load: imports what is needed and returns the node's constructor. A node may have
        ``close()``, called before it is destroyed.
    :param arguments: command line without the program's name; None: of this process.
    """
    signals = Signals()
    try:
        return _run(load, arguments, signals)
    except _Stop:
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

    fastdds.use_image_profile()
    fastdds.keep_image_memory()
    import rclpy
    import rclpy.exceptions
    import rclpy.executors

    make_node = load()
    signals.interrupt_no_more()
    if signals.stopped:
        return EXIT_OK
    refusals = (
        FaceReconError,
        rclpy.exceptions.InvalidParameterTypeException,
        rclpy.exceptions.InvalidParameterValueException,
    )
    rclpy.init(args=None if arguments is None else [sys.argv[0], *arguments])
    node: Any = None
    # what rclpy says of a node whose start a signal has interrupted
    warnings.filterwarnings('ignore', 'Failed to fini', RuntimeWarning)
    try:
        node = make_node()
        rclpy.spin(node)
    except rclpy.executors.ExternalShutdownException:
        pass
    except refusals as error:
        sys.stderr.write(f'error: {" ".join(str(error).split())}\n')
        return EXIT_REFUSED
    except Exception:
        # What a signal pulls away during the start fails in many ways; they are not news. rclpy
        # ends the context before Python gets to note the signal.
        if rclpy.ok() and not signals.stopped:
            raise
    finally:
        if node is not None:
            close = getattr(node, 'close', None)
            if close is not None:
                close()
            node.destroy_node()
        rclpy.try_shutdown()
    return EXIT_OK
