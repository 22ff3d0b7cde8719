# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""`face-recon image|video|bench|info`: the pipeline over files and bags, without ROS."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from face_recon_ros import opencv
from face_recon_ros.cli import bench, image, info, video
from face_recon_ros.cli.options import PICTURE_MODES, OneLineParser, exports_first
from face_recon_ros.cli.terminal import complain, flush, leave_output
from face_recon_ros.errors import FaceReconError

__all__ = ['PICTURE_MODES', 'main']


class _Terminated(BaseException):
    """The program was ended by a signal other than SIGINT."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.status = 128 + number


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    options, unknown = _parser().parse_known_args(exports_first(given))
    if unknown:
        # the command's own help lists what there is
        options.parser.error(f'unrecognized arguments: {" ".join(unknown)}')
    # this program reports errors with the file's name; those of OpenCV and FFmpeg would be doubles
    os.environ.setdefault('OPENCV_FFMPEG_LOGLEVEL', '-8')
    opencv.silence()
    try:
        with _signals_as_errors():
            status = options.run(options)
            flush()
            return status
    except FaceReconError as error:
        complain(str(error))
        return 1
    except BrokenPipeError:
        leave_output()
        return 1
    except OSError as error:  # of standard output: those of files are reported one by one
        leave_output()
        complain(f'{error.filename or "standard output"}: {error.strerror or error}')
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except _Terminated as end:
        return end.status


@contextmanager
def _signals_as_errors() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end the program as Ctrl-C does, so that files are completed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number: int, frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_IGN)
        raise _Terminated(number)

    numbers = [
        n for n in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(n) == signal.SIG_DFL
    ]
    for number in numbers:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in numbers:
            signal.signal(number, signal.SIG_DFL)


def _parser() -> OneLineParser:
    parser = OneLineParser(prog='face-recon', description=__doc__)
    commands = parser.add_subparsers(required=True, metavar='COMMAND')
    for module in (image, video, bench, info):
        module.add_command(commands)
    for command in commands.choices.values():
        command.set_defaults(parser=command)
    return parser
