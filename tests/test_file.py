"""Are files written whole or not at all, and read without waiting?"""

import os
import threading
from pathlib import Path

import pytest

from lazyscope import _file
from lazyscope._checks import InputError
from lazyscope._file import local_path, open_regular, read_json, read_whole, write_text_whole

RULE = "a result needs a path that can be written"


@pytest.mark.parametrize(
    "url", ["https://a.org/x.npz", "s3://bucket/x", "file:///x", Path("https://a.org/x"), "GS://x"]
)
def test_a_url_is_refused_and_makes_no_folder(tmp_path, monkeypatch, url):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"must be a path on this machine.*URL"):
        write_text_whole(RULE, "text", url)
    assert list(tmp_path.iterdir()) == []


def test_a_tilde_is_the_home_folder_and_an_unknown_user_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert local_path("data", "~/x") == tmp_path / "x"
    with pytest.raises(InputError, match="a user after ~"):
        local_path("data", "~nobody-of-this-name/x")


@pytest.mark.parametrize("path", ["", "a\0b", None, 3, b"x"])
def test_what_is_no_path_is_refused(path):
    with pytest.raises(InputError, match="must be the path of a file or folder"):
        local_path("data", path)


def test_a_relative_path_in_a_folder_that_was_deleted_names_the_cause(tmp_path):
    gone, here = tmp_path / "gone", Path.cwd()
    gone.mkdir()
    os.chdir(gone)
    try:
        gone.rmdir()
        with pytest.raises(InputError, match="the current folder was deleted"):
            local_path("data", "x.npz")
        assert local_path("data", tmp_path) == tmp_path
    finally:
        os.chdir(here)


def test_a_pipe_or_device_is_never_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path / "link", Path("/dev/zero"), tmp_path):
        with pytest.raises(OSError, match="not a regular file"):
            open_regular(path)


def test_a_file_that_is_larger_than_memory_is_not_read(tmp_path):
    path = tmp_path / "sparse"
    with path.open("wb") as file:
        file.truncate(2**43)
    with pytest.raises(OSError, match="of memory at hand"):
        read_whole(path)


@pytest.mark.parametrize(
    "text", ["[" * 10_000, "[" * 10_000 + "]" * 10_000, "NaN", "1e999", "9" * 5000, "{", "\xff"]
)
def test_json_that_is_none_is_a_value_error(tmp_path, text):
    path = tmp_path / "a.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ValueError):  # noqa: PT011  # of any kind, and nothing else
        read_json(path)


def test_a_link_stays_a_link_and_permissions_stay(tmp_path):
    target, link = tmp_path / "page.html", tmp_path / "link.html"
    target.write_text("old")
    target.chmod(0o640)
    link.symlink_to(target)
    write_text_whole(RULE, "new", link)
    assert link.is_symlink()
    assert target.read_text() == "new"
    assert target.stat().st_mode & 0o777 == 0o640
    assert len(list(tmp_path.iterdir())) == 2


def test_a_pipe_or_folder_is_not_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path, cause in ((tmp_path / "pipe", "a pipe or device"), (tmp_path, "existing folder")):
        with pytest.raises(InputError, match=cause):
            write_text_whole(RULE, "text", path)
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]


def test_text_that_is_no_unicode_is_written_as_escapes(tmp_path):
    path = write_text_whole(RULE, "a\udcffb", tmp_path / "a")
    assert path.read_text() == "a\\udcffb"


@pytest.mark.parametrize(
    ("path", "cause"),
    [
        ("no/page.html", "a folder that does not exist"),
        ("file/page.html", "a file where a folder belongs"),
        ("a" * 5000, "a name longer than the file system allows"),
        ("/".join(["a" * 200] * 25), "a name longer than the file system allows"),
        ("loop", "links that lead back"),
    ],
)
def test_a_refusal_names_the_true_cause(tmp_path, path, cause):
    (tmp_path / "file").write_text("")
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(InputError, match=cause) as caught:
        write_text_whole(RULE, "text", tmp_path / path)
    assert len(str(caught.value)) < 1000


def test_a_failure_leaves_no_part_behind(tmp_path, monkeypatch):
    (tmp_path / "a").write_text("old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(InputError, match="a full disk"):
        write_text_whole(RULE, "new", tmp_path / "a")
    assert (tmp_path / "a").read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1
    assert not _file.UNFINISHED


def test_two_threads_that_write_one_file_leave_one_of_their_texts(tmp_path):
    texts = [letter * 100_000 for letter in "ab"]
    path = tmp_path / "a"
    threads = [
        threading.Thread(target=lambda t=t: [write_text_whole(RULE, t, path) for _ in range(10)])
        for t in texts
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_text() in texts
    assert len(list(tmp_path.iterdir())) == 1
