"""One browser for all page tests, and none where there is no chromium."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from report.chromium import Chromium, chromium_path


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    """A running chromium."""
    if chromium_path() is None:
        pytest.skip("no chromium on this machine (Debian: apt-get install chromium)")
    chromium = Chromium(tmp_path_factory.mktemp("profile"))
    yield chromium
    chromium.close()


@pytest.fixture(scope="session")
def axe():
    """The text of axe-core, which looks for what keeps readers out."""
    found = find_spec("axe_core_python")
    if found is None or found.origin is None:
        pytest.skip("no axe-core-python (it is in the extra `test`)")
    return (Path(found.origin).parent / "axe.min.js").read_text(encoding="utf-8")
