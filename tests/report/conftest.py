"""One browser for all page tests, and none where there is no chromium."""

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
