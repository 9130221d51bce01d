"""Is every result a line in a terminal, a table in a notebook, labelled data, and a file?"""

import copy
import functools
import importlib
import importlib.util
import inspect
import json
import pickle
from dataclasses import dataclass, field, is_dataclass
from typing import Any, get_args, get_type_hints

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr
from jaxtyping import Array, Float

import lazyscope
from lazyscope import InputError
from lazyscope._result import AbstractResult

NO_RESULTS = {
    "things to compute with": {
        "Problem", "Experiment", "Spectrum", "Scheme", "Dataset", "Activation", "Architecture", "Spread",
        "FunctionKernel", "LayerwiseKernel", "FunctionModel", "LinearisedFlow", "FlowState",
        "PiecewiseSmooth", "AbstractNetwork",
        "AbstractTangentKernel", "PowerLaw", "Branches", "ArrayRoles", "KernelExplanation", "SweepDesign",
        "Claim", "Finding", "Row",
    },
    "settings": {"KappaSettings", "RandomSchemesSettings", "TheoremSettings"},
    "parts of results": {
        "Displacement", "Estimate", "DepthExponents", "DecayRate", "PowerLawFit", "ExponentPower",
        "ThresholdLimit", "Verdict", "LayerEstimate", "DescentSteps", "KernelRules",
    },
}  # fmt: skip
"""What public functions return that nobody saves by itself, by why."""


@functools.cache
def returned():
    """Every class of ours that a public function returns, and by which."""
    found = {}
    for room in lazyscope._ROOMS:
        if room == "torch" and importlib.util.find_spec("torch") is None:
            continue  # an extra
        module = importlib.import_module(f"lazyscope.{room}")
        for name in getattr(module, "__all__", ()):
            made = getattr(module, name)
            if not inspect.isfunction(made):
                continue
            try:
                hint = get_type_hints(made).get("return")
            except NameError:
                continue
            for kind in (hint, *get_args(hint)):
                ours = inspect.isclass(kind) and kind.__module__.startswith("lazyscope")
                if ours and (is_dataclass(kind) or issubclass(kind, eqx.Module)):
                    found.setdefault(kind, f"{room}.{name}")
    return found


def test_every_public_function_returns_a_result_or_something_to_compute_with():
    known = set().union(*NO_RESULTS.values())
    other = {
        f"{kind.__name__} of {maker}"
        for kind, maker in returned().items()
        if not issubclass(kind, AbstractResult) and kind.__name__ not in known
    }
    assert not other, f"make these AbstractResult (`dataclass(repr=False)`): {sorted(other)}"
    assert len(returned()) > 20  # the walk finds them


@pytest.mark.parametrize("kind", [k for k in returned() if issubclass(k, AbstractResult)])
def test_no_result_hides_its_one_line(kind):
    assert kind.__repr__ is AbstractResult.__repr__, "dataclass(..., repr=False)"
    for name in ("_repr_html_", "to_dataset", "to_dataframe", "save"):
        assert callable(getattr(kind, name))


class Inner(eqx.Module):
    level: float


@dataclass(frozen=True, repr=False)
class Many(AbstractResult):
    """One of every kind of field."""

    name: str
    size: Float[np.ndarray, "widths seeds"]
    part: Inner
    other: tuple[float, ...] = (1.0, 2.0)
    rows: tuple[str, ...] = ("a", "b")
    nothing: float | None = None
    nested: dict[str, Any] = field(default_factory=lambda: {"low": {"value": 1.5}, "word": "yes"})


@pytest.fixture(name="many")
def a_result():
    return Many("<b>x</b>" * 40, np.arange(6.0).reshape(3, 2), Inner(0.95))


def test_a_result_is_one_line_and_a_table_in_which_text_stays_text(many):
    assert len(repr(many)) <= 100
    assert "\n" not in repr(many)
    assert repr(many).startswith("Many(name=")
    html = many._repr_html_()
    assert "<b>" not in html
    assert "array(3, 2)" in html


def test_arrays_have_the_dims_of_their_annotations_and_inner_numbers_their_path(many):
    data = many.to_dataset()
    assert data["size"].dims == ("widths", "seeds")
    assert float(data["nested.low.value"]) == 1.5
    assert float(data["part.level"]) == 0.95
    assert data["other"].dims == ("other_0",)
    assert data.attrs["nested.word"] == "yes"
    assert "nothing" in data.attrs
    frame = many.to_dataframe()
    row = frame[(frame["quantity"] == "size") & (frame["index"] == "2,1")]
    assert row["value"].item() == 5.0
    assert len(frame) == 6 + 2 + 1 + 1


def test_a_result_is_saved_in_three_formats_and_refused_in_others(many, tmp_path):
    stored = json.loads(many.save(tmp_path / "a.json").read_text())
    assert stored["size"] == [[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]
    assert stored["part"] == {"level": 0.95}
    assert many.save(tmp_path / "a.csv").read_text().splitlines()[0] == "quantity,index,value"
    with xr.open_dataset(many.save(tmp_path / "a.nc"), engine="scipy") as back:
        np.testing.assert_array_equal(back["size"], many.size)
    with pytest.raises(InputError, match=r"saved as .json, .csv, .nc"):
        many.save(tmp_path / "a.txt")
    with pytest.raises(InputError, match="folder"):
        many.save(tmp_path / "absent" / "a.json")


def test_a_module_that_is_a_result_stays_a_tree_of_arrays():
    class Solved(AbstractResult, eqx.Module):
        values: Float[Array, " modes"]

    doubled = jax.jit(lambda given: jax.tree.map(lambda a: 2 * a, given))(Solved(jnp.ones(3)))
    assert repr(doubled) == "Solved(values=[2, 2, 2])"
    assert doubled.to_dataset()["values"].values.tolist() == [2.0, 2.0, 2.0]


@pytest.mark.slow
def test_a_run_and_its_forecast_are_results_with_labels(tmp_path):
    from lazyscope.data import four_points

    scheme = lazyscope.named_scheme("lecun", depth=1, input_dim=2)
    run = lazyscope.SingleRun(four_points(), scheme, width=4)
    done = lazyscope.train_run(run, stop=0.5, max_steps=200)
    assert len(repr(done)) <= 100
    assert "outcome" in done._repr_html_()
    data = done.to_dataset()
    assert float(data["loss.initial"]) == done["loss"]["initial"]
    stored = json.loads(done.save(tmp_path / "run.json").read_text())
    assert stored["loss"] == done["loss"]


def tiny_run(**changed):
    scheme = lazyscope.named_scheme("lecun", depth=1, input_dim=2)
    return lazyscope.SingleRun(([[1.0, 0.0], [0.0, 1.0]], [1, -1]), scheme, width=4, **changed)


def test_an_answer_has_its_items_as_fields_and_says_what_it_has_not():
    report = lazyscope.regime_report(lazyscope.named_scheme("mup", depth=1), width=16)
    assert report.regime == report["regime"] == "critical"
    assert report.to_mup.scale_exponents == report["to_mup"]["scale_exponents"]
    assert json.loads(json.dumps(report)) == report
    assert pickle.loads(pickle.dumps(report)) == report
    assert {"regime", "kappa"} <= set(dir(report))
    assert repr(report).startswith("RegimeReport(name=mup, regime=critical, kappa=1")
    assert len(repr(report)) <= 100
    with pytest.raises(AttributeError, match="did you mean kappa"):
        _ = report.kapa
    with pytest.raises(TypeError):
        report.regime()


def test_what_is_computed_with_shows_itself_on_one_line_without_its_arrays():
    run = tiny_run(seed=3)
    assert repr(run).startswith("SingleRun(data=2 points of arrays, scheme=lecun, width=4")
    assert repr(run.data).startswith("Dataset(name=arrays, num_points=2, input_dim=2, output_dim=1")
    assert max(len(repr(run)), len(repr(run.data))) <= 100
    assert "<table>" in run.data._repr_html_()


@pytest.mark.slow
def test_a_forecast_and_its_run_have_the_same_names():
    before, after = lazyscope.forecast_run(tiny_run()), lazyscope.train_run(tiny_run(), stop=0.5)
    assert before.displacement.frobenius == before["predicted_displacement"]
    assert before.kernel_change == before["predicted_kernel_change"]
    assert after.displacement.frobenius == after["displacement"]["frobenius"]
    assert len(before.displacement.frobenius) == len(after.displacement.frobenius)
    shared = (
        "verdict",
        "regime",
        "kappa",
        "decay_rate",
        "network",
        "displacement",
        "kernel_change",
    )
    for name in shared:
        assert getattr(before, name) is not None, name
        assert getattr(after, name) is not None, name
    assert str(after.outcome) == f"{after.outcome}" == after["outcome"]
    assert "regime" in after.keys() and "outcome" in dir(after)  # noqa: PT018, SIM118
    back = copy.deepcopy(pickle.loads(pickle.dumps(after)))
    assert dict(back) == dict(after)
    assert before.to_dataset()["predicted_displacement"].size == 2


def test_runs_of_several_stores_stand_side_by_side():
    from lazyscope.study import StudyRun

    store = xr.Dataset({"outcome": ("width", ["a", "b"]), "loss": ("width", [1.0, 2.0])})
    store = store.assign_coords(width=[8, 16])
    verdict = {"answer": "supported", "sentence": "It holds."}
    one = StudyRun({"study": "x", "verdict": verdict}, {"runs": store}, {}, None)
    assert one.to_dataset() is store
    assert repr(one).startswith("StudyRun(study=x, answer=supported, sentence=It holds.")
    two = StudyRun({}, {"p": store, "q": store}, {}, None)
    assert two.to_dataset()["q.loss"].dims == ("q.width",)
    frame = two.to_dataframe()
    assert frame["store"].tolist() == ["p", "p", "q", "q"]
    assert frame["loss"].tolist() == [1.0, 2.0, 1.0, 2.0]
