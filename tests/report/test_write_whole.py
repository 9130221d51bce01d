"""Is a page written whole or not at all?"""

import pytest

from lazyscope._checks import InputError
from lazyscope.report.parts import write_whole
from lazyscope.study import write_kappa_page
from report.synthetic_kappa import synthetic_result


def small_result():
    return synthetic_result(seeds=(0,), widths=(64,), kappas=(1, 2), num_failed=0)


def test_written_text_is_the_text_and_nothing_else_is_left(tmp_path):
    path = write_whole("κ <page>", tmp_path / "page.html")
    assert path.read_text(encoding="utf-8") == "κ <page>"
    assert list(tmp_path.iterdir()) == [path]


def test_missing_folder_is_refused_with_four_parts(tmp_path):
    target = tmp_path / "no" / "page.html"
    with pytest.raises(InputError, match=r"path that can be written.*No such file") as caught:
        write_kappa_page(small_result(), target)
    assert "Likely cause: a folder that does not exist" in str(caught.value)
    assert "Fix: create the folder" in str(caught.value)


def test_folder_in_place_of_a_file_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"needs the path of a file.*page\.html"):
        write_kappa_page(small_result(), tmp_path)


def test_file_in_place_of_a_folder_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="path that can be written"):
        write_whole("text", tmp_path / "file" / "page.html")


def test_failed_write_leaves_the_old_page_and_no_remains(tmp_path, monkeypatch):
    target = tmp_path / "page.html"
    target.write_text("old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(InputError, match="No space left on device"):
        write_whole("new", target)
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_refused_result_leaves_the_old_page(tmp_path):
    target = tmp_path / "page.html"
    target.write_text("old")
    with pytest.raises(InputError):
        write_kappa_page({"study": "kappa", "format": 99}, target)
    assert target.read_text() == "old"
