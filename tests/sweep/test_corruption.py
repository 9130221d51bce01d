"""Is every kind of damage to a store either harmless or refused by name?

LAZYSCOPE_CORRUPTIONS is the number of damaged stores, drawn with one seed; 60 unless given.
"""

import io
import json
import os
import shutil
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from lazyscope.experiment._quantities import quantities
from lazyscope.sweep import StoreError, finished_cells, open_store, writing_store
from lazyscope.sweep.store._batchfile import batch_file
from sweep.earlier_store import earlier_store
from sweep.store_cases import made_up, small_design

SWEEP = small_design(num_widths=3, num_seeds=4)
CELLS = list(SWEEP.cells())
NUM_CORRUPTIONS = int(os.environ.get("LAZYSCOPE_CORRUPTIONS", "60"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A store of three batches, another of the same runs, and one of format 2."""
    folder = tmp_path_factory.mktemp("whole")
    for name in ("store", "other"):
        with writing_store(folder / name, SWEEP) as store:
            for start in (0, 4, 8):
                store.write([made_up(cell) for cell in CELLS[start : start + 4]])
    earlier_store(folder / "earlier", 2, sweep=SWEEP)
    return folder


def some_batch(path, rng):
    return rng.choice(sorted((path / "runs").glob("*.zarr.zip")))


def some_file(path, rng):
    return rng.choice(
        [file for file in sorted(path.rglob("*")) if file.is_file() and file.name != "lock"]
    )


def flip_bits(path, rng):
    file = some_file(path, rng)
    content = bytearray(file.read_bytes())
    for at in rng.integers(0, len(content), rng.integers(1, 4)):
        content[at] ^= 1 << int(rng.integers(8))
    file.write_bytes(content)


def cut_short(path, rng):
    file = some_file(path, rng)
    file.write_bytes(file.read_bytes()[: rng.integers(0, file.stat().st_size)])


def add_bytes(path, rng):
    file = some_file(path, rng)
    more = rng.bytes(rng.integers(1, 100))
    file.write_bytes(file.read_bytes() + more if rng.random() < 0.5 else more + file.read_bytes())


def blank_part(path, rng):
    file = some_file(path, rng)
    content = bytearray(file.read_bytes())
    start = int(rng.integers(0, len(content)))
    stop = min(len(content), start + int(rng.integers(1, 512)))
    content[start:stop] = bytes(stop - start)
    file.write_bytes(content)


def refill(path, rng, change):
    """A batch zipped again after `change` of its entries, with sums of the zip format that are right."""
    file = some_batch(path, rng)
    with zipfile.ZipFile(file) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    change(entries, rng)
    buffer = io.BytesIO()
    packing = zipfile.ZIP_DEFLATED if rng.random() < 0.2 else zipfile.ZIP_STORED
    with zipfile.ZipFile(buffer, "w", packing) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    file.write_bytes(buffer.getvalue())


def some_entry(entries, rng, end=""):
    return str(rng.choice([name for name in entries if name.endswith(end)]))


def drop_entry(path, rng):
    refill(path, rng, lambda entries, rng: entries.pop(some_entry(entries, rng)))


def drop_chunk(path, rng):
    refill(path, rng, lambda entries, rng: entries.pop(some_entry(entries, rng, "/c/0")))


def change_chunk(path, rng):
    def change(entries, rng):
        name = some_entry(entries, rng, "/0")
        entries[name] = rng.bytes(len(entries[name]))

    refill(path, rng, change)


def swap_chunks(path, rng):
    def change(entries, rng):
        names = rng.permutation([name for name in entries if name.endswith("/c/0")])[:2]
        entries[names[0]], entries[names[1]] = entries[names[1]], entries[names[0]]

    refill(path, rng, change)


def add_entry(path, rng):
    refill(path, rng, lambda entries, rng: entries.update({"more/c/0": rng.bytes(8)}))


def change_about(path, rng):
    """Another type, shape or dim, or nonsense, in the description of an array or of the group."""

    def change(entries, rng):
        name = some_entry(entries, rng, "zarr.json")
        about = json.loads(entries[name])
        key = str(rng.choice(list(about)))
        values = [None, 7, "float32", [1], [10**9], {}, {"cells": ["x"]}, [2, 4], "int8", 10**400]
        about[key] = values[rng.integers(len(values))]
        entries[name] = json.dumps(about).encode()

    refill(path, rng, change)


def repeat_entry(path, rng):
    file = some_batch(path, rng)
    with zipfile.ZipFile(file, "a") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        name = str(rng.choice(archive.namelist()))
        archive.writestr(name, archive.read(name))


def rename_batch(path, rng):
    file = some_batch(path, rng)
    names = ("000009.zarr.zip", "000001 (copy).zarr.zip", "1.zarr.zip", "0000001.zarr.zip")
    file.rename(file.with_name(str(rng.choice(names))))


def copy_batch(path, rng):
    file = some_batch(path, rng)
    names = ("000004.zarr.zip", "000017.zarr.zip", "000001 (copy).zarr.zip", "0000001.zarr.zip")
    shutil.copy(file, file.with_name(str(rng.choice(names))))


def swap_batches(path, rng):
    one, two = rng.permutation(sorted((path / "runs").glob("*.zarr.zip")))[:2]
    kept = one.read_bytes()
    one.write_bytes(two.read_bytes())
    two.write_bytes(kept)


def take_from_other(path, rng):
    """A batch of another store of the same sweep, under the same number."""
    file = some_batch(path, rng)
    shutil.copy(path.parent / "whole_other" / "runs" / file.name, file)


def drop_batch(path, rng):
    some_batch(path, rng).unlink()


def hold_twice(path, rng):
    """A batch that is whole and belongs here, with runs of another one."""
    marker = json.loads((path / "store.json").read_text())
    own = {"store": marker["store"], "batch": 4}
    content = batch_file([made_up(cell) for cell in CELLS[2:6]], quantities(SWEEP.record), own)
    (path / "runs" / "000004.zarr.zip").write_bytes(content)


def nest_deeply(path, rng):
    file = some_file(path, rng)
    file.write_bytes(b"[" * 10_000 if rng.random() < 0.5 else b'{"a":' * 10_000)


def huge_number(path, rng):
    file = rng.choice([path / "store.json", path / "designs" / "0001.json"])
    file.write_text(file.read_text().replace(":", ": " + "9" * 5000 + ",", 1))


def change_table(path, rng):
    file = rng.choice([path / "store.json", path / "designs" / "0001.json"])
    table = json.loads(file.read_text())
    key = str(rng.choice(list(table)))
    values = [None, 7, "x", [], {}, 2, 99, ["kernel"], {"width": [1]}, True]
    table[key] = values[rng.integers(len(values))]
    file.write_text(json.dumps(table))


def empty_file(path, rng):
    some_file(path, rng).write_bytes(b"")


def replace_by_folder(path, rng):
    file = some_file(path, rng)
    file.unlink()
    file.mkdir()


def no_text(path, rng):
    file = rng.choice([path / "store.json", path / "designs" / "0001.json"])
    file.write_bytes(rng.bytes(200))


DAMAGES = [value for name, value in list(globals().items()) if name in {
    "flip_bits", "cut_short", "add_bytes", "blank_part", "drop_entry", "drop_chunk", "change_chunk",
    "swap_chunks", "add_entry", "change_about", "repeat_entry", "rename_batch", "copy_batch",
    "swap_batches", "take_from_other", "drop_batch", "hold_twice", "nest_deeply", "huge_number",
    "change_table", "empty_file", "replace_by_folder", "no_text",
}]  # fmt: skip


def misread(dataset, whole):
    """Whether a number is there that was not written; runs may be missing."""
    held = (dataset["outcome"] != "missing").values
    for name in ("steps", "time", "loss_final", "loss_initial", "displacement_operator", "seconds"):
        found, written = dataset[name].values[held], whole[name].values[held]
        if found.shape != written.shape or not np.array_equal(found, written, equal_nan=True):
            return True
    same = dataset["outcome"].values[held] == whole["outcome"].values[held]
    return not same.all() or dict(dataset.sizes) != dict(whole.sizes)


@pytest.mark.slow
def test_every_damaged_store_is_read_right_or_refused_by_name(whole, tmp_path):
    rng = np.random.default_rng(1980)
    truth = open_store(whole / "store")
    shutil.copytree(whole / "other", tmp_path / "whole_other")
    told, wrong = [], 0
    for number in range(NUM_CORRUPTIONS):
        path = tmp_path / "damaged"
        shutil.copytree(whole / "store", path)
        damage = DAMAGES[number % len(DAMAGES)]
        damage(path, rng)
        for use in (open_store, finished_cells, lambda path: open_for_more(path)):
            try:
                found = use(path)
            except StoreError as error:
                told.append(str(error))
            else:
                wrong += isinstance(found, xr.Dataset) and misread(found, truth)
        shutil.rmtree(path)
    assert wrong == 0
    assert len(told) > NUM_CORRUPTIONS
    assert [sentence for sentence in told if str(tmp_path / "damaged") not in sentence] == []


def open_for_more(path):
    with writing_store(path, SWEEP) as store:
        store.write([made_up(cell) for cell in store.missing()])


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_a_store_of_format_2_leads_to_no_other_error(whole, tmp_path, damage):
    rng = np.random.default_rng(7)
    if damage in (hold_twice, take_from_other, swap_batches, swap_chunks):
        pytest.skip("needs a store of format 3")
    path = tmp_path / "damaged"
    shutil.copytree(whole / "earlier", path)
    damage(path, rng)
    for use in (open_store, finished_cells):
        try:
            use(path)
        except StoreError as error:
            assert str(path) in str(error)  # noqa: PT017


@pytest.mark.parametrize(
    "damage",
    [drop_chunk, change_chunk, swap_chunks, add_entry, repeat_entry, swap_batches, take_from_other,
     hold_twice, add_bytes, rename_batch],
)  # fmt: skip
def test_what_the_zip_format_lets_pass_is_refused(whole, tmp_path, damage):
    shutil.copytree(whole / "store", tmp_path / "damaged")
    shutil.copytree(whole / "other", tmp_path / "whole_other")
    damage(tmp_path / "damaged", np.random.default_rng(3))
    with pytest.raises(StoreError, match=str(Path("damaged"))):
        open_store(tmp_path / "damaged")


def test_a_design_without_its_checksum_is_refused(whole, tmp_path):
    shutil.copytree(whole / "store", tmp_path / "store")
    (file,) = (tmp_path / "store" / "designs").iterdir()
    table = json.loads(file.read_text())
    del table["sum"]
    table["record"] = table["record"][:1]
    file.write_text(json.dumps(table))
    with pytest.raises(StoreError, match="checksum is missing"):
        open_store(tmp_path / "store")
