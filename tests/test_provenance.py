"""What made a result is told by the code that can move it, wherever the files lie."""

from pathlib import Path

import lazyscope
from lazyscope import _provenance


def test_the_code_is_that_of_the_whole_package():
    assert Path(lazyscope.__file__).parent == _provenance.ROOT
    assert {"flow", "scaling", "report"} <= {path.name for path in _provenance.ROOT.iterdir()}


def test_the_digest_follows_every_file_but_those_left_out(tmp_path):
    for name in ("flow", "report"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "_a.py").write_text("a = 1\n")

    def digest():
        _provenance.source_digest.cache_clear()
        return _provenance.source_digest(tmp_path, ("report",))

    first = digest()
    (tmp_path / "report" / "_a.py").write_text("a = 2\n")
    assert digest() == first
    (tmp_path / "flow" / "_a.py").write_text("a = 2\n")
    assert digest() != first


def test_the_code_that_shows_makes_no_number():
    assert _provenance.code_digest() != _provenance.source_digest()
    assert len(_provenance.code_digest()) == 16


def test_a_package_that_is_not_there_has_no_version():
    assert _provenance.versions("no-such-thing") == {"no-such-thing": "unknown"}
