# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The network's recipe: steps are done once, in order, and mistakes are said in one line."""
import hashlib
import importlib.util
import re
import subprocess
import sys

import pytest

from model_building.network import generate, photos, recipe

FOLDERS = {name: f'/data/{name}' for name in ('genki', 'ict', 'portraits', 'work', 'output')}
SHIPPED = recipe.ROOT / 'model_building' / 'network' / 'configs' / 'shipped.yaml'


def written(folder, text):
    path = folder / 'config.yaml'
    path.write_text(text)
    return path


def test_a_step_becomes_the_command_of_its_module(tmp_path):
    path = written(tmp_path, """
steps:
  - {run: generate, output: '{work}/x', shards: 3, validation: true, rendered: false}
  - {run: train, data: ['{work}/x', '{work}/y'], rate: 0.5}
""")
    first, second = recipe.read(path, FOLDERS)
    assert (first.module, *first.arguments) == (
        'generate', '--output', '/data/work/x', '--shards', '3', '--validation')
    assert (second.module, *second.arguments) == (
        'train', '--data', '/data/work/x', '/data/work/y', '--rate', '0.5')


@pytest.mark.parametrize(('text', 'said'), [
    ('steps: [', 'config.yaml'),
    ('steps: []', 'no steps'),
    ('[1]', 'no steps'),
    ('steps: [3]', 'step 1: want options by name'),
    ('steps: [{run: rm}]', "step 1: run 'rm'"),
    ('steps: [{run: photos, photos: "{home}/x"}]', "no folder 'home'"),
    ('steps: [{from_git: abc}]', 'from_git wants'),
])
def test_a_wrong_config_is_said_in_one_line(tmp_path, text, said):
    with pytest.raises(recipe.RecipeError) as error:
        recipe.read(written(tmp_path, text), FOLDERS)
    assert said in str(error.value)
    assert '\n' not in str(error.value)


def test_a_missing_config_and_a_missing_folder_are_said_in_one_line(tmp_path, capsys, monkeypatch):
    with pytest.raises(recipe.RecipeError, match=r'none\.yaml'):
        recipe.read(tmp_path / 'none.yaml', FOLDERS)
    monkeypatch.setattr(sys, 'argv', [
        'recipe', str(SHIPPED), '--genki', str(tmp_path / 'nowhere'), '--ict', str(tmp_path),
        '--portraits', str(tmp_path)])
    assert recipe.main() == 1
    said = capsys.readouterr().err.strip()
    assert said.endswith('nowhere: no such folder; give another --genki')


def test_what_was_done_is_not_done_again_and_what_failed_is(tmp_path, monkeypatch):
    commands, codes = [], [0, 1, 0]

    def run(command, **_):
        commands.append(command[2])
        return subprocess.CompletedProcess(command, codes.pop(0))

    monkeypatch.setattr(recipe.subprocess, 'run', run)
    steps = [recipe.Step('photos', ('--a', '1')), recipe.Step('generate', ('--b', '2'))]
    with pytest.raises(recipe.RecipeError, match='generate failed'):
        recipe.follow(steps, tmp_path)
    recipe.follow(steps, tmp_path)
    assert commands == [f'model_building.network.{name}'
                        for name in ('photos', 'generate', 'generate')]


def test_a_step_with_other_options_is_another_step():
    one, other = (recipe.Step('train', ('--steps', steps)) for steps in '12')
    assert one.mark != other.mark


def test_a_file_of_the_history_is_checked(tmp_path, monkeypatch):
    content = b'weights'
    monkeypatch.setattr(
        recipe.subprocess, 'run',
        lambda command, **_: subprocess.CompletedProcess(command, 0, content, b''))
    good = hashlib.sha256(content).hexdigest()
    target = tmp_path / 'work' / 'before.tflite'
    step = recipe.Step('from_git', ('abc', 'models/x', str(target), good))
    recipe.follow([step], tmp_path)
    assert target.read_bytes() == content
    with pytest.raises(recipe.RecipeError, match='not the file of sha256'):
        recipe.follow([recipe.Step('from_git', ('abc', 'models/x', str(target), '0'))], tmp_path)


def test_modules_know_every_option_of_the_shipped_config(monkeypatch, capsys):
    commands = {'photos': photos.main, 'generate': generate.main}
    if importlib.util.find_spec('torch'):
        from model_building.network import export, train
        commands |= {'train': train.main, 'export': export.main}
    asked = [step for step in recipe.read(SHIPPED, FOLDERS) if step.module in commands]
    assert {step.module for step in asked} >= {'photos', 'generate'}
    for step in asked:
        monkeypatch.setattr(sys, 'argv', [step.module, '--help'])
        with pytest.raises(SystemExit):
            commands[step.module]()
        known = set(re.findall(r'--[a-z-]+', capsys.readouterr().out))
        assert {a for a in step.arguments if a.startswith('--')} <= known
