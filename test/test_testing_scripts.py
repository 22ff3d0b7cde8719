# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The scripts that test the tests: changes of code, and damaged input."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

SCRIPTS = Path(__file__).resolve().parents[1] / 'scripts'


@pytest.fixture(scope='module', autouse=True)
def _scripts_are_importable():
    sys.path.insert(0, str(SCRIPTS))
    yield
    sys.path.remove(str(SCRIPTS))


CODE = '''"""Says 1 < 2."""
LIMIT: int = 3  # 4 of them


def f(a: int = 5) -> bool:
    """Return 6."""
    if a < LIMIT and a:
        raise ValueError('a is %d' % 7)
    return min(a, 2.5) + 1 > 0
'''


def changed_lines(text, mutant):
    pairs = zip(text.splitlines(), mutant.text.splitlines(), strict=True)
    return [new.strip() for old, new in pairs if old != new]


def test_changes_of_a_file():
    from mutation import mutants_of

    changes = sorted(line for m in mutants_of('f.py', CODE) for line in changed_lines(CODE, m))
    expected = {
        'LIMIT: int = 4  # 4 of them',
        'def f(a: int = 6) -> bool:',
        'if a <= LIMIT and a:',
        'if a >= LIMIT and a:',
        'if a < LIMIT or a:',
        'if True and a:',
        'if a < LIMIT and True:',
        'return max(a, 2.5) + 1 > 0',
        'return min(a, 5.0) + 1 > 0',
        'return min(a, 2.5) - 1 > 0',
        'return min(a, 2.5) + 2 > 0',
        'return min(a, 2.5) + 1 >= 0',
        'return min(a, 2.5) + 1 <= 0',
        'return min(a, 2.5) + 1 > 1',
    }
    assert expected <= set(changes)
    # what a file only says is left alone
    assert not any('"""' in line or 'raise' in line for line in changes)
    for mutant in mutants_of('f.py', CODE):
        compile(mutant.text, 'f.py', 'exec')


def test_a_change_keeps_its_key_where_its_line_moves():
    from mutation import mutants_of

    keys = [m.key for m in mutants_of('f.py', CODE)]
    moved = [m.key for m in mutants_of('f.py', CODE.replace('LIMIT: int', '\n\nLIMIT: int'))]
    assert keys == moved
    assert len(set(keys)) == len(keys)
    # and where the file is renamed
    assert keys == [m.key for m in mutants_of('room/g.py', CODE)]


def test_the_places_of_changes():
    from mutation import Place, mutants_of

    text = 'a = 1 < 2\nb = [3, 3]\nif True:\n    a = 1 < 2\n'
    places = [m.place for m in mutants_of('f.py', text)]
    assert Place('a = 1 < 2', '< -> <=') in places
    assert Place('a = 1 < 2', '< -> <=', 2) in places
    assert Place('b = [3, 3]', '3 -> 4', 2) in places
    assert Place('b = [3, 3]', '3 -> 4', 3) not in places


@pytest.fixture
def module_of_sums(tmp_path, monkeypatch):
    """A package of one module, and what modules_of() makes of a table about it."""
    import mutants

    (tmp_path / 'room').mkdir()
    (tmp_path / 'room' / 'sums.py').write_text(
        ''.join(f'def f{n}(a):\n    return a + {n}\n' for n in range(50)))
    monkeypatch.setattr(mutants, 'PACKAGE', tmp_path)

    def module(**entry):
        return mutants.modules_of({'room/sums.py': {'tests': [], **entry}}, [])

    return module


def test_changes_without_a_difference_are_left_out_and_told_when_they_no_longer_fit(
    module_of_sums,
):
    from mutants import sample_of

    equivalent = [{'at': 'return a + 7', 'change': '+ -> -', 'why': 'made up'}]
    (module,), stale = module_of_sums(equivalent=equivalent)
    assert stale == []
    said = [m.what for m in sample_of(module, 1.0, None, 0)]
    assert len(said) == 99
    assert 'return a + 7   [+ -> -]' not in said
    for wrong in ({'at': 'return a + 70'}, {'change': '+ -> *'}, {'nth': 2}):
        _, stale = module_of_sums(equivalent=[{**equivalent[0], **wrong}])
        (line,) = stale
        assert line.startswith('room/sums.py has no change')


def test_samples_are_the_same_for_a_seed_and_others_for_another(module_of_sums):
    from mutants import sample_of

    (module,), _ = module_of_sums(changes=[{'old': 'a + 30', 'new': 'a'}])

    def sample(seed, count=10, share=0.5):
        return [m.what for m in sample_of(module, share, count, seed)]

    # the list by hand comes on top
    assert len(sample(3)) == 11
    assert sample(3)[0] == 'a + 30 -> a'
    assert sample(3) == sample(3)
    assert len(set(sample(3)) & set(sample(4))) < 9
    assert set(sample(3)) <= set(sample(3, count=20))
    assert 30 < len(sample(3, count=None)) < 70
    assert len(sample(3, count=1000)) == 101


def test_a_change_by_hand_has_to_fit_once():
    from mutation import listed_mutant

    mutant = listed_mutant('f.py', CODE, 'a < LIMIT', 'a < 1')
    assert changed_lines(CODE, mutant) == ['if a < 1 and a:']
    assert mutant.line == 7
    for old in ('a > LIMIT', 'a'):
        with pytest.raises(ValueError, match=r'f\.py holds \d+ times'):
            listed_mutant('f.py', CODE, old, 'b')


def test_the_table_of_mutants_names_files_that_are_there():
    root = SCRIPTS.parent
    for module, entry in yaml.safe_load((root / 'test' / 'mutants.yaml').read_text()).items():
        assert (root / 'face_recon_ros' / module).is_file(), module
        for name in entry['tests']:
            assert (root / 'test' / name).is_file(), name
        assert all(e['why'] for e in entry.get('equivalent', []))


def test_the_table_of_mutants_fits_the_code():
    import mutants

    _, stale = mutants.modules_of(yaml.safe_load(mutants.TABLE.read_text()), [])
    assert stale == [], 'change these entries of test/mutants.yaml, or take them out'


@pytest.mark.parametrize('word', ['mutants.py --seed 7 --count 10', 'fuzz.py images --replay'])
def test_the_help_of_the_scripts_has_examples(word):
    done = subprocess.run(
        [sys.executable, str(SCRIPTS / word.split()[0]), '--help'],
        capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert f'scripts/{word}' in done.stdout


def test_a_mutant_is_noticed_by_a_test_that_fails(tmp_path, monkeypatch):
    """On a package of one module: a test that tells, and one that does not."""
    import mutants
    from mutation import mutants_of

    # not where pytest begins: that comes before PYTHONPATH
    package = tmp_path / 'sources' / 'face_recon_ros'
    package.mkdir(parents=True)
    (package / '__init__.py').touch()
    (package / 'sums.py').write_text('def add(a, b):\n    return a + b\n')
    (tmp_path / 'test').mkdir()
    for name, asserted in (('tells', 'add(2, 3) == 5'), ('does_not', 'add(2, 0) == 2')):
        (tmp_path / 'test' / f'test_{name}.py').write_text(
            f'from face_recon_ros.sums import add\n\n\ndef test_add():\n    assert {asserted}\n')
    monkeypatch.setattr(mutants, 'ROOT', tmp_path)
    monkeypatch.setattr(mutants, 'PACKAGE', package)
    text = (package / 'sums.py').read_text()
    (mutant,) = mutants_of('sums.py', text)
    copies = mutants.Copies(tmp_path)
    results = mutants.Results(tmp_path / 'results.json')
    for name, expected in (('tells', 'noticed'), ('does_not', 'survived')):
        module = mutants.Module('sums.py', text, [f'test_{name}.py'], set(), [])
        outcome = mutants.try_out(mutant, module, copies)
        assert outcome['result'] == expected, outcome['output']
        assert mutants.try_out(None, module, copies)['result'] == 'survived'
        results.put(mutant, module, outcome)
    assert (package / 'sums.py').read_text() == text
    # it is kept until a test that did not notice changes
    again = mutants.Results(tmp_path / 'results.json')
    assert again.survived(mutant)
    assert again.get(mutant, module)['result'] == 'survived'
    (tmp_path / 'test' / 'test_does_not.py').write_text('')
    assert again.get(mutant, module) is None


def test_damage_is_the_same_for_the_same_numbers():
    from fuzz import case_of
    from fuzz_targets import Target

    target = Target('any', lambda data, folder: None, list)
    seeds = [b'abc' * 50, b'']
    assert case_of(target, seeds, 0, 7) == seeds[0]
    cases = [case_of(target, seeds, n, 7) for n in range(2, 300)]
    assert cases == [case_of(target, seeds, n, 7) for n in range(2, 300)]
    assert len(set(cases)) > 150
    assert cases != [case_of(target, seeds, n, 8) for n in range(2, 300)]
    assert max(map(len, cases)) <= 1 << 20


FAULTY = """
import os, sys
sys.path.insert(0, {scripts!r})
import fuzz
from pathlib import Path

def run(data, folder):
    if data == b'raise':
        raise RuntimeError('a fault')
    if data == b'die':
        os._exit(3)

fuzz.FAILED = Path({failed!r})
seeds = [b'fine', b'raise', b'fine', b'die', b'fine', b'raise']
fuzz.TARGETS = {{'made_up': fuzz.Target('made_up', run, lambda: seeds)}}
if __name__ == '__main__':
    print('failed', fuzz.fuzz('made_up', 6, 0, 20))
"""


def test_what_raises_and_what_ends_the_process_is_kept(tmp_path):
    script = tmp_path / 'faulty.py'
    script.write_text(FAULTY.format(scripts=str(SCRIPTS), failed=str(tmp_path / 'kept')))
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == 'failed 3', done.stderr
    kept = {p.name: p.read_bytes() for p in (tmp_path / 'kept').iterdir() if not p.suffix}
    assert kept == {
        'made_up_0_1': b'raise', 'made_up_0_3': b'die', 'made_up_0_5': b'raise'}
    assert 'RuntimeError: a fault' in done.stderr
    assert 'ends the process (exit status 3)' in done.stderr


@pytest.mark.parametrize(
    ('has_xdist', 'jobs', 'options'),
    [('true', 2, '-n 2 --dist loadfile\n'), ('true', 1, ''), ('false', 2, '')],
)
def test_tests_run_side_by_side_where_that_can_be(has_xdist, jobs, options):
    command = [SCRIPTS / 'parallel_options.sh', f'/bin/{has_xdist}', str(jobs)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, options, '')
