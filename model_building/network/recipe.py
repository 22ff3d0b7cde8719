# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Make models/face_recon.tflite from data folders by one config file: ``make network``.

    python -m model_building.network.recipe CONFIG --genki F --ict F --portraits F
        [--work DIR] [--output FILE]

A config (configs/shipped.yaml) is a list of steps: `run` names a module of this folder, the other
keys are its options; or `from_git` takes a file out of the repository's history. {genki}, {ict},
{portraits}, {work} and {output} stand for the folders. A step that was done with the same options
is not done again; one that was cut off goes on where its module can.
"""
from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from face_recon_ros.io.outputs import write_bytes

ROOT = Path(__file__).resolve().parents[2]
MODULES = ('photos', 'generate', 'train', 'export')
GIT_KEYS = {'from_git', 'path', 'output', 'sha256'}


class RecipeError(Exception):
    """What is wrong with a config, in one line."""


@dataclass(slots=True, frozen=True)
class Step:
    """A module and its arguments, or a file of a commit."""

    module: str
    arguments: tuple[str, ...]

    @property
    def mark(self) -> str:
        """Return the name of the file that says this step was done."""
        digest = hashlib.sha256(json.dumps([self.module, *self.arguments]).encode())
        return f'{self.module}_{digest.hexdigest()[:16]}'


def read(path: Path, folders: Mapping[str, Path]) -> list[Step]:
    """
    Return the steps of a config.

    :raises RecipeError: it cannot be read, or asks for what there is not.
    """
    try:
        config = yaml.safe_load(path.read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise RecipeError(f'{path}: {" ".join(str(error).split())}') from error
    steps = config.get('steps') if isinstance(config, dict) else None
    if not isinstance(steps, list) or not steps:
        raise RecipeError(f'{path}: no steps; see configs/shipped.yaml')
    return [_step(f'{path}: step {i}', step, folders) for i, step in enumerate(steps, 1)]


def _step(where: str, step: object, folders: Mapping[str, Path]) -> Step:
    if not isinstance(step, dict):
        raise RecipeError(f'{where}: want options by name')
    if 'from_git' in step:
        if set(step) != GIT_KEYS:
            raise RecipeError(f'{where}: from_git wants {", ".join(sorted(GIT_KEYS))}')
        return Step('from_git', tuple(
            _filled(where, step[key], folders) for key in ('from_git', 'path', 'output', 'sha256')
        ))
    module = step.get('run')
    if module not in MODULES:
        raise RecipeError(f'{where}: run {module!r}; choose one of {", ".join(MODULES)}')
    arguments: list[str] = []
    for key, value in step.items():
        if key == 'run' or value is False:
            continue
        arguments.append(f'--{key}')
        if value is not True:
            values = value if isinstance(value, list) else [value]
            arguments += [_filled(where, one, folders) for one in values]
    return Step(module, tuple(arguments))


def _filled(where: str, value: Any, folders: Mapping[str, Path]) -> str:
    try:
        return str(value).format_map({name: str(path) for name, path in folders.items()})
    except KeyError as error:
        raise RecipeError(
            f'{where}: {value}: no folder {error}; there are {", ".join(folders)}'
        ) from error
    except (ValueError, IndexError) as error:
        raise RecipeError(f'{where}: {value}: {error}') from error


def follow(steps: Iterable[Step], work: Path) -> None:
    """
    Do what was not done yet.

    :raises RecipeError: a step failed; it has said why.
    """
    done = work / 'done'
    done.mkdir(parents=True, exist_ok=True)
    for step in steps:
        mark = done / step.mark
        line = f'{step.module} {" ".join(step.arguments)}'
        if mark.exists():
            sys.stdout.write(f'done before: {line}\n')
            continue
        sys.stdout.write(f'{line}\n')
        sys.stdout.flush()
        if step.module == 'from_git':
            _take_from_git(*step.arguments)
        else:
            command = [sys.executable, '-m', f'model_building.network.{step.module}']
            if subprocess.run([*command, *step.arguments], cwd=ROOT, check=False).returncode:
                raise RecipeError(f'{step.module} failed; the same command goes on from there')
        mark.touch()


def _take_from_git(commit: str, path: str, output: str, sha256: str) -> None:
    """Write a file as it was at a commit."""
    found = subprocess.run(['git', 'show', f'{commit}:{path}'], cwd=ROOT, capture_output=True,
                           check=False)
    if found.returncode:
        reason = found.stderr.decode(errors='replace').strip()
        raise RecipeError(f'{commit}:{path}: {reason}; clone with the whole history')
    if hashlib.sha256(found.stdout).hexdigest() != sha256:
        raise RecipeError(f'{commit}:{path}: not the file of sha256 {sha256}')
    Path(output).parent.mkdir(parents=True, exist_ok=True)
    write_bytes(Path(output), found.stdout)


def main() -> int:
    """Run the command; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog='python -m model_building.network.recipe', description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', type=Path)
    parser.add_argument('--genki', type=Path, required=True, help='photos of GENKI-4K')
    parser.add_argument('--ict', type=Path, required=True, help='folder of the ICT face model')
    parser.add_argument('--portraits', type=Path, required=True, help='folder of portraits')
    parser.add_argument('--work', type=Path, default=ROOT / 'build' / 'network',
                        help='what is made on the way, some GB (default: %(default)s)')
    parser.add_argument('--output', type=Path, default=ROOT / 'models' / 'face_recon.tflite')
    arguments = parser.parse_args()
    folders = {name: getattr(arguments, name).absolute()
               for name in ('genki', 'ict', 'portraits', 'work', 'output')}
    try:
        for name in ('genki', 'ict', 'portraits'):
            if not folders[name].is_dir():
                raise RecipeError(f'{folders[name]}: no such folder; give another --{name}')
        follow(read(arguments.config, folders), folders['work'])
    except (RecipeError, OSError) as error:
        sys.stderr.write(f'{error}\n')
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
