"""Has every run its own outcome, and is a design refused that no run could follow?"""

import time

import numpy as np
import pytest

from lazyscope._checks import InputError
from lazyscope.experiment.run._program import MOST_PROGRAMS, _programs, compiled_program
from lazyscope.sweep import SweepDesign, estimate_cost, open_store, run_sweep
from lazyscope.sweep.design._units import SHAPES_TOGETHER, cut_into_units, shape_of
from lazyscope.sweep.run._batch import each_for_itself
from lazyscope.sweep.run._run import run_sweep_with
from lazyscope.sweep.run._workers import ThreadWorkers
from lazyscope.sweep.store._batchfile import RunFailure, RunResult
from sweep.store_cases import made_up, small_design

NTK = {"scheme": "ntk", "width": 8}


def test_runs_whose_speeds_overflow_stop_no_other(tmp_path):
    design = SweepDesign(
        axes={"seed": list(range(4)), "speed_exponent_1": [0.0, 0.5, 350.0]},
        fixed={"width": 8, "scale_exponents": [0.5, 0.5], "tolerance": 0.2, "stop": 0.1},
    )
    summary = run_sweep(design, tmp_path, num_workers=1)
    assert summary.num_done == 8
    ((told, count),) = summary.errors.items()
    assert count == 4
    assert "(speed_exponent_1 = 350.0)" in told
    assert (open_store(tmp_path)["outcome"].sel(speed_exponent_1=0.5) == "converged").all()


@pytest.mark.parametrize(
    "error", [MemoryError("none left"), RuntimeError("RESOURCE_EXHAUSTED"), SystemExit(1)]
)
def test_whatever_a_run_raises_the_others_go_on(tmp_path, error):
    def work(unit, record):
        if any(cell.settings["seed"] == 1 for cell in unit):
            raise error
        return [made_up(cell) for cell in unit]

    summary = run_sweep_with(ThreadWorkers(2), work, small_design(), tmp_path)
    assert summary.num_done == 9
    assert list(summary.errors.values()) == [3]
    assert "(seed = 1)" in next(iter(summary.errors))


def test_errors_are_counted_by_what_they_say_with_the_settings_that_they_share(tmp_path):
    def work(unit, record):
        (cell,) = unit
        if cell.settings["width"] == 2:
            raise ValueError("all of this width")
        if cell.settings["seed"] == 3:
            raise ValueError("the last seed")
        return [made_up(cell)]

    summary = run_sweep_with(ThreadWorkers(1), work, small_design(), tmp_path)
    assert summary.errors == {
        "ValueError: all of this width (width = 2)": 4,
        "ValueError: the last seed (seed = 3)": 2,
    }


def test_a_unit_that_raises_as_a_whole_is_tried_run_by_run():
    def work(unit):
        if len(unit) > 1 or unit[0].settings["seed"] == 0:
            raise ValueError("no")
        return [made_up(unit[0])]

    kinds = [type(one) for one in each_for_itself(work, list(small_design(num_widths=1).cells()))]
    assert kinds == [RunFailure, RunResult, RunResult, RunResult]


@pytest.mark.parametrize(
    ("axes", "fixed", "message"),
    [
        ({"seed": [-1]}, {}, "seed must be a whole number of at least 0"),
        ({"seed": [2**63]}, {}, "Seed must be at most"),
        ({"seed": [10**400]}, {}, "Seed must be at most"),
        ({"seed": [0]}, {"data_seed": 2**64}, "Data_seed must be at most"),
        ({"seed": [0]}, {"max_steps": 2**31}, "Max_steps must be at most"),
        ({"seed": [0]}, {"depth": 10**30}, "Depth must be at most"),
        ({"width": [2**31]}, {}, "Width must be at most"),
        ({"seed": {"from": 0, "to": 1e9, "num": 10**9}}, {}, "largest number of runs"),
        (
            {"seed": {"from": 0, "to": 9, "num": 5, "draw_seed": 2**63}},
            {},
            "Draw_seed of axis seed must be at most",
        ),
        ({"seed": list(range(2000)), "max_steps": list(range(1, 1001))}, {}, "number of runs of a"),
    ],
)
def test_seeds_and_counts_beyond_what_a_run_can_have_are_refused(axes, fixed, message):
    base = {"scheme": "ntk"} if "width" in axes else NTK
    with pytest.raises(InputError, match=f"(?i){message}"):
        SweepDesign(axes=axes, fixed={**base, **fixed})


def test_a_seed_of_63_bits_is_a_seed_of_its_own(tmp_path):
    design = SweepDesign(axes={"seed": [0, 2**32, 2**63 - 1]}, fixed={**NTK, "stop": 0.5})
    run_sweep(design, tmp_path)
    runs = open_store(tmp_path)
    assert runs["seed"].values.tolist() == [0, 2**32, 2**63 - 1]
    assert len(set(runs["loss_initial"].values.tolist())) == 3


@pytest.mark.parametrize(
    "text",
    [
        b"a = " + b"[" * 10_000,
        b"[axes]\nseed = [" + b"9" * 5000 + b"]",
        b"\xff\xfe",
        b"[[[",
        b"axes = " + b"{a=" * 3000,
    ],
    ids=["deep list", "huge number", "no text", "brackets", "deep table"],
)
def test_a_damaged_sweep_file_is_refused_in_one_sentence(tmp_path, text):
    (tmp_path / "plane.toml").write_bytes(text)
    with pytest.raises(InputError, match=r"valid TOML.*plane\.toml"):
        SweepDesign.from_file(tmp_path / "plane.toml")


def test_a_sweep_file_that_is_none_is_refused_at_once(tmp_path):
    import os

    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, "/dev/zero", tmp_path / "none", "a\0b", "x" * 5000):
        with pytest.raises(InputError, match=r"A sweep file must be (readable|the path)"):
            SweepDesign.from_file(path)


def checking_time(num_seeds):
    began = time.process_time()
    design = SweepDesign(axes={"seed": list(range(num_seeds))}, fixed=NTK)
    assert design.num_cells == num_seeds
    points = {
        "columns": {
            "rho": [k / num_seeds for k in range(num_seeds)],
            "seed": list(range(num_seeds)),
        }
    }
    SweepDesign(points=points, fixed={"scheme": "ntk", "width": 8})
    return time.process_time() - began


def test_checking_a_design_takes_time_in_proportion_to_its_runs():
    checking_time(50)
    small, large = checking_time(200), checking_time(2000)
    assert large < 25 * small


def test_a_sweep_refuses_what_its_dry_run_refuses(tmp_path):
    design = SweepDesign(axes={"width": [10**6]}, fixed={"scheme": "ntk", "depth": 2})
    for ask in (
        lambda: estimate_cost(design, num_workers=1),
        lambda: run_sweep(design, tmp_path / "store", num_workers=1),
    ):
        with pytest.raises(InputError, match="must fit into memory"):
            ask()
    assert not (tmp_path / "store").exists()


def test_compiled_programs_are_kept_for_a_limited_number_of_shapes(monkeypatch):
    class Made:
        def lower(self, inputs):
            return self

        def compile(self, **_):
            return lambda numbers: {}

    monkeypatch.setattr("lazyscope.experiment.run._program.jax.jit", lambda _: Made())
    kept = dict(_programs)
    _programs.clear()
    for width in range(1, 3 * MOST_PROGRAMS):
        compiled_program({"width": width}, ("nothing",), {"x": np.zeros(width)})
    assert len(_programs) == MOST_PROGRAMS
    assert SHAPES_TOGETHER <= MOST_PROGRAMS
    _programs.clear()
    _programs.update(kept)


def test_units_of_few_shapes_are_done_side_by_side():
    sweep = small_design(num_widths=40, num_seeds=30)
    units = cut_into_units(sweep.cells(), lambda cell: 5.0, num_workers=1)
    shapes = [shape_of(unit[0].settings) for unit in units]
    last = {shape: place for place, shape in enumerate(shapes)}
    begun = set()
    for place, shape in enumerate(shapes):
        begun.add(shape)
        unfinished = [one for one in begun if last[one] >= place]
        assert len(unfinished) <= MOST_PROGRAMS
