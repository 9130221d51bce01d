"""Are the oldest versions that are tried those that pyproject.toml promises?"""

import importlib.util
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
_spec = importlib.util.spec_from_file_location("oldest", ROOT / "tools" / "oldest.py")
assert _spec is not None
assert _spec.loader is not None
tool = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(tool)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_every_dependency_has_a_lower_bound_that_can_be_installed():
    bounds = tool.oldest(PROJECT["dependencies"])
    assert len(bounds) == len(PROJECT["dependencies"])
    assert all(line.count("==") == 1 and not set("<>~!,;") & set(line) for line in bounds)


def test_the_lower_bound_is_what_is_tried():
    assert tool.oldest(["numpy>=2.0", "torch==2.13.0"]) == ["numpy==2.0", "torch==2.13.0"]


def test_the_versions_of_the_extras_are_printed_once(capsys):
    tool.main(["cluster", "test"])
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == len(set(printed))
    for line in [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["cluster"]]:
        assert line.replace(">=", "==") in printed
