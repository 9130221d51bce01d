"""Is every constant defined once, so that changing it changes it?"""

import ast
from collections import defaultdict
from pathlib import Path

import lazyscope

SOURCE = Path(lazyscope.__file__).parent


EXPERIMENTS = ("claims/controls/", "claims/papers/", "claims/law/")
"""Settings of experiments, each of its own, may be equal by chance."""


def constants(tree):
    """(name without leading underscores, text of the value) of all constants of a module.

    What depends on the module itself, such as lists of what stands in a folder, is none.
    """
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        if isinstance(node, ast.AnnAssign) and node.value is not None:
            targets = [node.target]
        for target in targets:
            named = isinstance(target, ast.Name) and target.id.isupper()
            if named and "__name__" not in (value := ast.unparse(node.value)):
                yield target.id.lstrip("_"), value


def twice(found):
    """Constants of the same name and value, with the modules that define them."""
    homes = defaultdict(set)
    for module, tree in found:
        for constant in constants(tree):
            homes[constant].add(module)
    return {
        f"{name} = {value}": sorted(where)
        for (name, value), where in homes.items()
        if len(where) > 1
    }


def modules():
    for path in sorted(SOURCE.rglob("*.py")):
        yield path.relative_to(SOURCE).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def test_no_constant_is_defined_twice():
    found = {
        name: where
        for name, where in twice(modules()).items()
        if not all(each.startswith(EXPERIMENTS) for each in where)
    }
    assert found == {}


def test_a_constant_defined_twice_would_be_seen():
    one, two = ast.parse("_LIMIT = 2**3"), ast.parse("LIMIT: int = 2**3")
    assert twice([("a", one), ("b", two)]) == {"LIMIT = 2 ** 3": ["a", "b"]}
    assert twice([("a", one), ("b", ast.parse("LIMIT = 9"))]) == {}
    assert twice([("a", ast.parse("X = f(__name__)")), ("b", ast.parse("X = f(__name__)"))]) == {}
