"""Does a process write to the store that it opened, and to no other, whatever happens around it?"""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lazyscope._checks import InputError
from lazyscope.sweep import StoreError, finished_cells, open_store, run_sweep, writing_store
from lazyscope.sweep.run._run import run_sweep_with
from lazyscope.sweep.run._workers import ThreadWorkers
from lazyscope.sweep.store._folder import Folder
from sweep.store_cases import made_up, small_design

SWEEP = small_design(num_widths=3, num_seeds=4)
CELLS = list(SWEEP.cells())


def made_up_unit(unit, record):
    return [made_up(cell) for cell in unit]


def batches(path):
    return {file.name: file.read_bytes() for file in Path(path, "runs").iterdir()}


def test_a_change_of_folder_during_a_run_moves_no_batch(tmp_path, monkeypatch):
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "there")
    run_sweep_with(ThreadWorkers(1), made_up_unit, SWEEP, "store")
    before = batches("store")
    monkeypatch.chdir(tmp_path / "here")
    with writing_store("store", SWEEP) as store:
        store.write([made_up(cell) for cell in CELLS[:4]])
        monkeypatch.chdir(tmp_path / "there")
        store.write([made_up(cell) for cell in CELLS[4:]])
    assert batches(tmp_path / "there" / "store") == before
    assert len(finished_cells(tmp_path / "here" / "store")) == 12


def test_a_store_that_was_moved_away_is_refused_and_loses_nothing(tmp_path):
    path, moved = tmp_path / "store", tmp_path / "moved"
    with writing_store(path, SWEEP) as store:
        store.write([made_up(cell) for cell in CELLS[:4]])
        path.rename(moved)
        with writing_store(path, SWEEP) as second:
            second.write([made_up(cell) for cell in CELLS[:2]])
            with pytest.raises(StoreError, match=rf"whose folder is now {moved}"):
                store.write([made_up(cell) for cell in CELLS[4:8]])
    assert len(finished_cells(moved)) == 4
    assert len(finished_cells(path)) == 2


def test_a_removed_store_is_refused(tmp_path):
    with writing_store(tmp_path / "store", SWEEP) as store:
        shutil.rmtree(tmp_path / "store")
        with pytest.raises(StoreError, match="moved or removed"):
            store.write([made_up(cell) for cell in CELLS[:4]])


def test_moved_runs_are_refused(tmp_path):
    with writing_store(tmp_path, SWEEP) as store:
        (tmp_path / "runs").rename(tmp_path / "old")
        (tmp_path / "runs").mkdir()
        with pytest.raises(StoreError, match="must stay where they are"):
            store.write([made_up(cell) for cell in CELLS[:4]])
    assert list((tmp_path / "runs").iterdir()) == []


def test_runs_may_lie_on_another_disk_behind_a_link(tmp_path):
    path = tmp_path / "store"
    with writing_store(path, small_design()):
        pass
    (path / "runs").rename(tmp_path / "elsewhere")
    (path / "runs").symlink_to(tmp_path / "elsewhere")
    with writing_store(path, small_design()) as store:
        store.write([made_up(store.missing()[0])])
    assert [file.name for file in (tmp_path / "elsewhere").iterdir()] == ["000001.zarr.zip"]


def test_after_a_removed_lock_the_first_writer_is_refused_and_the_store_stays_readable(tmp_path):
    with writing_store(tmp_path, SWEEP) as first:
        first.write([made_up(cell) for cell in CELLS[:2]])
        (tmp_path / "lock").unlink()
        with writing_store(tmp_path, SWEEP) as second:
            with pytest.raises(StoreError, match="no longer the file that was locked"):
                first.write([made_up(cell) for cell in CELLS[2:4]])
            second.write([made_up(cell) for cell in CELLS[2:6]])
    assert open_store(tmp_path).attrs["num_finished"] == 6


def test_two_writers_past_every_lock_never_replace_a_batch(tmp_path, monkeypatch):
    monkeypatch.setattr("lazyscope.sweep.store._lock.StoreLock.check", lambda self: None)
    with writing_store(tmp_path, SWEEP) as first:
        (tmp_path / "lock").unlink()
        with writing_store(tmp_path, SWEEP) as second:
            first.write([made_up(cell) for cell in CELLS[:4]])
            before = batches(tmp_path)
            with pytest.raises(StoreError, match=r"000001\.zarr\.zip, which is there already"):
                second.write([made_up(cell) for cell in CELLS[2:6]])
            assert batches(tmp_path) == before
    assert open_store(tmp_path).attrs["num_finished"] == 4


def test_a_file_system_without_links_gets_every_batch_once(tmp_path, monkeypatch):
    def no_links(*_, **__):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    with writing_store(tmp_path, SWEEP) as store:
        store.write([made_up(cell) for cell in CELLS[:4]])
        store._next = 1
        with pytest.raises(StoreError, match="written once"):
            store.write([made_up(cell) for cell in CELLS[4:]])
    assert len(finished_cells(tmp_path)) == 4
    assert sorted(batches(tmp_path)) == ["000001.zarr.zip"]


HOLDER = """
import os, sys, time
sys.path[:0] = sys.argv[2:]
from sweep.store_cases import small_design
from lazyscope.sweep import writing_store
from lazyscope.sweep.store._store import random_settings
random_settings()
with writing_store(sys.argv[1], small_design(num_widths=3, num_seeds=4)):
    if os.fork() == 0:
        {in_child}
        print(os.getpid(), flush=True)
        os.close(1)
        time.sleep(60)
        os._exit(0)
    time.sleep({life})
    os._exit(0)
"""


def child_of_a_writer(path, in_child="pass", life=0):
    code = HOLDER.format(in_child=in_child, life=life)
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", code, str(path), *sys.path],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    child = int(process.stdout.readline())
    process.stdout.close()
    process.wait()
    return child, process.pid


@pytest.mark.slow
def test_a_child_that_outlives_a_writer_does_not_keep_its_lock(tmp_path):
    child, _ = child_of_a_writer(tmp_path)
    try:
        with writing_store(tmp_path, SWEEP) as store:
            store.write([made_up(cell) for cell in CELLS])
    finally:
        os.kill(child, 9)


@pytest.mark.slow
def test_a_lock_that_a_child_keeps_is_told_with_its_dead_parent(tmp_path):
    """As a fork below Python would: the lock is taken again under the inherited open file."""
    keep = "import fcntl; f = open(sys.argv[1] + '/lock'); fcntl.flock(f, fcntl.LOCK_EX)"
    child, parent = child_of_a_writer(
        tmp_path, keep.replace("fcntl.flock", "time.sleep(1); fcntl.flock")
    )
    try:
        with (
            pytest.raises(
                StoreError, match=rf"child of process {parent} .* ended \(process {child}\)"
            ),
            writing_store(tmp_path, SWEEP),
        ):
            pass
    finally:
        os.kill(child, 9)


def test_a_child_does_not_write_to_its_parents_store(tmp_path, monkeypatch):
    with writing_store(tmp_path, SWEEP) as store:
        monkeypatch.setattr(os, "getpid", lambda: 1)
        with pytest.raises(StoreError, match="a write by process 1"):
            store.write([made_up(cell) for cell in CELLS])


def test_a_home_folder_is_meant_by_a_tilde(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    with writing_store("~/store", SWEEP) as store:
        assert store.path == tmp_path / "store"
    assert open_store("~/store").attrs["num_finished"] == 0


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("s3://bucket/plane", "of this machine's file system"),
        (Path("gs://bucket/plane"), "of this machine's file system"),
        ("file:///tmp/plane", "of this machine's file system"),
        ("", "named by the path of a folder"),
        (" ", "named by the path of a folder"),
        ("a\0b", "named by the path of a folder"),
        ("~nobody-of-this-name/x", "without a home folder"),
        (None, "named by the path of a folder"),
        (3, "named by the path of a folder"),
        (b"plane", "named by the path of a folder"),
        ("x" * 5000, "a shorter path"),
        ("y/" * 3000, "a shorter path"),
    ],
)
def test_paths_that_are_none_of_a_folder_are_refused(tmp_path, monkeypatch, path, message):
    monkeypatch.chdir(tmp_path)
    for use in (open_store, finished_cells, lambda path: run_sweep(SWEEP, path)):
        with pytest.raises(InputError, match=message):
            use(path)
    assert list(tmp_path.iterdir()) == []


def special(kind, path):
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "socket":
        import socket

        listener = socket.socket(socket.AF_UNIX)
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(path.parent)
            listener.bind(path.name)
        listener.close()
    elif kind == "folder":
        path.mkdir()
    elif kind == "loop":
        path.symlink_to(path.name)


@pytest.mark.parametrize("kind", ["pipe", "socket", "folder", "loop"])
@pytest.mark.parametrize(
    "place", ["store.json", "lock", "designs/0001.json", "runs/000001.zarr.zip", ""]
)
def test_what_is_no_file_is_refused_at_once(tmp_path, kind, place):
    path = tmp_path / "store"
    with writing_store(path, SWEEP) as store:
        store.write([made_up(cell) for cell in CELLS[:4]])
    target = path / place if place else path
    if place:
        target.unlink()
    else:
        shutil.rmtree(path)
    special(kind, target)
    began = time.monotonic()
    if not (kind == "folder" and not place):
        with pytest.raises(StoreError), writing_store(path, SWEEP):
            pass
    if place != "lock":
        with pytest.raises(StoreError):
            open_store(path)
    assert time.monotonic() - began < 5


def test_what_other_programs_leave_behind_is_passed_over(tmp_path):
    with writing_store(tmp_path, SWEEP) as store:
        store.write([made_up(cell) for cell in CELLS[:4]])
    batch = tmp_path / "runs" / "000001.zarr.zip"
    for name in ("._000001.zarr.zip", ".DS_Store", "Thumbs.db", "000001.zarr.zip~", ".000001.swp"):
        batch.with_name(name).write_bytes(b"litter")
        (tmp_path / "designs" / name).write_bytes(b"litter")
        (tmp_path / name).write_bytes(b"litter")
    (tmp_path / "designs" / "._0002.json").write_bytes(b"litter")
    shutil.copy(tmp_path / "designs" / "0001.json", tmp_path / "designs" / "0001 (copy).json")
    for name in ("000001 (copy).zarr.zip", "000001 2.zarr.zip", "Copy of 000001.zarr.zip"):
        shutil.copy(batch, batch.with_name(name))
    assert open_store(tmp_path).attrs["num_finished"] == 4
    with writing_store(tmp_path, SWEEP) as store:
        store.write([made_up(cell) for cell in CELLS[4:]])
    assert open_store(tmp_path).attrs["num_finished"] == 12


def test_a_new_store_may_lie_beside_what_a_file_manager_left(tmp_path):
    (tmp_path / ".DS_Store").write_bytes(b"")
    with writing_store(tmp_path, SWEEP) as store:
        assert store.missing()


def test_a_clock_before_1980_stops_no_sweep(tmp_path, monkeypatch):
    monkeypatch.setattr(time, "time", lambda: 86400.0)
    with writing_store(tmp_path, SWEEP) as store:
        store.write([made_up(cell) for cell in CELLS])
    assert open_store(tmp_path).attrs["num_finished"] == 12


def test_a_store_with_other_random_numbers_takes_no_more_runs(tmp_path, monkeypatch):
    with writing_store(tmp_path, SWEEP) as store:
        store.write([made_up(cell) for cell in CELLS[:4]])
    other = {"generator": "rbg", "numbers": "12345678"}
    monkeypatch.setattr("lazyscope.sweep.store._store.random_settings", lambda: other)
    told = r"written with generator threefry2x32.*has generator rbg"
    with pytest.raises(StoreError, match=told), writing_store(tmp_path, SWEEP):
        pass
    assert open_store(tmp_path).attrs["num_finished"] == 4


def test_a_lost_marker_is_not_replaced_over_runs(tmp_path):
    with writing_store(tmp_path, SWEEP) as store:
        store.write([made_up(cell) for cell in CELLS[:4]])
    (tmp_path / "store.json").unlink()
    with (
        pytest.raises(StoreError, match=r"must have its store\.json"),
        writing_store(tmp_path, SWEEP),
    ):
        pass


def test_an_unreadable_file_is_told_as_such(tmp_path, monkeypatch):
    with writing_store(tmp_path, SWEEP) as store:
        store.write([made_up(cell) for cell in CELLS[:4]])
    opened = os.open

    def refusing(path, flags, *rest, **place):
        if str(path).endswith(".zarr.zip"):
            raise PermissionError(13, "Permission denied")
        return opened(path, flags, *rest, **place)

    monkeypatch.setattr(os, "open", refusing)
    with pytest.raises(StoreError, match=r"may not read. Fix: change its permissions"):
        open_store(tmp_path)


def test_an_open_folder_reads_what_its_path_no_longer_leads_to(tmp_path):
    (tmp_path / "a").mkdir()
    with Folder.opened(tmp_path / "a") as folder:
        folder.place("x", b"1")
        (tmp_path / "a").rename(tmp_path / "b")
        assert folder.read("x") == b"1"
        assert not folder.is_in_place()
        assert folder.whereabouts() == str(tmp_path / "b")


def store_with_two_batches(path):
    with writing_store(path, SWEEP) as store:
        store.write([made_up(cell) for cell in CELLS[:4]])
        store.write([made_up(cell) for cell in CELLS[4:8]])


def refusals(path):
    """What reading and going on with the store at `path` say, where they refuse it."""
    for use in (
        open_store,
        lambda path: run_sweep_with(ThreadWorkers(1), made_up_unit, SWEEP, path),
    ):
        try:
            use(path)
        except StoreError as error:
            yield str(error)


def link(path, target):
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
    path.symlink_to(target)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda path: link(path / "lock", path / "other"), "lock: .*a link where a file belongs"),
        (lambda path: link(path / "store.json", "no"), "store.json: .*a link that leads nowhere"),
        (lambda path: link(path / "runs", "no"), "runs: .*a link that leads nowhere"),
        (
            lambda path: link(path / "runs" / "000002.zarr.zip", "no"),
            "000002.zarr.zip: .*a link that leads nowhere",
        ),
        (lambda path: shutil.rmtree(path / "runs"), "without the folder runs"),
        (lambda path: shutil.rmtree(path / "designs"), "without the folder designs"),
        (
            lambda path: (path / "runs" / "000003.zarr.zip.part").mkdir(),
            "000003.zarr.zip.part, which is a folder.*under this name",
        ),
    ],
)
def test_a_message_names_what_is_in_the_way_and_why(tmp_path, damage, words):
    path = tmp_path / "store"
    store_with_two_batches(path)
    damage(path)
    said = list(refusals(path))
    assert said
    for message in said:
        assert re.search(words, message), message


def test_a_link_that_leads_nowhere_is_told_as_such_in_place_of_a_store(tmp_path):
    (tmp_path / "store").symlink_to(tmp_path / "no")
    with pytest.raises(StoreError, match="a link that leads nowhere"):
        run_sweep(SWEEP, tmp_path / "store")


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="a Linux folder")
@pytest.mark.parametrize("path", ["/proc/x", "/proc/self", "/proc/self/fd/x"])
def test_a_place_of_the_system_is_told_as_such(path):
    with pytest.raises(StoreError, match="a place of the system in which nothing can be made"):
        run_sweep(SWEEP, path)
