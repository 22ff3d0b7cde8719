#!/usr/bin/env python3
# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Change the package in small ways, one at a time, and see whether its tests notice.

    scripts/mutants.py                      a sample of every module, and the list by hand
    scripts/mutants.py pose.py exports.py   of these alone
    scripts/mutants.py --share 1            every change that is known: hours
    scripts/mutants.py --seed 7 --count 10  another sample: ten of every module
    scripts/mutants.py --again              those that survived last time, only

A change is made to a copy of the package, never to the working tree; of the tests only those run
that test/mutants.yaml names for the module, until the first fails. Results are kept in
build/mutants/, so that a run that was ended goes on where it was; delete them where tests were
taken away. Exit status 1: fewer than --least percent were noticed, or what test/mutants.yaml says
of the code no longer fits it.
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from importlib.util import cache_from_source
from pathlib import Path
from typing import Any

import yaml
from mutation import Mutant, Place, chance, listed_mutant, mutants_of

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / 'face_recon_ros'
TABLE = ROOT / 'test' / 'mutants.yaml'
RESULTS = ROOT / 'build' / 'mutants' / 'results.json'
# Of tests that take seconds: a mutant that loops for ever is noticed, too
LONGEST_TEST_S = 300
NOTICED, SURVIVED, EQUIVALENT, BROKEN = 'noticed', 'survived', 'equivalent', 'broken'


@dataclass(slots=True)
class Module:
    """A module to change: its text, the tests of it, and changes of which no test can tell."""

    name: str
    text: str
    tests: list[str]
    equivalent: set[Place]
    listed: list[Mutant]

    def digest(self, result: str) -> str:
        """
        Say what a result of it depends on: the module; and its tests, where none noticed.

        What is noticed stays so with more tests.
        """
        files = [] if result == NOTICED else [ROOT / 'test' / t.split('::')[0] for t in self.tests]
        parts = [self.text, *(f.read_text() for f in files)]
        return sha256('\0'.join(parts).encode()).hexdigest()[:16]


def modules_of(table: dict[str, Any], names: list[str]) -> tuple[list[Module], list[str]]:
    """Return the modules that the table names, and what in it no longer fits them."""
    modules, stale = [], []
    for name, entry in table.items():
        if names and name not in names:
            continue
        text = (PACKAGE / name).read_text()
        listed = []
        for change in entry.get('changes', []):
            try:
                listed.append(listed_mutant(name, text, change['old'], change['new']))
            except ValueError as error:
                stale.append(str(error))
        known = {m.place for m in mutants_of(name, text)}
        equivalent = set()
        for said in entry.get('equivalent', []):
            place = Place(said['at'], said['change'], said.get('nth', 1))
            equivalent.add(place)
            if place not in known:
                stale.append(f'{name} has no change {place.nth} of {place.change!r} on a line '
                             f'{place.at!r}')
        modules.append(Module(name, text, entry['tests'], equivalent, listed))
    unknown = set(names) - set(table)
    if unknown:
        sys.exit(f'mutants: {TABLE.name} has no {", ".join(sorted(unknown))}')
    return modules, stale


def sample_of(module: Module, share: float, count: int | None, seed: int) -> list[Mutant]:
    """
    Return the list by hand and some of all other changes, the same in each run with one seed.

    :param share: how many, of all that there are
    :param count: how many; None: by share
    """
    others = [m for m in mutants_of(module.name, module.text) if m.place not in module.equivalent]
    if count is None:
        return module.listed + [m for m in others if chance(m, seed) < share]
    chosen = sorted(others, key=lambda m: chance(m, seed))[:count]
    return module.listed + sorted(chosen, key=lambda m: m.line)


class Copies:
    """Copies of the package, to be changed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._free: list[Path] = []

    def take(self) -> Path:
        """Return the folder that holds one."""
        try:
            return self._free.pop()
        except IndexError:
            copy = self._new()
        return copy

    def _new(self) -> Path:
        copy = Path(tempfile.mkdtemp(dir=self._folder))
        shutil.copytree(PACKAGE, copy / PACKAGE.name,
                        ignore=shutil.ignore_patterns('__pycache__'))
        compileall.compile_dir(copy / PACKAGE.name, quiet=2)
        return copy

    def give_back(self, copy: Path) -> None:
        """Take one back, as it was."""
        self._free.append(copy)


def run_tests(copy: Path, tests: Iterable[str]) -> subprocess.CompletedProcess[str]:
    """Run tests on a copy of the package until the first fails."""
    environment = {**os.environ, 'PYTHONPATH': str(copy), 'PYTHONDONTWRITEBYTECODE': '1',
                   # half the time of a quick test is the loading of plugins
                   'PYTEST_DISABLE_PLUGIN_AUTOLOAD': '1'}
    arguments = ['-x', '-q', '--no-header', '-p', 'no:cacheprovider', '--tb=line',
                 '-p', 'pytest_timeout',
                 '-o', f'timeout={LONGEST_TEST_S}']
    return subprocess.run(
        [sys.executable, '-m', 'pytest', *arguments, *(f'test/{t}' for t in tests)],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def try_out(mutant: Mutant | None, module: Module, copies: Copies) -> dict[str, Any]:
    """Run the tests of a module on a mutant, or on the module as it is; return what came out."""
    begin_s = time.monotonic()
    copy = copies.take()
    file = copy / PACKAGE.name / module.name
    # a change may have the size and the second of what was compiled
    Path(cache_from_source(str(file))).unlink(missing_ok=True)
    try:
        file.write_text(mutant.text if mutant else module.text)
        done = run_tests(copy, module.tests)
    finally:
        file.write_text(module.text)
        copies.give_back(copy)
    # 1: a test failed; 2 and 4: the tests could not even be collected
    # and where the tests crash
    result = {0: SURVIVED, 1: NOTICED, 2: NOTICED, 4: NOTICED,
              -signal.SIGSEGV: NOTICED, -signal.SIGABRT: NOTICED}.get(done.returncode, BROKEN)
    failed = [line for line in done.stdout.splitlines() if line.startswith(('FAILED', 'ERROR'))]
    return {'result': result, 'by': failed[0][:160] if failed else '', 'output': done.stdout,
            'seconds': round(time.monotonic() - begin_s, 1)}


class Results:
    """What came out, kept on disk from the first on."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._by_key: dict[str, dict[str, Any]] = {}
        if path.is_file():
            self._by_key = json.loads(path.read_text())

    def get(self, mutant: Mutant, module: Module) -> dict[str, Any] | None:
        """Return a mutant's result if what it depends on is what it was."""
        known = self._by_key.get(_name(mutant))
        if known and known['digest'] == module.digest(known['result']):
            return known
        return None

    def survived(self, mutant: Mutant) -> bool:
        """Tell whether nothing noticed it the last time, whatever has changed since."""
        return self._by_key.get(_name(mutant), {}).get('result') == SURVIVED

    def put(self, mutant: Mutant, module: Module, outcome: dict[str, Any]) -> None:
        """Keep one."""
        kept = {k: v for k, v in outcome.items() if k != 'output'}
        digest = module.digest(outcome['result'])
        self._by_key[_name(mutant)] = {**kept, 'mutant': str(mutant), 'digest': digest}
        self._path.parent.mkdir(parents=True, exist_ok=True)
        whole = self._path.with_suffix('.new')
        whole.write_text(json.dumps(self._by_key, indent=1))
        whole.replace(self._path)


def _name(mutant: Mutant) -> str:
    return f'{mutant.module} {mutant.key}'


def check_unchanged(modules: list[Module], copies: Copies) -> None:
    """Leave if tests fail without a change: they would notice everything."""
    for tests in {tuple(m.tests): m for m in modules}.values():
        outcome = try_out(None, tests, copies)
        if outcome['result'] != SURVIVED:
            sys.exit(f'mutants: the tests of {tests.name} fail without a change:\n'
                     + outcome['output'][-2000:])


def summary(rows: list[tuple[Mutant, dict[str, Any]]], least: float) -> bool:
    """Print the table and the survivors; return whether enough were noticed."""
    print('\n| module | changes | noticed | survived | % |\n|---|---|---|---|---|')
    by_module: dict[str, list[str]] = {}
    for mutant, outcome in rows:
        by_module.setdefault(mutant.module, []).append(outcome['result'])
        by_module.setdefault('all', []).append(outcome['result'])
    for name in sorted(by_module, key=lambda n: (n == 'all', n)):
        results = by_module[name]
        noticed = results.count(NOTICED)
        print(f'| {name} | {len(results)} | {noticed} | {results.count(SURVIVED)} '
              f'| {100 * noticed / len(results):.0f} |')
    print('\nSurvivors:')
    for mutant, outcome in rows:
        if outcome['result'] != NOTICED:
            print(f'  {mutant} {"" if outcome["result"] == SURVIVED else "BROKEN"}')
    results = by_module.get('all', [])
    return bool(results) and results.count(NOTICED) >= least / 100 * len(results)


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('modules', nargs='*', metavar='MODULE', help='e.g. pose.py; default all')
    amount = parser.add_mutually_exclusive_group()
    amount.add_argument('--share', type=float, default=0.12, help='of all changes (0.12)')
    amount.add_argument('--count', type=int, help='of each module, instead')
    parser.add_argument('--seed', type=int, default=0, help='of the sample (0)')
    parser.add_argument('--jobs', type=int, default=os.cpu_count(), help='at the same time')
    parser.add_argument('--least', type=float, default=85.0, help='percent to be noticed (85)')
    parser.add_argument('--again', action='store_true', help='only those that survived')
    parser.add_argument('--list', action='store_true', help='say what would be tried')
    arguments = parser.parse_args()
    modules, stale = modules_of(yaml.safe_load(TABLE.read_text()), arguments.modules)
    for line in stale:
        print(f'stale: {line}')
    results = Results(RESULTS)
    tasks = [(mutant, m) for m in modules for mutant in
             sample_of(m, arguments.share, arguments.count, arguments.seed)]
    if arguments.again:
        tasks = [t for t in tasks if results.survived(t[0])]
    if arguments.list:
        print(*(m for m, _ in tasks), sep='\n')
        return 0
    with tempfile.TemporaryDirectory(prefix='mutants_') as folder:
        copies = Copies(Path(folder))
        todo = [t for t in tasks if not results.get(*t)]
        check_unchanged([m for m in modules if any(t[1] is m for t in todo)], copies)
        with ThreadPoolExecutor(arguments.jobs) as pool:
            outcomes = pool.map(lambda task: try_out(task[0], task[1], copies), todo)
            for number, ((mutant, module), outcome) in enumerate(
                    zip(todo, outcomes, strict=True), start=1):
                results.put(mutant, module, outcome)
                print(f'{number}/{len(todo)} {outcome["result"]} {outcome["seconds"]:.0f} s '
                      f'{mutant} {outcome["by"]}', flush=True)
    rows = [(t[0], found) for t in tasks if (found := results.get(*t))]
    return 0 if summary(rows, arguments.least) and not stale else 1


if __name__ == '__main__':
    sys.exit(main())
