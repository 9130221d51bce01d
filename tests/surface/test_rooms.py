"""Do rooms import only rooms before them, and do theory and experiment leave each other alone?"""

import ast
import functools
import importlib.util
import inspect
from collections import Counter
from pathlib import Path

import pytest

import lazyscope

SOURCE = Path(lazyscope.__file__).parent
WORDS = (
    "_types",
    "_cluster",
    "_loss",
    "_outcome",
    "_checks",
    "_entry",
    "_plain",
    "_portable",
    "_file",
    "_described",
    "_deprecated",
    "_estimate",
)
WORDS += ("_cores", "_jax", "_lazy", "_memory", "_provenance", "_result")
ROOMS = (
    "scaling",
    "model",
    "limit",
    "composed",
    "_trace",
    "kernel",
    "operator",
    "flow",
    "measure",
    "forecast",
    "observe",
    "torch",
)
ROOMS += ("estimators", "data", "proxy", "monte_carlo", "experiment")
ROOMS += ("sweep", "report", "study", "claims", "cli")
ORDER = dict.fromkeys(WORDS, 0) | {name: i + 1 for i, name in enumerate(ROOMS)}
ORDER["__main__"] = len(ROOMS) + 1
PRESENT = [
    room
    for room in ROOMS
    if (SOURCE / room / "__init__.py").exists() or (SOURCE / f"{room}.py").exists()
]
if importlib.util.find_spec("torch") is None:  # an extra
    PRESENT.remove("torch")
LIMIT = "limit"
MOST_MODULES = 14
MOST_SIBLINGS = 3  # of one prefix: more of them are a folder


@functools.cache
def modules():
    """Every module of the library as (dotted name without the package, syntax tree)."""
    return list(parsed())


def parsed():
    """The same, one after the other."""
    for path in sorted(SOURCE.rglob("*.py")):
        parts = path.relative_to(SOURCE).with_suffix("").parts
        name = ".".join(part for part in parts if part != "__init__")
        yield name, ast.parse(path.read_text(encoding="utf-8"))


def imports(tree):
    """Dotted names below the package that a module imports, wherever it does so."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            if node.module and node.module.startswith("lazyscope."):
                yield node.module.removeprefix("lazyscope.")
            elif node.module == "lazyscope":
                yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.Import):
            names = (alias.name for alias in node.names)
            yield from (n.removeprefix("lazyscope.") for n in names if n.startswith("lazyscope."))


def wrong_directions(found):
    """(importer, imported) pairs that go against the order of the rooms."""
    return [
        (name, target)
        for name, tree in found
        for target in imports(tree)
        if name and ORDER[target.split(".")[0]] > ORDER[name.split(".")[0]]
    ]


def meetings(found):
    """(importer, imported) pairs by which theory and experiment would call each other."""
    theory, experiment = ("scaling", "forecast", LIMIT), ("flow", "measure")
    sides = ((theory, experiment), (experiment, ("forecast", LIMIT)))
    return [
        (name, target)
        for name, tree in found
        for target in imports(tree)
        for one, other in sides
        if name.startswith(one) and target.startswith(other)
    ]


def doors_passed(found):
    """(importer, imported) pairs by which a room takes a private module of another one."""
    return [
        (name, target)
        for name, tree in found
        for target in imports(tree)
        if target.split(".")[0] != name.split(".")[0]
        and any(part.startswith("_") for part in target.split(".")[1:])
    ]


RUNS = ("model", "limit", "kernel", "flow", "measure", "forecast", "experiment", "data", "sweep")
"""Rooms whose functions draw, train, measure, reduce or fit; a page reads what they stored."""


def computing_pages(found):
    """(page, imported) pairs by which a page, or a part of one, could compute what it shows.

    A page may import the parts of pages, other pages, the words of the library and, for what an observer
    stored, the record of `observe`; of its own study it may import nothing but its page.
    """
    return [
        (name, target)
        for name, tree in found
        if name.split(".")[0] == "report" or ".page." in f"{name}."
        for target in imports(tree)
        if target.split(".")[0] in (*RUNS, "torch", "claims", "cli")
        or (target.split(".")[0] == "study" and ".page" not in target)
    ]


def folders():
    """Every folder of the library with the names of its modules."""
    for init in sorted(SOURCE.rglob("__init__.py")):
        yield init.parent, sorted(p.stem for p in init.parent.glob("*.py") if p != init)


@pytest.mark.slow
def test_rooms_take_nothing_private_from_each_other():
    assert doors_passed(modules()) == []


def test_a_folder_is_small_enough_to_be_read_at_once():
    assert [(f.name, len(held)) for f, held in folders() if len(held) > MOST_MODULES] == []


def test_a_family_of_files_is_a_folder():
    families = Counter(
        (folder.relative_to(SOURCE), module.strip("_").split("_")[0])
        for folder, held in folders()
        for module in held
    )
    assert [family for family, count in families.items() if count > MOST_SIBLINGS] == []


def test_every_file_is_in_a_known_room():
    assert {name.split(".")[0] for name, _ in modules() if name} <= set(ORDER)


def test_rooms_import_only_rooms_before_them():
    assert wrong_directions(modules()) == []


def test_pages_import_nothing_that_runs_and_nothing_that_reduces():
    assert computing_pages(modules()) == []
    bad = ast.parse("from lazyscope.measure import estimate_exponent")
    worse = ast.parse("def f():\n    from lazyscope.study.kappa._verdict import judge")
    assert computing_pages([("report._x", bad)]) == [("report._x", "measure")]
    own = [("study.kappa.page._x", worse), ("study.kappa._x", worse)]
    assert computing_pages(own) == [("study.kappa.page._x", "study.kappa._verdict")]


def test_theory_and_experiment_never_import_each_other():
    assert meetings(modules()) == []


@pytest.mark.slow
def test_the_forecast_imports_kernels_of_networks_their_limits_and_scaling_only():
    allowed = {"forecast", "kernel", "operator", "composed", "scaling", "model", *WORDS}
    used = {
        (name, target)
        for name, tree in modules()
        if name.startswith("forecast")
        for target in imports(tree)
    }
    assert {pair for pair in used if pair[1].split(".")[0] not in allowed} == set()


def test_a_wrong_import_would_be_seen():
    bad = [("scaling._x", ast.parse("from lazyscope.flow import solve_flow"))]
    assert wrong_directions(bad) == meetings(bad) == [("scaling._x", "flow")]
    worse = [("limit._kernels", ast.parse("import lazyscope.flow._solve"))]
    assert meetings(worse) == [("limit._kernels", "flow._solve")]
    hidden = [("flow._x", ast.parse("def f():\n    from lazyscope.limit._kernels import g"))]
    assert meetings(hidden) == [("flow._x", "limit._kernels")]
    private = [("flow._x", ast.parse("from lazyscope.kernel.any_function._plan import g"))]
    assert doors_passed(private) == [("flow._x", "kernel.any_function._plan")]


def public_names(module):
    """The public list of a room: `__all__`, or every name of ours that it holds."""
    offered = (
        name
        for name, value in vars(module).items()
        if name[0] != "_" and getattr(value, "__module__", "").startswith("lazyscope")
    )
    return getattr(module, "__all__", None) or list(offered)


@pytest.mark.parametrize("room", PRESENT)
def test_every_public_name_exists_and_says_what_it_is(room):
    module = importlib.import_module(f"lazyscope.{room}")
    assert module.__doc__
    names = public_names(module)
    assert len(set(names)) == len(names)
    values = {name: getattr(module, name) for name in names}
    described = {n: v for n, v in values.items() if inspect.isclass(v) or inspect.isroutine(v)}
    assert [name for name, value in described.items() if not (value.__doc__ or "").strip()] == []


def flag_setters(found):
    """Modules that set JAX's global flags: config.update, or an assignment to jax.config."""
    setters = []
    for name, tree in found:
        for node in ast.walk(tree):
            calls = isinstance(node, ast.Call) and ast.unparse(node.func).endswith("config.update")
            targets = node.targets if isinstance(node, ast.Assign) else []
            if calls or any(ast.unparse(t).startswith("jax.config") for t in targets):
                setters.append(name)
    return setters


@pytest.mark.slow
def test_nothing_sets_global_flags_of_jax():
    assert flag_setters(modules()) == []


@pytest.mark.parametrize(
    "line", ["jax.config.update('jax_enable_x64', True)", "jax.config.jax_enable_x64 = True"]
)
def test_setting_a_flag_would_be_seen(line):
    assert flag_setters([("model._x", ast.parse(line))]) == ["model._x"]


def test_importing_the_library_leaves_precision_alone():
    import jax

    for room in PRESENT:
        importlib.import_module(f"lazyscope.{room}")
    assert not jax.config.jax_enable_x64
