# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the command line prints: results, errors, and a progress bar."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import TextIO, TypeVar

from tqdm import tqdm

PROGRESS_AFTER_S = 1.0
# Characters in names that would break or hide a line
_ESCAPED = {code: f'\\x{code:02x}' for code in [*range(32), *range(127, 160)]}
_ESCAPED[ord('\n')], _ESCAPED[ord('\t')] = '\\n', '\\t'

T = TypeVar('T')


def say(message: str) -> None:
    """Print a line of results."""
    say_lines(message.translate(_ESCAPED))


def note(message: str) -> None:
    """Print a line of results where standard output is for something else."""
    _write(message.translate(_ESCAPED), sys.stderr)


def say_lines(text: str, beside: bool = False) -> None:
    """Print a table; beside standard output where that is for something else."""
    _write(text, sys.stderr if beside else sys.stdout)


def complain(message: str) -> None:
    """Print a line about an error, or an input that was left out."""
    _write(f'face-recon: {message.translate(_ESCAPED)}', sys.stderr)


def _write(text: str, stream: TextIO | None) -> None:
    if stream is None:  # closed by the caller's shell
        return
    encoding = getattr(stream, 'encoding', None) or 'utf-8'
    printable = text.encode(encoding, 'backslashreplace').decode(encoding)
    tqdm.write(printable, file=stream)


def flush() -> None:
    """Flush the output. :raises OSError: closed by the reader, or a file on a full disk."""
    if sys.stdout is not None:
        sys.stdout.flush()


def leave_output() -> None:
    """Replace standard output, so that Python does not fail on it again at exit."""
    with suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def progress(items: Iterable[T], total: int | None, unit: str) -> Iterable[T]:
    """Show a progress bar on a terminal if it takes longer than a moment."""
    if sys.stderr is None:  # closed by the caller's shell
        return items
    return tqdm(
        items, total=total, unit=unit, delay=PROGRESS_AFTER_S, leave=False, disable=None
    )
