# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
The rooms of the code: who may import whom, who may know ROS, how long anything may be.

Read from the sources by their syntax trees, so that nothing needs to be installed or imported.
"""

import ast
import io
import re
import tokenize
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = 'face_recon_ros'

# A room is a folder of the package, or a module of its own beside them. It may import from itself
# and from the rows above its own; CONTRIBUTING.md says what is in each.
LAYERS = (
    ('_renderer', 'depth_report', 'errors'),
    ('deprecation', 'equality', 'lazy', 'opencv', 'paths', 'rotations', 'tflite_batch'),
    ('lens', 'settings', 'tflite'),
    ('camera',),
    ('calibration', 'face_model'),
    ('pose',),
    ('depth_image',),
    ('arguments', 'confidence', 'detection'),
    ('depth_surroundings', 'head_size', 'pose_solver', 'relief_statistics'),
    ('depth_alignment',),
    ('regression',),
    ('tracking',),
    ('expression', 'eyes'),
    ('face',),
    ('depth_lag',),
    ('late_depth',),
    ('face_changes', 'person'),
    ('face_reader', 'faces', 'pipeline_config', 'placing', 'searching'),
    ('pipeline',),
    ('io',),
    ('rendering',),
    ('nodes',),
    ('tools',),
    ('cli',),
)
# The same of model_building; rooms that are not named here may import from any, and are checked
# for cycles only
MODEL_LAYERS = (('face_model',), ('network',), ('evaluation',), ('pictures', '__main__'))
# In no row: its names are imported when they are first used
FRONT = f'{PACKAGE}.__init__'
# The command that measures speed is all that needs a tool: robots run none
NEEDS_TOOLS = f'{PACKAGE}.cli.bench'
# The others are a library without ROS
KNOW_ROS = ('nodes', 'tools')
ROS = re.compile(
    r'(rclpy|rcl_interfaces|rosidl\w*|rosgraph_msgs|ament_\w+|launch\w*|tf2_\w+|cv_bridge'
    r'|image_transport|\w+_(msgs|srvs|interfaces))(\.|$)'
    rf'|{PACKAGE}\.(msg|srv)(\.|$)'
)
LONGEST_MODULE, LONGEST_FUNCTION = 350, 40
LONG = re.compile(r'# long: \S+')
NOT_CODE = (
    tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT,
    tokenize.ENDMARKER,
)  # fmt: skip
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def sources(*folders):
    return [path for folder in folders for path in sorted((ROOT / folder).rglob('*.py'))]


def name_of(path):
    return '.'.join(path.relative_to(ROOT).with_suffix('').parts)


@cache
def tree_of(path):
    return ast.parse(path.read_text())


class Imports(ast.NodeVisitor):
    """The modules that a file imports: when it is imported itself, and at all."""

    def __init__(self, tree):
        self.first, self.all = set(), set()
        self._is_first = True
        self.visit(tree)

    def visit(self, node):
        before = self._is_first
        typing = isinstance(node, ast.If) and ast.unparse(node.test).endswith('TYPE_CHECKING')
        self._is_first = before and not isinstance(node, (*FUNCTIONS, ast.Lambda)) and not typing
        self._note(node)
        self.generic_visit(node)
        self._is_first = before

    def _note(self, node):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, 'imports name the whole module'
            inside = [f'{node.module}.{alias.name}' for alias in node.names]
            names = [module if is_module(module) else node.module for module in inside]
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith('import_module'):
            names = [a.value for a in node.args[:1] if isinstance(a, ast.Constant)]
        self.all.update(names)
        if self._is_first:
            self.first.update(names)


@cache
def is_module(name):
    path = ROOT.joinpath(*name.split('.'))
    is_source = path.with_suffix('.py').is_file() or (path / '__init__.py').is_file()
    return is_source or name == f'{PACKAGE}._renderer'


@cache
def imports_of(path):
    return Imports(tree_of(path))


def room_of(module):
    """Return the room of a module of the package; '' for the package itself and for others."""
    parts = module.split('.')
    return parts[1] if parts[0] == PACKAGE and len(parts) > 1 and parts[1] != '__init__' else ''


def layer_of(room):
    return next((i for i, rooms in enumerate(LAYERS) if room in rooms), None)


def fault_of(module, imported):
    """Return what is wrong with an import, '' if nothing."""
    room, other = room_of(module), room_of(imported)
    if other in ('', 'msg', room):
        return ''
    if layer_of(other) is None or layer_of(room) is None:
        return f'{module} imports {imported}: LAYERS does not say whether it may'
    allowed = layer_of(other) < layer_of(room)
    allowed &= other != 'tools' or module == NEEDS_TOOLS
    allowed &= other != 'nodes' or room == 'tools'
    return '' if allowed else f'{module} must not import {imported}'


def test_every_room_has_its_row():
    rooms = {room_of(name_of(path)) for path in sources(PACKAGE)} - {''}
    assert {room for room in rooms if layer_of(room) is None} == set()


def test_imports_run_one_way():
    modules = {name_of(p): imports_of(p) for p in sources(PACKAGE) if name_of(p) != FRONT}
    faults = [fault_of(m, other) for m, imports in modules.items() for other in imports.all]
    assert sorted(filter(None, faults)) == []


def test_the_front_of_the_package_imports_nothing_at_first():
    first = imports_of(ROOT / PACKAGE / '__init__.py').first
    assert {room_of(module) for module in first} <= {'', 'lazy'}


def test_only_nodes_and_tools_know_ros():
    faults = [
        f'{name_of(path)} imports {module}'
        for path in sources(PACKAGE)
        if room_of(name_of(path)) not in KNOW_ROS
        for module in imports_of(path).all
        if ROS.match(module)
    ]
    assert faults == []


def test_no_module_imports_itself_by_way_of_others():
    """Of what is imported when a module is; what is imported later cannot fail on import."""
    files = {name_of(p).removesuffix('.__init__'): p for p in sources(PACKAGE, 'model_building')}
    graph = {name: first_imports(name, path, files) for name, path in files.items()}
    done, way = set(), []

    def walk(name):
        if name in done:
            return
        assert name not in way, ' -> '.join([*way[way.index(name) :], name])
        way.append(name)
        for imported in sorted(graph[name]):
            walk(imported)
        way.pop()
        done.add(name)

    for name in graph:
        walk(name)
    assert len(done) > 100


def first_imports(name, path, files):
    """Return what is imported with a module, packages around those modules included."""
    imported = imports_of(path).first & files.keys()
    around = {parent for module in imported for parent in parents(module)}
    return (imported | (around & files.keys())) - {name, *parents(name)}


def parents(module):
    parts = module.split('.')
    return ['.'.join(parts[:i]) for i in range(1, len(parts))]


def test_model_building_is_not_imported_at_run_time():
    run = sources(PACKAGE, 'launch', 'examples')
    imported = {module.split('.')[0] for path in run for module in imports_of(path).all}
    assert 'numpy' in imported
    assert 'model_building' not in imported


def test_rooms_of_model_building_import_one_way():
    def layer(module):
        parts = module.split('.')
        room = parts[1] if parts[0] == 'model_building' and len(parts) > 1 else ''
        return next((i for i, rooms in enumerate(MODEL_LAYERS) if room in rooms), None)

    faults, checked = [], 0
    for path in sources('model_building'):
        own = layer(name_of(path))
        for imported in imports_of(path).all:
            other = layer(imported)
            if own is not None and other is not None:
                checked += 1
                if other > own:
                    faults.append(f'{name_of(path)} imports {imported}')
    assert checked > 100
    assert faults == []


def test_nothing_but_tests_needs_the_tests():
    helpers = {path.stem for path in (ROOT / 'test').rglob('*.py')} | {'test'}
    faults = []
    for path in sources('scripts', 'model_building', 'examples', 'launch', PACKAGE):
        beside = {p.stem for p in path.parent.iterdir()}
        imported = {module.split('.')[0] for module in imports_of(path).all}
        calls = [ast.unparse(n) for n in ast.walk(tree_of(path)) if isinstance(n, ast.Call)]
        faults += [f'{name_of(path)} imports {name}' for name in imported & (helpers - beside)]
        faults += [
            f'{name_of(path)} calls {call}'
            for call in calls
            if call.startswith('sys.path.') and "'test'" in call
        ]
    assert faults == []


# --- how long --------------------------------------------------------------------


def measured():
    return sources(PACKAGE, 'model_building', 'scripts', 'examples', 'launch')


def code_lines(path):
    """Return the numbers of the lines with code: no comment, docstring or blank line."""
    lines = set()
    for token in tokenize.generate_tokens(io.StringIO(path.read_text()).readline):
        if token.type not in NOT_CODE:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(tree_of(path)):
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node) is not None:
            lines -= set(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    return lines


def test_modules_are_short():
    """What is longer does two things: split it by what they are for."""
    counts = {name_of(path): len(code_lines(path)) for path in measured()}
    assert {name: n for name, n in counts.items() if n > LONGEST_MODULE} == {}


def test_functions_are_short_or_say_why_not():
    """A line `# long: why` stands above a longer one."""
    unsaid, said_for_nothing = [], []
    for path in measured():
        lines, code = path.read_text().splitlines(), code_lines(path)
        for node in ast.walk(tree_of(path)):
            if not isinstance(node, FUNCTIONS):
                continue
            body = code & set(range(node.body[0].lineno, node.end_lineno + 1))
            is_long = len(body) > LONGEST_FUNCTION
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            is_said = first > 1 and LONG.match(lines[first - 2].strip()) is not None
            if is_long and not is_said:
                unsaid.append(f'{name_of(path)}.{node.name}')
            if is_said and not is_long:
                said_for_nothing.append(f'{name_of(path)}.{node.name}')
    assert unsaid == []
    assert said_for_nothing == []
