"""Are all runs of a sweep done once, whoever does them and however they are grouped?"""

import os

import jax
import numpy as np
import pytest
import xarray as xr

from lazyscope._checks import InputError
from lazyscope._outcome import Outcome
from lazyscope.data import four_points
from lazyscope.experiment.run._program import trace_run
from lazyscope.flow import dense_problem, solve_flow
from lazyscope.model import Dense
from lazyscope.scaling import named_scheme
from lazyscope.sweep import StoreError, SweepDesign, open_store, run_sweep
from lazyscope.sweep.design._units import cut_into_units, shape_of
from lazyscope.sweep.run._batch import run_unit
from lazyscope.sweep.run._run import run_sweep_with
from lazyscope.sweep.run._workers import ThreadWorkers
from sweep.store_cases import made_up, small_design

VALUES = ["steps", "time", "loss_initial", "loss_final", "displacement_operator", "curve_loss"]


def plane(**fixed):
    return SweepDesign(
        axes={"gamma": [0.5, 1.0, 1.5], "seed": [0, 1], "width": [16, 24]},
        fixed={"gamma_prime": 0.25, **fixed},
    )


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    path = tmp_path_factory.mktemp("plane") / "store"
    summary = run_sweep(plane(), path, num_workers=2)
    return path, summary


@pytest.mark.slow
def test_a_run_of_a_sweep_is_the_run_that_the_flow_does(finished):
    dataset = open_store(finished[0]).sel(gamma=1.0, seed=1, width=24)
    data = four_points()
    with jax.enable_x64(True):
        model = Dense(2, 1, width=24, depth=1)
        scheme = named_scheme("luo", depth=1, gamma=1.0, gamma_prime=0.25)
        start = model.init(jax.random.key(1), scheme)
        problem = dense_problem(
            model, start, jax.numpy.array(data.x_train), jax.numpy.array(data.y_train)
        )
        result = solve_flow(problem, max_steps=10_000)
        moved = [
            np.linalg.norm(np.asarray(b.weight - a.weight), 2)
            / np.linalg.norm(np.asarray(a.weight), 2)
            for a, b in zip(start, result.params, strict=True)
        ]
    assert dataset["outcome"] == result.outcome.label == "converged"
    assert int(dataset["steps"]) == int(result.num_steps)
    np.testing.assert_allclose(dataset["loss_final"], float(result.loss), rtol=1e-10)
    np.testing.assert_allclose(dataset["time"], float(result.time), rtol=1e-10)
    np.testing.assert_allclose(dataset["displacement_operator"], moved, rtol=1e-9)


def test_every_run_is_done_and_counted(finished):
    path, summary = finished
    assert summary.complete
    assert summary.outcomes == {"converged": 12}
    assert (open_store(path)["outcome"] == "converged").all()


def test_grouping_order_and_workers_change_no_number(finished):
    whole = open_store(finished[0])
    index = {cell.hash: cell for cell in plane().cells()}
    alone = [run_unit([cell], plane().record)[0] for cell in reversed(index.values())]
    for result in alone:
        stored = whole.isel(dict(result.cell.place))
        for name in VALUES:
            value = np.asarray(result.values[name])
            kept = stored[name].values[tuple(slice(size) for size in value.shape)]
            np.testing.assert_allclose(kept, value, rtol=1e-10)


def test_a_complete_store_is_left_as_it_is(finished):
    path, _ = finished
    before = {file: file.stat().st_mtime_ns for file in (path / "runs").iterdir()}
    again = run_sweep(plane(), path)
    assert (again.num_before, again.num_done, again.complete) == (12, 0, True)
    assert before == {file: file.stat().st_mtime_ns for file in (path / "runs").iterdir()}


def test_only_missing_runs_are_done(tmp_path):
    seen = []

    def run(unit, record):
        seen.extend(cell.hash for cell in unit)
        return [made_up(cell) for cell in unit]

    small, grown = small_design(num_widths=2), small_design(num_widths=4)
    run_sweep_with(ThreadWorkers(2), run, small, tmp_path)
    summary = run_sweep_with(ThreadWorkers(2), run, grown, tmp_path)
    assert sorted(seen) == sorted(cell.hash for cell in grown.cells())
    assert (summary.num_before, summary.num_done) == (8, 8)


@pytest.mark.slow
def test_a_program_is_compiled_once_per_shape(monkeypatch, tmp_path):
    traced = []

    def counting(settings, record, numbers):
        traced.append(shape_of(settings))
        return trace_run(settings, record, numbers)

    monkeypatch.setattr("lazyscope.experiment.run._program.trace_run", counting)
    sweep = SweepDesign(
        axes={"width": [5, 6], "seed": [0, 1, 2], "rho": [0.0, 0.5], "output_scale": [1.0, 2.0]},
        fixed={"scheme": "ntk", "tolerance": 0.1},
    )
    assert run_sweep(sweep, tmp_path, num_workers=2).complete
    assert len(traced) == len(set(traced)) == 2


@pytest.mark.slow
def test_runs_that_fail_are_stored_with_their_outcome(tmp_path):
    sweep = SweepDesign(
        axes={"max_steps": [3, 20_000], "step": [0.5, 4.0]},
        fixed={
            "scheme": "ntk",
            "width": 16,
            "method": "descent",
            "stop": 1e-2,
            "activation": "linear",
            "data": "sphere-teacher",
            "num_points": 6,
            "input_dim": 6,
        },
    )
    summary = run_sweep(sweep, tmp_path)
    outcome = open_store(tmp_path)["outcome"]
    assert outcome.sel(max_steps=3, step=0.5) == "out-of-steps"
    assert outcome.sel(max_steps=20_000, step=4.0) == "diverged"
    assert outcome.sel(max_steps=20_000, step=0.5) == "converged"
    assert summary.complete


def test_a_run_that_raises_is_counted_and_the_others_go_on(tmp_path):
    sweep = small_design(num_widths=3, num_seeds=2)

    def run(unit, record):
        if unit[0].settings["width"] == 2:
            raise MemoryError("no room")
        return [made_up(cell) for cell in unit]

    summary = run_sweep_with(ThreadWorkers(2), run, sweep, tmp_path)
    assert summary.errors == {"MemoryError: no room (width = 2)": 2}
    assert not summary.complete
    assert (open_store(tmp_path)["outcome"] == "missing").sum() == 2
    done = run_sweep_with(
        ThreadWorkers(2), lambda unit, record: [made_up(c) for c in unit], sweep, tmp_path
    )
    assert done.complete
    assert done.num_done == 2


def test_an_interruption_keeps_what_was_finished(tmp_path):
    sweep = small_design(num_widths=6, num_seeds=1)

    class Interrupted(ThreadWorkers.__mro__[1]):
        num_workers = 1

        def results(self, run_unit, units):
            for unit in units[:3]:
                yield unit, run_unit(unit)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_sweep_with(
            Interrupted(), lambda unit, record: [made_up(c) for c in unit], sweep, tmp_path
        )
    assert open_store(tmp_path).attrs["num_finished"] == 3


def test_replaced_data_are_refused(tmp_path):
    rng = np.random.default_rng(0)
    file = tmp_path / "d.npz"
    fixed = {"scheme": "ntk", "data": str(file), "num_points": 4, "width": 8}

    def run(seeds):
        sweep = SweepDesign(axes={"seed": range(seeds)}, fixed=fixed)
        return run_sweep_with(ThreadWorkers(1), made_up_unit, sweep, tmp_path / "store")

    np.savez(file, x=rng.normal(size=(6, 3)), y=rng.normal(size=6))
    assert run(1).complete
    assert run(2).complete
    np.savez(file, x=rng.normal(size=(6, 3)), y=rng.normal(size=6))
    with pytest.raises(StoreError, match="data that it began with"):
        run(3)


def write_idx(path, array):
    head = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    path.write_bytes(head + array.astype(np.uint8).tobytes())


@pytest.mark.parametrize("changed", ["train-labels-idx1-ubyte", "t10k-labels-idx1-ubyte"])
@pytest.mark.parametrize("keeps_its_time", [False, True])
def test_changed_labels_beside_the_same_images_are_refused(tmp_path, changed, keeps_its_time):
    rng = np.random.default_rng(0)
    for kind in ("train", "t10k"):
        write_idx(tmp_path / f"{kind}-images-idx3-ubyte", rng.integers(0, 255, (12, 2, 2)))
        write_idx(tmp_path / f"{kind}-labels-idx1-ubyte", np.arange(12) % 2)
    data = str(tmp_path / "train-images-idx3-ubyte")
    fixed = {"scheme": "ntk", "data": data, "num_points": 8, "num_test": 6, "width": 8}

    def run(seeds):
        sweep = SweepDesign(axes={"seed": range(seeds)}, fixed=fixed)
        return run_sweep_with(ThreadWorkers(1), made_up_unit, sweep, tmp_path / "store")

    assert run(1).complete
    assert run(2).complete
    before = (tmp_path / changed).stat()
    write_idx(tmp_path / changed, (np.arange(12) // 2) % 2)
    if keeps_its_time:
        os.utime(tmp_path / changed, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(StoreError, match="data that it began with"):
        run(3)


def made_up_unit(unit, record):
    return [made_up(cell) for cell in unit]


@pytest.fixture
def many_choices(tmp_path, monkeypatch):
    """A sweep over more choices of points than are kept in memory, from a file that is here."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for folder in (tmp_path, tmp_path / "other"):
        folder.mkdir(exist_ok=True)
        np.savez(folder / "d.npz", x=rng.normal(size=(30, 3)), y=rng.normal(size=30))
    fixed = {"scheme": "ntk", "data": "d.npz", "num_points": 8, "width": 4, "max_steps": 2}
    sweep = SweepDesign(axes={"data_seed": range(80)}, fixed=fixed)
    run_sweep(sweep, tmp_path / "wanted")
    return sweep, open_store(tmp_path / "wanted")


def first(change):
    """`run_unit` after a change that is made once."""
    todo = [change]

    def run(unit, record):
        while todo:
            todo.pop()()
        return run_unit(unit, record)

    return run


@pytest.mark.slow
def test_a_change_of_folder_during_a_run_changes_no_data(tmp_path, many_choices, monkeypatch):
    sweep, wanted = many_choices
    run = first(lambda: monkeypatch.chdir("other"))
    assert run_sweep_with(ThreadWorkers(1), run, sweep, tmp_path / "store").complete
    xr.testing.assert_equal(wanted[VALUES], open_store(tmp_path / "store")[VALUES])


@pytest.mark.slow
def test_data_that_are_replaced_during_a_run_are_refused(tmp_path, many_choices):
    sweep, _ = many_choices
    run = first(lambda: (tmp_path / "other/d.npz").replace(tmp_path / "d.npz"))
    with pytest.raises(StoreError, match="data that it began with"):
        run_sweep_with(ThreadWorkers(1), run, sweep, tmp_path / "store")
    assert (open_store(tmp_path / "store").outcome == "missing").all()


def test_units_hold_every_cell_once_and_cost_about_the_same():
    sweep = small_design(num_widths=5, num_seeds=40)
    cost = {cell.hash: float(cell.settings["width"]) for cell in sweep.cells()}
    units = cut_into_units(sweep.cells(), lambda cell: cost[cell.hash], num_workers=2)
    flat = [cell.hash for unit in units for cell in unit]
    assert sorted(flat) == sorted(cost)
    assert all(len({shape_of(cell.settings) for cell in unit}) == 1 for unit in units)
    work = [sum(cost[cell.hash] for cell in unit) for unit in units]
    assert len({shape_of(unit[0].settings) for unit in units[:5]}) == 5, (
        "shapes compile side by side"
    )
    assert work[5:] == sorted(work[5:], reverse=True)
    assert max(work) <= 20.0


def test_progress_counts_and_estimates(tmp_path, capsys):
    sweep = small_design(num_widths=2, num_seeds=2)
    run_sweep_with(
        ThreadWorkers(1),
        lambda unit, record: [made_up(c) for c in unit],
        sweep,
        tmp_path,
        show_progress=True,
    )
    shown = capsys.readouterr()
    failed = sum(made_up(cell).outcome is not Outcome.CONVERGED for cell in sweep.cells())
    assert f"4 done, 0 running, {failed} failed, 0:00 left" in " ".join(shown.err.split())
    assert shown.out == ""


def test_two_stores_of_one_sweep_are_equal(finished, tmp_path):
    run_sweep(plane(), tmp_path, num_workers=1)
    one, two = (
        open_store(p).drop_vars(["batch", "seconds"]).drop_attrs() for p in (finished[0], tmp_path)
    )
    xr.testing.assert_allclose(one, two, rtol=1e-10)


def test_kept_curves_run_from_start_to_end(finished):
    dataset = open_store(finished[0])
    time, loss = dataset["curve_time"].values, dataset["curve_loss"].values
    used = np.isfinite(time)
    last = used.sum(-1) - 1
    assert (used == (np.arange(used.shape[-1]) <= last[..., None])).all(), "a gap inside a curve"
    assert (time[..., 0] == 0).all()
    np.testing.assert_array_equal(loss[..., 0], dataset["loss_initial"])
    ends = np.take_along_axis(time, last[..., None], -1)[..., 0]
    np.testing.assert_array_equal(ends, dataset["time"])
    assert (np.nan_to_num(np.diff(time), nan=1.0) > 0).all()


@pytest.mark.slow
def test_every_record_is_kept_with_its_dims(tmp_path):
    sweep = SweepDesign(
        axes={"depth": [1, 2]},
        fixed={"scheme": "ntk", "width": 6, "centred": True},
        record=["displacement", "loss_curve", "kernel", "neurons"],
    )
    run_sweep(sweep, tmp_path)
    dataset = open_store(tmp_path)
    assert dataset["displacement_operator"].dims == ("depth", "layer")
    assert np.isnan(dataset["displacement_operator"].sel(depth=1, layer=3))
    assert dict(dataset["input_weights_final"].sizes) == {"depth": 2, "neuron": 6, "feature": 2}
    moved = dataset["input_weights_final"] - dataset["input_weights_initial"]
    size = dataset["input_weights_initial"]
    expected = np.linalg.norm(moved[0].values, 2) / np.linalg.norm(size[0].values, 2)
    np.testing.assert_allclose(dataset["displacement_operator"][0, 0], expected, rtol=1e-8)
    assert (dataset["kernel_change"] > 0).all()
    assert (dataset["kernel_min"] < dataset["kernel_max"]).all()
    # a centred network starts at output zero: the loss is that of the targets
    start = np.sum(four_points().y_train ** 2) / 8
    np.testing.assert_allclose(dataset["loss_initial"], start, rtol=1e-12)


def test_a_scheduler_that_is_neither_address_nor_client_is_refused(tmp_path):
    design = SweepDesign(axes={"width": [3]}, fixed={"scheme": "ntk"})
    with pytest.raises(InputError, match="Scheduler must be an address or a client"):
        run_sweep(design, tmp_path / "store", scheduler=object())
    assert not list(tmp_path.iterdir())
