#!/usr/bin/env python3
# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Feed damaged and random input to the package: it is refused with an error of ours, or works.

    scripts/fuzz.py                      a thousand cases of every kind
    scripts/fuzz.py --cases 1000000      a million of every kind: hours
    scripts/fuzz.py images --seed 5      of one kind, other cases
    scripts/fuzz.py images --engine atheris    guided by coverage (pip install atheris)
    scripts/fuzz.py images --replay FILE       one case again

Kinds: images (files), encodings (raw and compressed messages), calibrations, face_models (.npz),
networks (.tflite), bags, csv (names). What fails is kept in build/fuzz/; a death of the process,
as of a segmentation fault, is a failure, too. Exit status 1: something failed.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import tempfile
import time
import traceback
from pathlib import Path
from random import Random

from fuzz_targets import TARGETS, Target

ROOT = Path(__file__).resolve().parents[1]
FAILED = ROOT / 'build' / 'fuzz'
LARGEST = 1 << 20
# Where a case is written: in memory, where there is such a place
SCRATCH = '/dev/shm' if os.access('/dev/shm', os.W_OK) else None


def mutated(data: bytes, random: Random) -> bytes:
    """Return data with a few of the damages that files and links do, and some that malice does."""
    changed = bytearray(data)
    for _ in range(random.choice((1, 1, 1, 2, 4, 16))):
        kind = random.randrange(8)
        at = random.randrange(len(changed) + 1)
        if kind == 0:
            del changed[at:]
        elif kind == 1:
            del changed[at : at + random.randrange(1, 64)]
        elif kind == 2:
            changed[at:at] = random.randbytes(random.randrange(1, 64))
        elif kind == 3:
            changed[at:at] = changed[random.randrange(len(changed) + 1) :][:4096]
        elif kind == 4 and changed:
            changed += bytes(random.choice((1, 100, 5000)))
        elif changed:
            at = min(at, len(changed) - 1)
            if kind == 5:
                changed[at] ^= 1 << random.randrange(8)
            elif kind == 6:
                changed[at] = random.choice((0, 1, 127, 128, 255))
            else:
                changed[at : at + 4] = random.choice(
                    (b'\0\0\0\0', b'\xff\xff\xff\xff', b'\xff\xff\xff\x7f', b'\0\0\0\x80'))
    return bytes(changed[:LARGEST])


def case_of(target: Target, seeds: list[bytes], number: int, seed: int) -> bytes:
    """Return a case; the same for the same numbers."""
    random = Random(f'{target.name} {seed} {number}')
    if number < len(seeds):
        return seeds[number]
    if not seeds or random.random() < 0.02:
        return random.randbytes(random.randrange(200))
    return mutated(random.choice(seeds), random)


def work(name: str, first: int, last: int, seed: int, most: int, current: str) -> None:
    """Run cases in a process of its own; leave the one in hand in the file `current`."""
    target = TARGETS[name]
    seeds = target.seeds()
    # decoders write of each case what is wrong with it
    sys.stderr = os.fdopen(os.dup(2), 'w')
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    scratch = tempfile.TemporaryDirectory(prefix='fuzz_', dir=SCRATCH)
    with scratch as folder, open(current, 'wb') as note:
        for number in range(first, last):
            data = case_of(target, seeds, number, seed)
            note.seek(0)
            note.truncate()
            note.write(number.to_bytes(8, 'little') + data)
            note.flush()
            try:
                target.run(data, Path(folder))
            except BaseException:
                FAILED.mkdir(parents=True, exist_ok=True)
                path = FAILED / f'{name}_{seed}_{number}'
                path.write_bytes(data)
                path.with_suffix('.txt').write_text(traceback.format_exc())
                sys.stderr.write(f'{name}: case {number} fails: {path}\n'
                                 f'  {traceback.format_exc().splitlines()[-1]}\n')
                most -= 1
                if most == 0:
                    break
        note.seek(0)
        note.truncate()


def fuzz(name: str, cases: int, seed: int, most: int) -> int:
    """Run cases of a kind; return how many failed. A process that dies is followed by another."""
    before = len(list(FAILED.glob(f'{name}_*.txt')))
    died, first = 0, 0
    # spawn: what is loaded here stays out of it
    context = multiprocessing.get_context('spawn')
    with tempfile.TemporaryDirectory(prefix='fuzz_', dir=SCRATCH) as folder:
        current = Path(folder, 'case')
        while first < cases and died + len(list(FAILED.glob(f'{name}_*.txt'))) - before < most:
            last = min(first + 20_000, cases)
            worker = context.Process(target=work, args=(
                name, first, last, seed, most, str(current)))
            worker.start()
            worker.join()
            first = last
            if worker.exitcode:
                if not current.is_file():
                    sys.exit(f'fuzz: {name}: there are no cases to begin with')
                noted = current.read_bytes()
                number, data = int.from_bytes(noted[:8], 'little'), noted[8:]
                FAILED.mkdir(parents=True, exist_ok=True)
                path = FAILED / f'{name}_{seed}_{number}'
                path.write_bytes(data)
                died += 1
                sys.stderr.write(f'{name}: case {number} ends the process '
                                 f'(exit status {worker.exitcode}): {path}\n')
                first = number + 1
    return died + len(list(FAILED.glob(f'{name}_*.txt'))) - before


def fuzz_with_atheris(name: str, cases: int, seed: int) -> int:
    """Let atheris choose cases by what they reach; it ends the process at the first failure."""
    try:
        import atheris
    except ImportError:
        sys.exit('fuzz: atheris is not installed: pip install atheris, or leave out --engine')
    target = TARGETS[name]
    corpus = FAILED / 'corpus' / name
    corpus.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(target.seeds()):
        (corpus / f'seed_{number}').write_bytes(data)
    folder = Path(tempfile.mkdtemp(prefix='fuzz_', dir=SCRATCH))
    atheris.instrument_all()
    atheris.Setup(
        [sys.argv[0], f'-runs={cases}', f'-seed={seed + 1}', f'-max_len={LARGEST}',
         f'-artifact_prefix={FAILED}/{name}_', str(corpus)],
        lambda data: target.run(data, folder))
    atheris.Fuzz()
    return 0


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('kinds', nargs='*', metavar='KIND', help=', '.join(TARGETS))
    parser.add_argument('--cases', type=int, default=1000, help='of each kind (1000)')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--most', type=int, default=20, help='failures after which a kind ends')
    parser.add_argument('--engine', choices=('own', 'atheris'), default='own')
    parser.add_argument('--replay', type=Path, metavar='FILE', help='run this case alone')
    arguments = parser.parse_args()
    if unknown := set(arguments.kinds) - set(TARGETS):
        parser.error(f'no kind {", ".join(sorted(unknown))}: choose of {", ".join(TARGETS)}')
    os.environ['OPENCV_LOG_LEVEL'] = 'SILENT'
    kinds = arguments.kinds or list(TARGETS)
    if (arguments.replay or arguments.engine == 'atheris') and len(kinds) != 1:
        parser.error('name one kind')
    if arguments.replay:
        TARGETS[kinds[0]].run(arguments.replay.read_bytes(), Path(tempfile.mkdtemp()))
        return 0
    if arguments.engine == 'atheris':
        return fuzz_with_atheris(kinds[0], arguments.cases, arguments.seed)
    failures = 0
    for name in kinds:
        begin_s = time.monotonic()
        cases = max(1, arguments.cases // TARGETS[name].cost)
        failed = fuzz(name, cases, arguments.seed, arguments.most)
        print(f'{name}: {cases} cases, {failed} failed, {time.monotonic() - begin_s:.0f} s',
              flush=True)
        failures += failed
    return 1 if failures else 0


if __name__ == '__main__':
    sys.exit(main())
