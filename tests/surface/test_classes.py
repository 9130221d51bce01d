"""Is every class abstract or final, so that what a name does is written in one place?

A class that the package itself derives from is called ``Abstract...``, or is a protocol; every other
carries ``@final``. Named tuples and enumerations are final by what they are, and refusals and other
exceptions may be told apart by their ancestors.
"""

import ast
from pathlib import Path

import lazyscope

SOURCE = Path(lazyscope.__file__).parent
PLAIN = {"NamedTuple", "Protocol", "Enum", "IntEnum", "StrEnum"}
FAULTS = {"Exception", "BaseException", "Warning", "ValueError", "RuntimeError", "UserWarning"}


def last_part(node):
    return ast.unparse(node).split("[")[0].split("(")[0].split(".")[-1]


def described(found):
    """Every class as (module, name, names of bases, names of decorators)."""
    return [
        (module, node.name, [last_part(b) for b in node.bases], [last_part(d) for d in node.decorator_list])
        for module, tree in found
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    ]  # fmt: skip


def neither(found):
    """Classes that are neither abstract nor final, or both."""
    classes = described(found)
    bases = {name: own for _, name, own, _ in classes}

    def ancestors(name):
        return {name}.union(*(ancestors(base) for base in bases.get(name, ()) if base != name))

    derived = {base for _, _, own, _ in classes for base in own}
    wrong = []
    for module, name, own, decorators in classes:
        final = "final" in decorators
        if name in derived:
            right = not final and (
                name.lstrip("_").startswith("Abstract")
                or "Protocol" in own
                or bool(ancestors(name) & FAULTS)
            )
        else:
            right = final or bool(ancestors(name) & (PLAIN | FAULTS))
            right = right or name.startswith("Abstract")
        if not right:
            wrong.append((module, name))
    return wrong


def modules():
    for path in sorted(SOURCE.rglob("*.py")):
        yield path.relative_to(SOURCE).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def test_every_class_is_abstract_or_final():
    assert neither(modules()) == []


def test_a_class_that_is_neither_would_be_seen():
    def wrong(text):
        return [name for _, name in neither([("m", ast.parse(text))])]

    assert wrong("class A: ...") == ["A"]
    assert wrong("@final\nclass A: ...\nclass B(A): ...") == ["A", "B"]
    assert wrong("class A: ...\n@final\nclass B(A): ...") == ["A"]
    assert wrong("class AbstractA: ...\n@final\nclass B(AbstractA[int]): ...") == []
    assert wrong("class A(ValueError): ...\nclass B(A): ...") == []
    assert wrong("class A(NamedTuple): ...") == []
