# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The pages agree with the repository: links, anchors, files, commands, options, topics."""

import ast
import os
import re
from collections.abc import Iterator
from contextlib import redirect_stdout
from functools import cache
from io import StringIO
from pathlib import Path

import pytest
import yaml
from doc_pages import Page

ROOT = Path(__file__).resolve().parents[1]
BUILT = {'build', 'install', 'log', 'dist', 'demo_output', 'venv', 'node_modules'}
SOURCE_SUFFIXES = ('.py', '.pyi', '.sh', '.cpp', '.hpp', '.msg', '.yaml', '.md', '.txt', '.rviz',
                   '.xml', '.in', '.yml', '.cmake', '.toml', '.rst', '.npz', '.json')
# What readers name themselves, and files that others bring
OTHERS_FILES = {
    'my.rviz', 'my.yaml', 'labels.csv', 'upstream.md', 'calibration.yaml', 'camera.yaml',
    'front.yaml', 'rear.yaml'}
OTHERS_FOLDERS = {'~/ros2_ws', '~/ros2_ws/src', '~/.ros'}
TOOLS = {'python', 'python3', 'pip', 'pytest', 'ruff', 'mypy', 'clang-format', 'coverage',
         'activate', 'pre-commit'}
OTHERS_MODULES = {'pip', 'venv', 'colcon', 'pytest', 'coverage'}
SHELL_OPTIONS = re.compile(r'(?<![\w-])--[a-z][a-z0-9-]*')


def repository_files() -> list[Path]:
    """Return the files of the repository, without what builds and tools leave in it."""
    found = []
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [
            name for name in folders
            if name not in BUILT and (name[0] != '.' or name in ('.ci', '.github'))]
        found += [Path(folder, name) for name in names]
    return sorted(found)


FILES = repository_files()
PAGES = [path for path in FILES if path.suffix == '.md']
NAMES = {path.name for path in FILES}
TOP_FOLDERS = {path.relative_to(ROOT).parts[0] for path in FILES if path.parent != ROOT}


def page_id(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.fixture(params=PAGES, ids=page_id)
def page(request) -> Page:
    return Page(request.param)


def test_there_are_pages():
    names = {page_id(path) for path in PAGES}
    assert {'README.md', 'CONTRIBUTING.md', 'docs/ros.md', 'models/README.md'} <= names


def test_links_lead_to_files_and_anchors(page):
    broken = []
    for link in page.links():
        if re.match(r'[a-z]+:', link):
            continue
        target, _, anchor = link.partition('#')
        path = (page.path.parent / target).resolve() if target else page.path
        found = path.exists() and path.is_relative_to(ROOT)
        if not found or (anchor and anchor not in Page(path).anchors()):
            broken.append(link)
    assert broken == []


def named_paths(code: str):
    """Yield what looks like a path in this repository, from its root."""
    for word in re.findall(r'[\w.~/*<>{}$,+-]+', code):
        path = word.strip('.,').removeprefix('src/face_recon_ros/').removeprefix('./')
        if re.search(r'[*<>{}$~]', path) or '/' not in path:
            continue
        first = path.split('/')[0]
        if first in TOP_FOLDERS and not path.startswith('face_recon_ros/msg'):
            yield path


def is_message(path: str) -> bool:
    return (ROOT / 'msg' / f'{path.removeprefix("face_recon_ros/")}.msg').is_file()


def test_paths_in_code_exist(page):
    here = page.path.parent
    missing = [
        path for code in page.code() for path in named_paths(code)
        if not (ROOT / path).exists() and not (here / path).exists() and not is_message(path)]
    assert missing == []


def test_paths_from_a_folder_further_in_exist(page):
    """`nodes/node.py` is a path from the package on."""
    missing = set()
    for span in page.spans():
        for word in re.findall(r'(?<![\w/.~${<-])[\w-]+(?:/[\w-]+)*/[\w-]+\.\w+', span):
            word = word.removeprefix('src/face_recon_ros/')  # from a workspace
            given = word.split('/')[0] in TOP_FOLDERS | BUILT
            if not given and word.endswith(SOURCE_SUFFIXES) and not any(
                    str(path).endswith(f'/{word}') for path in FILES):
                missing.add(word)
    assert missing == set()


def test_files_named_without_a_folder_exist(page):
    words = (
        word for span in page.spans() for word in re.findall(r'(?<![\w/.~-])[\w.-]+\.\w+', span))
    missing = {
        word for word in words
        if word.endswith(SOURCE_SUFFIXES) and word not in NAMES | OTHERS_FILES
        and not word.split('.')[0].isupper()}  # FILE.yaml
    assert missing == set()


def make_words(code: str):
    """Yield the targets and the variables given to make."""
    for line in code.splitlines():
        for given in re.findall(r'(?:^|[;&(] *|\$ )make ([^#;&|]*)', line):
            for word in re.findall(r"[A-Z_]+=(?:'[^']*'|\S*)|[^\s]+", given):
                yield word.strip("'`,.")


def test_make_targets_and_variables_exist(page):
    makefile = (ROOT / 'Makefile').read_text()
    targets = set(re.findall(r'^([a-z-]+):', makefile, re.MULTILINE))
    variables = set(re.findall(r'^([A-Z]+) \?=', makefile, re.MULTILINE))
    unknown = [
        word for code in page.code() for word in make_words(code)
        if (word.split('=')[0] not in variables if '=' in word else word not in targets)]
    assert unknown == []


def test_every_make_target_says_what_it_does():
    makefile = (ROOT / 'Makefile').read_text()
    targets = set(re.findall(r'^([a-z-]+):', makefile, re.MULTILINE))
    phony = set(re.search(r'^\.PHONY: (.*)$', makefile, re.MULTILINE)[1].split())
    described = set(re.findall(r'^([a-z-]+):[^#\n]*## \S', makefile, re.MULTILINE))
    assert targets == phony == described


def entry_points() -> set[str]:
    text = (ROOT / 'scripts' / 'entry_points.txt').read_text()
    return set(re.findall(r'^(\S+) = ', text, re.MULTILINE))


def test_commands_of_the_environment_exist(page):
    given = {
        name for code in page.code()
        for name in re.findall(r'(?<![\w/])(?:\.venv|training)/bin/([\w-]+)', code)}
    assert given - TOOLS - entry_points() == set()


def test_ros_commands_exist(page):
    launch_files = {path.name for path in (ROOT / 'launch').glob('*.launch.py')}
    unknown = set()
    for code in page.code():
        unknown |= set(re.findall(r'ros2 run face_recon_ros (\w+)', code)) - entry_points()
        unknown |= set(re.findall(r'ros2 launch face_recon_ros ([\w.]+)', code)) - launch_files
    assert unknown == set()


def launch_arguments() -> set[str]:
    text = '\n'.join(path.read_text() for path in (ROOT / 'launch').glob('*.py'))
    return set(re.findall(r"'(\w+)'", text))


def test_launch_arguments_exist(page):
    given = {
        name for code in page.code()
        for name in re.findall(r'(?<![\w.:/])([a-z_]+):=', code)
        if 'ros-args' not in code}
    assert given - launch_arguments() == set()


def module_file(module: str) -> Path | None:
    base = ROOT / module.replace('.', '/')
    return next((p for p in (base.with_suffix('.py'), base / '__main__.py') if p.is_file()), None)


def test_modules_that_are_run_exist(page):
    modules = {
        module for code in page.code() for module in re.findall(r' -m ([a-z_][\w.]*)', code)}
    assert {m for m in modules - OTHERS_MODULES if module_file(m) is None} == set()


def programs(code: str):
    """Yield each own program that a line runs, with its options."""
    for line in code.splitlines():
        match = re.search(r'(scripts/\w+\.py|src_cpp/test/\w+\.py)(.*)', line)
        if match:
            yield ROOT / match[1], match[2]
        match = re.search(r' -m ([a-z_][\w.]*)(.*)', line)
        if match and match[1] not in OTHERS_MODULES and module_file(match[1]):
            yield module_file(match[1]), match[2]


def folders_of(program: Path) -> Iterator[Path]:
    """Yield the folders that declare a program's options: its own, and whose command it runs."""
    yield program.parent
    for module in re.findall(r'^from (model_building\.\w+) import __main__', program.read_text(),
                             re.MULTILINE):
        yield ROOT / module.replace('.', '/')


@cache
def texts_in(folder: Path) -> set[str]:
    """Return the strings in the programs of a folder, which share options."""
    return {
        node.value for path in folder.glob('*.py')
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def accepts(program: Path, option: str) -> bool:
    """Tell whether a program declares an option, or the one that --no- negates."""
    texts = set().union(*(texts_in(folder) for folder in folders_of(program)))
    names = {option, option.replace('--no-', '--', 1)}
    in_parts = '--' in texts and option[2:] in texts
    return bool(names & texts) or in_parts


def test_options_of_programs_exist(page):
    unknown = []
    for code in page.code():
        for program, rest in programs(code):
            if not program.is_file():
                continue  # said by another test
            unknown += [
                f'{program.name} {option}'
                for option in SHELL_OPTIONS.findall(rest.split('#')[0])
                if not accepts(program, option)]
    assert unknown == []


@pytest.fixture(scope='module')
def command_line_help() -> dict[str, str]:
    from face_recon_ros.cli import main

    texts = {}
    for command in ('image', 'video', 'bench', 'info'):
        with redirect_stdout(StringIO()) as output, pytest.raises(SystemExit):
            main([command, '--help'])
        texts[command] = output.getvalue()
    return texts


def test_options_of_the_command_line_exist(page, command_line_help):
    unknown = []
    for code in page.code():
        for line in code.splitlines():
            match = re.search(r'face-recon (\w+)(.*)', line)
            if not match or not SHELL_OPTIONS.search(match[2]):
                continue
            text = command_line_help.get(match[1], '')
            known = set(SHELL_OPTIONS.findall(text))
            unknown += [o for o in SHELL_OPTIONS.findall(match[2].split('#')[0])
                        if o not in known]
    assert unknown == []


def test_every_option_of_the_command_line_is_described(command_line_help):
    page = Page(ROOT / 'docs' / 'command_line.md')
    described = {option for code in page.code() for option in SHELL_OPTIONS.findall(code)}
    offered = {
        option for text in command_line_help.values() for option in SHELL_OPTIONS.findall(text)}
    assert offered - described - {'--help'} == set()
    assert described - offered == set()


def test_topics_exist(page):
    sources = '\n'.join(
        path.read_text() for path in (ROOT / 'face_recon_ros' / 'nodes').glob('*.py'))
    published = set(re.findall(r"['\"](~/[a-z_]+)['\"]", sources))
    named = {
        topic for span in page.spans() for topic in re.findall(r'~/[\w./]+', span)
        if topic.rstrip('/') not in OTHERS_FOLDERS}
    assert named - published == set()


def test_the_readme_leads_to_every_page_of_the_docs():
    linked = set()
    for name in ('README.md', 'CONTRIBUTING.md'):
        page = Page(ROOT / name)
        linked |= {(page.path.parent / link.partition('#')[0]).resolve() for link in page.links()}
    pages = {path for path in PAGES if path.parent == ROOT / 'docs'}
    assert pages <= linked


def test_pictures_of_the_docs_are_shown():
    shown = {
        (path.parent / link).resolve() for path in PAGES for link in Page(path).links()}
    pictures = {p for p in FILES if p.parent == ROOT / 'docs' and p.suffix in ('.png', '.jpg')}
    assert pictures <= shown


# --- the files that run the same checks elsewhere

def lint_commands() -> set[str]:
    """Return the commands of `make lint`, from the environment that `make setup` makes."""
    makefile = (ROOT / 'Makefile').read_text()
    rule = re.search(r'^lint:.*\n((?:\t.*\n)+)', makefile, re.MULTILINE)[1]
    return {line.strip().lstrip('@').replace('$(BIN)', '.venv/bin')
            for line in rule.splitlines()}


def test_hooks_run_the_tools_that_make_lint_runs():
    config = yaml.safe_load((ROOT / '.pre-commit-config.yaml').read_text())
    hooks = [hook for repository in config['repos'] for hook in repository['hooks']]
    assert {repository['repo'] for repository in config['repos']} == {'local'}
    # files come from git, so they are not part of a hook's command
    expected = {re.split(r' (?=src_cpp/|\.$)', command)[0] for command in lint_commands()}
    assert {hook['entry'].replace(' --force-exclude', '') for hook in hooks} == expected


def workflow() -> dict:
    return yaml.safe_load((ROOT / '.github' / 'workflows' / 'ci.yml').read_text())


def test_the_workflow_runs_what_ci_runs():
    wanted = set(re.findall(r'^make (\S+)', (ROOT / '.ci' / 'run').read_text(), re.MULTILINE))
    steps = [step for job in workflow()['jobs'].values() for step in job['steps']]
    run = '\n'.join(step.get('run', '') for step in steps)
    assert wanted == set(re.findall(r'\bmake ([a-z-]+)', run))


def test_every_launch_argument_is_in_the_docs():
    text = (ROOT / 'docs' / 'ros.md').read_text()
    missing = {
        (path.name, name) for path in sorted((ROOT / 'launch').glob('*.py'))
        for name in re.findall(r"\bargument\(\s*'(\w+)'", path.read_text())
        if f'`{name}`' not in text}
    assert missing == set()


def test_what_ci_runs_and_the_workflow_test_neon():
    steps = [step for job in workflow()['jobs'].values() for step in job['steps']]
    assert 'src_cpp/test/run.sh aarch64' in (ROOT / '.ci' / 'run').read_text()
    assert 'src_cpp/test/run.sh aarch64' in [step.get('run') for step in steps]


def test_the_workflow_tests_the_distributions_that_have_constraints():
    distributions = set(workflow()['jobs']['ros']['strategy']['matrix']['ros_distro'])
    assert {'humble', 'jazzy', 'kilted', 'rolling'} <= distributions
    constraints = {path.stem for path in (ROOT / 'constraints').glob('*.txt')}
    assert distributions <= constraints


def test_the_image_copies_files_that_exist():
    text = (ROOT / 'Dockerfile').read_text()
    sources = [
        source for line in re.findall(r'^COPY (?!--from)(.*)$', text, re.MULTILINE)
        for source in re.sub(r'--\w+=\S+ ', '', line).split()[:-1]]
    assert sources
    assert [s for s in sources if '$' not in s and not (ROOT / s).exists()] == []
