"""Does a store give back what was written, and refuse what would spoil it?"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from zarr.storage import ZipStore

from lazyscope._outcome import Outcome
from lazyscope.experiment._settings import default_settings, settings_hash
from lazyscope.sweep import (
    RunResult,
    StoreError,
    SweepDesign,
    finished_cells,
    open_store,
    writing_store,
)
from lazyscope.sweep.store._store import FORMAT
from sweep.earlier_store import earlier_store
from sweep.store_cases import made_up, small_design


def write(path, design, cells):
    with writing_store(path, design) as store:
        store.write([made_up(cell) for cell in cells])


def assert_holds(dataset, results, all_cells):
    """Transcribed lookup: every cell by its coordinates, records padded with NaN."""
    by_hash = {result.cell.hash: result for result in results}
    for cell in all_cells:
        at = dataset.isel(dict(cell.place))
        assert str(at["cell"].values) == cell.hash
        result = by_hash.get(cell.hash)
        if result is None:
            assert at["outcome"] == "missing"
            assert np.isnan(at["steps"])
            assert np.isnan(at["curve_loss"]).all()
            continue
        assert at["outcome"] == result.outcome.label
        assert float(at["seconds"]) == result.seconds
        for name, value in result.values.items():
            stored = at[name].values
            value = np.asarray(value, float)
            assert (stored[tuple(slice(size) for size in value.shape)] == value).all()
            assert np.isfinite(stored).sum() == value.size


@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_what_is_written_is_read_back(data):
    sweep = SweepDesign(
        axes={
            "width": data.draw(st.lists(st.integers(1, 99), min_size=1, max_size=3, unique=True)),
            "depth": data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=2, unique=True)),
            "activation": ["relu", "tanh"],
        },
        fixed={"scheme": "ntk"},
    )
    order = data.draw(st.permutations(list(sweep.cells())))
    held = order[: data.draw(st.integers(0, len(order)))]
    cuts = sorted(data.draw(st.lists(st.integers(0, len(held)), max_size=3)))
    with tempfile.TemporaryDirectory() as folder:
        with writing_store(folder, sweep) as store:
            for start, stop in zip([0, *cuts], [*cuts, len(held)], strict=True):
                store.write([made_up(cell) for cell in held[start:stop]])
            assert {cell.hash for cell in store.missing()} == {
                c.hash for c in order
            } - store.finished
        dataset = open_store(folder)
        assert finished_cells(folder) == {cell.hash for cell in held}
    assert_holds(dataset, [made_up(cell) for cell in held], order)
    assert dataset.attrs["num_finished"] == len(held)


def test_variables_carry_units_names_and_the_settings(tmp_path):
    sweep = small_design()
    write(tmp_path, sweep, list(sweep.cells())[:3])
    dataset = open_store(tmp_path)
    for variable in dataset.data_vars.values():
        assert variable.attrs["long_name"]
    assert dataset["curve_time"].attrs["units"] == "flow time"
    assert dataset["seconds"].attrs["units"] == "s"
    assert dataset["width"].attrs["long_name"].startswith("units m")
    assert json.loads(dataset.attrs["settings"])["scheme"] == "ntk"
    assert json.loads(dataset.attrs["batches"])[0]["numpy_version"] == np.__version__
    assert SweepDesign(**json.loads(dataset.attrs["design"])) == sweep


def test_a_batch_file_is_plain_zarr_for_xarray(tmp_path):
    sweep = small_design()
    write(tmp_path, sweep, list(sweep.cells())[:3])
    with ZipStore(tmp_path / "runs" / "000001.zarr.zip", mode="r") as zipped:
        batch = xr.open_zarr(zipped, consolidated=False, chunks=None).load()
    assert batch.sizes["run"] == 3
    assert batch["width"].values.tolist() == [1, 1, 1]
    assert batch["outcome"].attrs["flag_meanings"].split()[1] == "converged"


def test_points_have_one_dim_and_their_settings_as_coords(tmp_path):
    sweep = SweepDesign(
        axes={"width": [4, 8]},
        points={"columns": {"gamma": [0.5, 1.5], "gamma_prime": [0.0, 1.0]}},
    )
    write(tmp_path, sweep, list(sweep.cells()))
    dataset = open_store(tmp_path)
    assert dataset["steps"].dims == ("point", "width")
    assert dataset["gamma"].dims == ("point",)
    assert dataset["gamma_prime"].values.tolist() == [0.0, 1.0]


def test_lists_of_exponents_are_labels(tmp_path):
    sweep = SweepDesign(axes={"scale_exponents": [[0.5, 0], [0.25, 0.25]]}, fixed={"width": 4})
    write(tmp_path, sweep, list(sweep.cells()))
    chosen = open_store(tmp_path).sel(scale_exponents="[0.25, 0.25]")
    assert chosen["outcome"] != "missing"


def test_an_empty_store_is_all_missing(tmp_path):
    with writing_store(tmp_path, small_design()):
        assert (open_store(tmp_path)["outcome"] == "missing").all()


def test_failed_runs_are_kept_with_their_outcome(tmp_path):
    sweep = small_design()
    cell = next(sweep.cells())
    with writing_store(tmp_path, sweep) as store:
        store.write([RunResult(cell, Outcome.DIVERGED, 0.1, {"loss_final": np.nan, "steps": 4})])
    dataset = open_store(tmp_path)
    assert (dataset["outcome"] == "diverged").sum() == 1
    assert dataset["steps"].max() == 4


def test_a_run_is_never_written_twice(tmp_path):
    sweep = small_design()
    cell = next(sweep.cells())
    write(tmp_path, sweep, [cell])
    with pytest.raises(StoreError, match="written once"):
        write(tmp_path, sweep, [cell])
    with pytest.raises(StoreError, match="written once"):
        write(tmp_path, sweep, [list(sweep.cells())[1]] * 2)


def test_a_sweep_that_only_adds_cells_goes_on(tmp_path):
    small, grown = small_design(num_widths=2), small_design(num_widths=3, num_seeds=5)
    write(tmp_path, small, list(small.cells()))
    with writing_store(tmp_path, grown) as store:
        assert len(store.missing()) == grown.num_cells - small.num_cells
    dataset = open_store(tmp_path)
    assert dict(dataset["steps"].sizes) == {"width": 3, "seed": 5}
    assert_holds(dataset, [made_up(cell) for cell in small.cells()], list(grown.cells()))


def test_a_sweep_changed_otherwise_is_refused(tmp_path):
    old = small_design(num_widths=3)
    write(tmp_path, old, list(old.cells())[:2])
    with pytest.raises(StoreError, match=r"only add cells.*4 of the 12 cells.*changed: width"):
        write(tmp_path, small_design(num_widths=2), [])
    with pytest.raises(StoreError, match=r"12 of the 12 cells.*changed: stop"):
        write(tmp_path, small_design(num_widths=3, stop=0.5), [])
    fewer = SweepDesign(**{**old.to_table(), "record": ["loss_curve"]})
    with pytest.raises(StoreError, match="record"):
        write(tmp_path, fewer, [])
    assert open_store(tmp_path).attrs["num_finished"] == 2


@pytest.mark.parametrize(("found", "message"), [(0, "an older version"), (99, "a newer version")])
def test_another_format_is_refused(tmp_path, found, message):
    write(tmp_path, small_design(), [])
    marker = tmp_path / "store.json"
    marker.write_text(json.dumps({**json.loads(marker.read_text()), "format": found}))
    with pytest.raises(StoreError, match=message):
        open_store(tmp_path)
    with pytest.raises(StoreError, match=message):
        write(tmp_path, small_design(), [])


def test_a_store_of_the_first_format_is_refused(tmp_path):
    sweep = earlier_store(tmp_path, 1)
    for use in (open_store, finished_cells, lambda path: write(path, sweep, [])):
        with pytest.raises(StoreError, match=r"reads stores of format 2 and 3.*an older version"):
            use(tmp_path)


def test_a_store_of_the_second_format_is_read_and_takes_no_more_runs(tmp_path):
    sweep = earlier_store(tmp_path, 2, sweep=small_design())
    cells = list(sweep.cells())
    assert_holds(open_store(tmp_path), [made_up(cell) for cell in cells], cells)
    assert finished_cells(tmp_path) == {cell.hash for cell in cells}
    with pytest.raises(StoreError, match=r"format 2.*does not say what random numbers"):
        write(tmp_path, sweep, [])


def test_runs_that_are_no_cell_of_the_stored_sweep_are_refused_and_not_called_missing(tmp_path):
    earlier_store(tmp_path, 2, other_hashes=True)
    for use in (open_store, finished_cells):
        with pytest.raises(StoreError, match=r"2 of 2 runs belong to no cell.*told runs apart"):
            use(tmp_path)


def test_another_definition_of_the_hash_needs_another_format():
    """Where this fails on purpose, raise FORMAT, say what changed there, and add the new line."""
    written = {
        "width": 8,
        "scheme": "ntk",
        "scale_exponents": (0.5, 0.0),
        "output_scale": 0.25,
        "use_bias": True,
        "data": "digits",
        "num_points": 16,
    }
    runs = [
        {**default_settings(), **written, **more}
        for more in ({}, {"method": "descent", "step": 0.5}, {"data": "four-points"}, {"rho": None})
    ]
    told = ",".join(settings_hash(run) for run in runs)
    second = "442aa23fd10f6fbd,93e4706ba15cc901,323c4a8fa56fa891,442aa23fd10f6fbd"
    known = {2: second, 3: second}
    assert (FORMAT, told) == (FORMAT, known[FORMAT])


def test_what_is_no_store_is_refused(tmp_path):
    with pytest.raises(StoreError, match=r"without a readable store\.json"):
        open_store(tmp_path / "nothing")
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(StoreError, match=r"which holds thesis\.tex"):
        write(tmp_path, small_design(), [])
    with pytest.raises(StoreError, match="a file where a folder belongs"):
        write(tmp_path / "thesis.tex", small_design(), [])


def test_a_damaged_batch_is_named(tmp_path):
    sweep = small_design()
    write(tmp_path, sweep, list(sweep.cells()))
    batch = tmp_path / "runs" / "000001.zarr.zip"
    whole = batch.read_bytes()
    batch.write_bytes(whole[:-30])
    with pytest.raises(StoreError, match=r"000001\.zarr\.zip"):
        open_store(tmp_path)
    spoilt = bytearray(whole)
    at = whole.index(b"vlen-utf8") + 600  # inside the entries behind it
    spoilt[at] ^= 0xFF
    batch.write_bytes(spoilt)
    with pytest.raises(StoreError, match="whole"):
        open_store(tmp_path)


def test_a_second_writer_is_refused_and_the_first_goes_on(tmp_path):
    sweep = small_design()
    with writing_store(tmp_path, sweep) as store:
        with pytest.raises(StoreError, match=f"process {os.getpid()} on .* is writing"):
            write(tmp_path, sweep, [])
        store.write([made_up(cell) for cell in store.missing()])
    assert open_store(tmp_path).attrs["num_finished"] == sweep.num_cells


def test_the_lock_of_another_process_ends_with_it(tmp_path):
    sweep = small_design()
    write(tmp_path, sweep, [])
    code = (
        "import fcntl,sys,time; f=open(sys.argv[1],'r+'); fcntl.flock(f, fcntl.LOCK_EX);"
        "print('held', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "lock")], stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    with pytest.raises(StoreError, match="One process at a time"):
        write(tmp_path, sweep, [])
    assert open_store(tmp_path).attrs["num_finished"] == 0
    holder.kill()
    holder.wait()
    holder.stdout.close()
    write(tmp_path, sweep, list(sweep.cells())[:1])
    assert open_store(tmp_path).attrs["num_finished"] == 1


def test_an_error_of_the_caller_is_not_taken_for_one_of_the_store(tmp_path):
    def leave():
        with writing_store(tmp_path, small_design()):
            raise FileNotFoundError("a data file")

    with pytest.raises(FileNotFoundError, match="a data file"):
        leave()


def test_a_limit_on_file_size_stops_the_sweep_and_keeps_what_was_finished(tmp_path):
    sweep = small_design()
    first, second = list(sweep.cells())[:6], list(sweep.cells())[6:]
    write(tmp_path, sweep, first)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        with pytest.raises(StoreError, match="a limit on the size of files"):
            write(tmp_path, sweep, second)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert_holds(open_store(tmp_path), [made_up(cell) for cell in first], list(sweep.cells()))
    assert [p.name for p in (tmp_path / "runs").iterdir()] == ["000001.zarr.zip"]
    write(tmp_path, sweep, second)
    assert open_store(tmp_path).attrs["num_finished"] == sweep.num_cells


@pytest.fixture
def tiny_disk(tmp_path):
    """A file system of 200 kB; needs the right to mount."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", folder],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"mounting needs root: {mounted.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_a_full_disk_stops_the_sweep_and_keeps_what_was_finished(tiny_disk):
    sweep = small_design(num_widths=10, num_seeds=10)
    written = 0
    with writing_store(tiny_disk, sweep) as store:
        cells = store.missing()
        with pytest.raises(StoreError, match=r"a full disk.*finished runs are kept"):  # noqa: PT012
            for written in range(len(cells)):
                store.write([made_up(cells[written])])
    assert 2 <= written < len(cells)
    assert_holds(open_store(tiny_disk), [made_up(cell) for cell in cells[:written]], cells)


def test_a_read_only_store_is_read_but_not_written(tiny_disk):
    sweep = small_design()
    write(tiny_disk, sweep, list(sweep.cells())[:2])
    subprocess.run(["mount", "-o", "remount,ro", tiny_disk], check=True)
    with pytest.raises(StoreError, match="mounted read-only"):
        write(tiny_disk, sweep, list(sweep.cells())[2:])
    assert open_store(tiny_disk).attrs["num_finished"] == 2
    with pytest.raises(StoreError, match="mounted read-only"):
        write(tiny_disk / "new", sweep, [])


def wait_for_batch(path, num_before):
    deadline = time.monotonic() + 60
    while len(list(path.glob("runs/*.zip"))) == num_before and time.monotonic() < deadline:
        time.sleep(0.002)


@pytest.mark.slow
def test_a_sweep_killed_at_twenty_moments_loses_and_repeats_nothing(tmp_path):
    widths, seeds = 80, 2
    sweep = small_design(widths, seeds)
    script = Path(__file__).with_name("killed_writer.py")
    rng = np.random.default_rng(5)
    path = tmp_path / "killed"
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", script, path, str(widths), str(seeds)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    killed, held = 0, frozenset()
    for attempt in range(20):
        print("write", file=process.stdin, flush=True)
        child = int(process.stdout.readline())
        if attempt % 2:  # after a batch of its own, otherwise at any moment from its start on
            wait_for_batch(path, num_before=len(list(path.glob("runs/*.zip"))))
        time.sleep(rng.uniform(0.0, 0.08))
        os.kill(child, 9)
        killed += int(process.stdout.readline()) == 9
        if (path / "store.json").exists() and list((path / "designs").glob("*.json")):
            now = finished_cells(path)
            assert held <= now
            held = now
            if attempt % 5 == 4:
                assert open_store(path).attrs["num_finished"] == len(held)
    print("write", file=process.stdin, flush=True)
    process.communicate()
    assert process.returncode == 0
    assert killed == 20
    assert 3 < len(held) < sweep.num_cells
    write(tmp_path / "whole", sweep, list(sweep.cells()))
    resumed, whole = open_store(path), open_store(tmp_path / "whole")
    assert resumed.attrs["num_finished"] == sweep.num_cells
    xr.testing.assert_identical(
        resumed.drop_vars("batch").drop_attrs(), whole.drop_vars("batch").drop_attrs()
    )
