"""Do the recipes and tables of the documentation name what is there?"""

import re
import tomllib
from pathlib import Path

import pytest

import lazyscope
from lazyscope.limit.dual._closed_forms import CLOSED
from lazyscope.model import activation, activation_names, architecture, network_names

ROOT = Path(__file__).parents[2]
SOURCE = Path(lazyscope.__file__).parent
RECIPES = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8").split("## To add")[1]
ASKED = (
    "activation",
    "network",
    "scheme",
    "study",
    "rule for a JAX primitive",
    "claim",
    "method",
    "loss",
)


def recipe(line):
    """(what is added, files and folders named) of one row of the table."""
    what, files = line.strip("|").split("|", 1)
    return what.strip(), [
        name for name in re.findall(r"`([\w./]+)`", files) if "/" in name or name == "_loss.py"
    ]


ROWS = dict(recipe(line) for line in RECIPES.splitlines() if line.startswith(("| a ", "| an ")))


@pytest.mark.parametrize("what", ROWS)
def test_files_of_a_recipe_exist(what):
    assert ROWS[what]
    assert [n for n in ROWS[what] if not ((SOURCE / n).exists() or (ROOT / n).exists())] == []


def test_there_is_a_recipe_for_everything_that_is_often_added():
    assert [noun for noun in ASKED if not any(noun in what for what in ROWS)] == []


def table(page, names):
    """Rows of the documentation whose first cell is one of `names`."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    rows = [[c.strip() for c in line.strip("|").split("|")] for line in text.splitlines()]
    return {row[0].strip("`"): row[1:] for row in rows if row[0].strip("`") in names}


def test_the_table_of_networks_is_that_of_the_entries():
    said = {}
    for name in network_names():
        kind = architecture(name)
        depth = "any" if kind.most_depth is None else str(kind.most_depth)
        said[name] = [kind.words, depth, "yes" if kind.homogeneous else "no"]
    assert table("networks.md", network_names()) == said


def test_the_table_of_nonlinearities_is_that_of_the_entries():
    said = {}
    for name in activation_names():
        sigma = activation(name)
        slope = "none" if sigma.slope_at_zero is None else f"{sigma.slope_at_zero:.5g}"
        kinks = ", ".join(f"{kink:g}" for kink in sigma.kinks or ()) or "none"
        average = "closed form" if name in CLOSED else "series"
        said[name] = [
            sigma.formula,
            "yes" if sigma.homogeneous else "no",
            kinks,
            slope,
            average,
        ]
    assert table("networks.md", activation_names()) == said


def test_the_help_of_the_command_line_names_every_nonlinearity():
    text = (SOURCE / "cli" / "_network.py").read_text(encoding="utf-8")
    assert f'"{", ".join(activation_names())}."' in text


def test_one_version_is_said_everywhere():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
        "version"
    ]
    cited = re.search(r"^version: (.+)$", (ROOT / "CITATION.cff").read_text("utf-8"), re.MULTILINE)
    assert cited is not None
    assert cited[1].strip("\"'") == version
