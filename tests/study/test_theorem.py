"""Is the measured rate the largest that the inequality allows, and are bound and threshold what they say?"""

import functools
import math

import jax
import numpy as np
import pytest

from lazyscope._checks import InputError
from lazyscope.data import Dataset, load_dataset
from lazyscope.experiment import default_settings, run_settings, spread
from lazyscope.flow import dense_problem, solve_flow
from lazyscope.measure import Estimate, decay_rate
from lazyscope.model import Dense
from lazyscope.scaling import Scheme
from lazyscope.study import TheoremSettings, find_study, judge_study
from lazyscope.study._guarantee import Bound
from lazyscope.study.theorem._bound import bound_limits, extrapolated, mean_ratio
from lazyscope.study.theorem._factors import decided_ratios, short_factor
from lazyscope.study.theorem._kernel import Start, kernel_convergence, normalised_kernels
from lazyscope.study.theorem._records import run_record
from lazyscope.study.theorem._settings import RECORD
from lazyscope.study.theorem._start import LowestMode
from lazyscope.study.theorem._threshold import from_here_on, meets, thresholds
from lazyscope.study.theorem._verdict import judge

pytestmark = pytest.mark.slow

SMALL = TheoremSettings(
    num_points=6,
    schemes=("balanced", "mup"),
    widths=(8, 16, 32),
    spreads=("balanced", "small-input"),
    kappas=(0.1, 1.0, 10.0, 100.0),
    threshold_widths=(8, 12, 16),
    seeds=2,
    kernel_seeds=8,
    depth=1,
    stop=1e-2,
)
LAZY = spread("balanced").scheme(1e3, 16, 1)


@pytest.fixture(scope="module")
def data():
    return load_dataset("digits", num_points=6, num_test=0, target="parity")


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    return judge_study(find_study("theorem"), SMALL, tmp_path_factory.mktemp("theorem")).result


def trained(data, scheme, **changes):
    settings = {
        **default_settings(),
        "width": 16,
        "depth": 1,
        "centred": True,
        "max_steps": 2000,
        "num_records": 128,
    }
    with jax.enable_x64(True):
        run = run_settings(settings | changes, RECORD, data=data, scheme=scheme)
    return run_record({**run.measurements, "outcome": run.outcome.label, "seconds": run.seconds})


def loss_on_long_run(data, scheme, stop):
    with jax.enable_x64(True):
        model = Dense(data.x_train.shape[1], 1, 16, 1)
        params = model.init(jax.random.key(0), scheme)
        problem = dense_problem(model, params, data.x_train, data.y_train)
    return solve_flow(problem, stop=stop).curve()


def arc_cosine_kernels(x):
    """Kbar_1 and Kbar_2 of a ReLU network with one hidden layer, from their closed forms."""
    gram = x @ x.T
    angle = np.arccos(np.clip(gram, -1, 1))
    slopes = (np.pi - angle) / (2 * np.pi)
    values = (np.sin(angle) + (np.pi - angle) * np.cos(angle)) / (2 * np.pi)
    return gram * slopes, values


# --- one run


def test_a_very_lazy_network_loses_its_loss_at_the_rate_of_its_first_kernel(data):
    run = trained(data, LAZY)
    assert run["outcome"] == "converged"
    assert run["final"] == pytest.approx(run["kernel"], rel=0.02)
    assert run["rate"] == pytest.approx(run["kernel"], rel=0.02)


@pytest.mark.parametrize(("kappa", "accuracy"), [(0.3, 0.3), (3.0, 0.03)])
def test_the_rate_hardly_depends_on_where_training_stops_and_the_average_does(
    data, kappa, accuracy
):
    scheme = spread("balanced").scheme(kappa, 16, 1)
    early, late = (trained(data, scheme, stop=stop) for stop in (1e-4, 1e-8))
    assert early["rate"] == pytest.approx(late["rate"], rel=accuracy)
    assert early["average"] > 3 * late["average"]


def test_what_is_left_at_the_end_decays_at_the_final_rate(data):
    scheme = spread("balanced").scheme(3.0, 16, 1)
    run = trained(data, scheme, centred=False)
    times, losses = loss_on_long_run(data, scheme, 1e-13)
    later = losses < 1e-9 * losses[0]
    assert decay_rate(times[later], losses[later]).rate == pytest.approx(run["final"], rel=0.1)


def test_the_loss_stays_below_its_rate_at_every_recorded_time(data):
    for kappa in (0.1, 1.0, 30.0):
        run = trained(data, spread("small-input").scheme(kappa, 16, 1))
        times, losses = (np.asarray(run["curve"][key]) for key in ("time", "loss"))
        assert np.all(losses <= losses[0] * np.exp(-run["rate"] * times) * (1 + 1e-12))


def test_a_run_that_does_not_converge_has_no_rate(data):
    run = trained(data, spread("balanced").scheme(0.1, 16, 1), max_steps=3)
    assert run["outcome"] == "out-of-steps"
    assert run["rate"] is run["average"] is run["final"] is run["largest_displacement"] is None
    assert not meets({**run, "bound": 0.0}, "bound", 0.5)


# --- bound


def test_the_bound_is_the_formula_of_the_theorem(data):
    first, last = arc_cosine_kernels(data.x_train)
    scheme = Scheme.at_width(16, alpha=(3.0, 0.5), speed=(2.0, 7.0))
    rates = Bound(data, 1, "relu").rates(scheme, 16)
    weights = 2.0 * 0.5**2, 7.0 * 3.0**2
    smallest = [np.linalg.eigvalsh(kernel)[0] for kernel in (first, last)]
    expected = 2 / 6 * (weights[0] * smallest[0] + weights[1] * smallest[1])
    assert rates["bound"] == pytest.approx(expected, rel=1e-6)
    summed = weights[0] * first + weights[1] * last
    assert rates["limit"] == pytest.approx(2 / 6 * np.linalg.eigvalsh(summed)[0], rel=1e-6)
    assert rates["limit"] > rates["bound"]


def test_kernels_that_are_kept_for_a_bound_are_those_of_its_own_scales(data):
    hidden, readout = (Scheme.at_width(16, alpha=alpha) for alpha in ([2.0, 1.0], [1.0, 4.0]))
    first = Scheme.at_width(16, alpha=[1.0, 1.0])
    kept = Bound(data, 1, "tanh")
    found = [kept.rate(scheme, 16) for scheme in (first, hidden, readout)]
    alone = [Bound(data, 1, "tanh").rate(scheme, 16) for scheme in (first, hidden, readout)]
    assert found == alone
    assert len({*found}) == 3


def test_a_saturated_network_has_no_bound(data):
    bound = Bound(data, 1, "tanh")
    assert not bound.one_for_all
    assert bound.lambda_record() == {"smallest": None, "layers": None}
    inside = Scheme.at_width(16, alpha=(4.0, 1.0))
    assert bound.rates(inside, 16)["bound"] > 0
    assert bound.rates(Scheme.at_width(16, alpha=(1e9, 1.0)), 16)["bound"] is None


def test_repeated_points_have_no_rate_to_guarantee(data):
    twice = np.repeat(data.x_train[:3], 2, axis=0)
    same = Dataset(twice, np.ones((6, 1)), twice[:0], np.ones((0, 1)), (), "twice", ())
    assert Bound(same, 1, "relu").rates(LAZY, 16)["bound"] == pytest.approx(0.0, abs=1e-9)


# --- ratios


@pytest.mark.parametrize(
    "approach",
    [
        lambda m: -4 / np.sqrt(m),
        lambda m: -8 / m,
        lambda m: 6 / np.sqrt(m) - 40 / m,  # falls below its limit and rises to it
        lambda m: -(m**-0.25),
    ],
    ids=["root", "inverse", "from-both-sides", "slow"],
)
def test_a_planted_limit_lies_in_the_interval_however_it_is_approached(approach):
    rng = np.random.default_rng(5)
    widths = np.repeat([64.0, 128.0, 256.0, 512.0, 1024.0], 3)
    covered = 0
    for _ in range(200):
        noise = 0.2 * rng.standard_normal(len(widths))
        found = extrapolated(widths, 1.3 * np.exp(approach(widths) + noise))
        covered += found["interval"][0] < 1.3 < found["interval"][1]
    assert covered >= 180


def test_a_limit_of_one_half_is_told_from_one():
    widths = np.repeat([64.0, 128.0, 256.0, 512.0, 1024.0], 3)
    noise = 0.03 * np.random.default_rng(6).standard_normal(len(widths))
    low, high = extrapolated(widths, 0.5 * np.exp(2 / np.sqrt(widths) + noise))["interval"]
    assert low < 0.5 < high < 0.8


def test_too_few_runs_give_no_limit():
    none = {"value": None, "interval": [None, None]}
    assert (
        extrapolated(np.repeat([8.0, 16.0], 9), np.ones(18)).items() >= {**none, "num": 18}.items()
    )
    assert (
        extrapolated(np.array([8.0, 16.0, 32.0]), np.ones(3)).items() >= {**none, "num": 3}.items()
    )
    assert mean_ratio([]).items() >= {**none, "num": 0}.items()
    one = mean_ratio([4.0])
    assert one.items() >= {"value": pytest.approx(4.0), "interval": [None, None], "num": 1}.items()
    assert Estimate.from_json(one).value == one["value"]


# --- kernels


DRAWN = {"widths": (16, 64, 256), "seeds": 8}


def starts(x, limit, widths, **weights):
    """The same limit for all, and ReLU networks with one hidden layer, each drawn once for all."""

    @functools.cache
    def draw(width, seed):
        ones = Scheme.at_width(width, alpha=[1.0, 1.0])
        return normalised_kernels(Dense(x.shape[1], 1, width, 1), x, ones, seed)

    return {
        name: [Start(limit, weight, functools.partial(draw, width)) for width in widths]
        for name, weight in (weights or {"equal": np.ones(2)}).items()
    }


def test_kernels_approach_their_limit_as_one_over_root_m(data):
    limit = np.stack(arc_cosine_kernels(data.x_train))
    found = kernel_convergence(starts(data.x_train, limit, (16, 64, 256)), **DRAWN)
    low, high = found["exponents"]["frobenius"]["interval"]
    assert low < -0.5 < high
    assert np.mean(found["frobenius"][2]) < 0.4 * np.mean(found["frobenius"][0])
    assert np.mean(np.abs(np.log(found["smallest"][2]))) < 0.4


def test_a_kernel_with_a_wrong_weight_does_not_approach(data):
    first, last = arc_cosine_kernels(data.x_train)
    wrong = starts(data.x_train, np.stack([first, 2 * last]), (16, 64, 256))
    found = kernel_convergence(wrong, **DRAWN)
    low, high = found["exponents"]["frobenius"]["interval"]
    assert not low < -0.5 < high


def test_the_second_order_says_how_far_the_smallest_eigenvalue_of_drawn_kernels_falls(data):
    """One hidden layer: the mean over networks is 1 - c/m, and first-order terms average to zero."""
    weights = {"equal": np.ones(2), "last": np.array([0.1, 1.0])}
    limit, widths = np.stack(arc_cosine_kernels(data.x_train)), (128, 256, 512)
    given = starts(data.x_train, limit, widths, **weights)
    found = kernel_convergence(given, widths=widths, seeds=40)
    for row in found["starts"]:
        error = max(row["start_ratio"]["interval"][1] - row["start_ratio"]["value"], 0.02)
        assert row["predicted"] < 1.0
        assert row["start_ratio"]["value"] == pytest.approx(row["predicted"], abs=1.5 * error)
    equal, last = (
        [row["c"]["value"] for row in found["starts"] if row["name"] == name] for name in weights
    )
    assert max(equal) < 1.6 * min(equal)
    assert max(last) > 0


def test_the_shift_of_a_small_mixing_is_that_of_the_exact_eigenvalue():
    limit = np.diag([1.0, 2.0, 5.0])
    mixing = 1e-3 * np.array([[0.0, 1.0, 2.0], [1.0, 0.0, 0.0], [2.0, 0.0, 0.0]])
    share = LowestMode(limit).share(limit + mixing)
    assert share.linear == pytest.approx(0.0, abs=1e-15)
    assert share.shift == pytest.approx(1e-6 * (1 / 1 + 4 / 4))
    assert 1.0 - share.ratio == pytest.approx(share.shift, rel=1e-4)


# --- thresholds


def planted_runs(settings, works):
    """Runs in which ``works(width, name, kappa)`` decides whether the rate is kept."""
    return [
        {
            **cell._asdict(),
            "outcome": "converged",
            "kernel": 1.0,
            "bound": 1.0,
            "rate": 0.9 if works(cell.width, cell.name, cell.kappa) else 0.1,
        }
        for cell in settings.cells()
        if cell.kind == "spread"
    ]


WIDE = TheoremSettings(
    spreads=("balanced", "random"),
    kappas=tuple(np.geomspace(0.1, 100, 10)),
    threshold_widths=(64, 256, 1024),
    seeds=4,
)


def test_a_planted_threshold_is_found_and_does_not_drift():
    runs = planted_runs(WIDE, lambda width, name, kappa: kappa > 3.0 or name != "random")
    found = {record["criterion"]: record for record in thresholds(WIDE, runs)}
    for row in found["kernel"]["widths"]:
        low, high = row["all"]["interval"]
        assert low < 3.0 < high
        assert row["spreads"]["balanced"]["place"] == "below every kappa tried"
    assert found["kernel"]["limit"]["verdict"] in ("finite", "undecided")
    low, high = found["kernel"]["limit"]["exponent_interval"]
    assert low < 0 < high
    assert found["loss"]["limit"]["verdict"] == "none"


def test_a_threshold_that_grows_with_the_width_contradicts_the_theorem():
    settings = TheoremSettings(
        spreads=("balanced",),
        kappas=tuple(np.geomspace(0.1, 1000, 12)),
        threshold_widths=(16, 128, 1024, 8192),
        seeds=6,
    )
    runs = planted_runs(settings, lambda width, name, kappa: kappa > width**0.75 / 4)
    found = thresholds(settings, runs)
    limit = next(record["limit"] for record in found if record["criterion"] == "kernel")
    assert limit["verdict"] == "drifts"
    assert 0 < limit["exponent_interval"][0] < 0.75 < limit["exponent_interval"][1]
    assert judge(settings, estimates(thresholds=found), runs)["threshold"] is False


def test_a_window_of_failures_ends_at_its_upper_edge():
    table = np.array([1, 1, 0, 1, 1])[:, None, None]
    assert from_here_on(table).ravel().tolist() == [0, 0, 0, 1, 1]
    runs = planted_runs(WIDE, lambda width, name, kappa: not 1.5 < kappa < 7.0)
    record = thresholds(WIDE, runs)[1]["widths"][0]["all"]
    assert record["highest_failure"] == pytest.approx(10 ** (2 / 3))
    assert record["interval"][1] < 20 < 100


def test_runs_that_do_not_converge_meet_no_criterion():
    run = {"outcome": "out-of-steps", "rate": None, "kernel": 1.0, "bound": 1.0}
    assert not any(meets(run, criterion, 0.5) for criterion in ("loss", "kernel", "bound"))


# --- verdict


def estimates(*, thresholds=None, ratio=(0.9, 1.1), limit=None, published=None):
    record = {"all_converged_from": 1.0, "threshold": 2.0, "interval": [1.0, 3.0]}
    plain_limit = limit or {"verdict": "none", "reason": ""}
    planted = [
        {
            "criterion": criterion,
            "meaning": criterion,
            "widths": [{"width": m, "all": record, "failures": {}} for m in WIDE.threshold_widths],
            "limit": plain_limit,
        }
        for criterion in ("loss", "kernel", "bound")
    ]
    value = math.sqrt(ratio[0] * ratio[1])
    found = Estimate(value, *ratio).as_json()
    row = {"name": "balanced", "width": 1024, "num": 3, "holds_recorded": 3, "rate_ratio": found}
    row |= {"published_ratio": found, "short": None}
    decided = {"published": found if published is None else published, "derived": found}
    return {
        "thresholds": thresholds or planted,
        "limits": [{"name": "balanced", "regime": "theta-lazy", "decided": decided}],
        "bounds": [row],
    }


@pytest.mark.parametrize(
    ("ratio", "rate", "supported"),
    [
        ((0.9, 1.1), True, True),
        ((0.5, 0.9), False, False),
        ((0.5, 1.5), None, None),
        ((3.0, 4.0), True, True),
    ],
)
def test_the_ratio_decides(ratio, rate, supported):
    told = judge(WIDE, estimates(ratio=ratio), [{"outcome": "converged"}])
    assert told["rate"] is rate
    assert told["supported"] is supported
    words = {True: "supported", False: "contradicted", None: "undecided"}
    assert told["answer"] == words[supported]


def test_schemes_outside_the_theorem_do_not_decide():
    planted = estimates(ratio=(0.9, 1.1))
    low = dict.fromkeys(("published", "derived"), Estimate(0.1, 0.05, 0.2).as_json())
    planted["limits"].append({"name": "mup", "regime": "critical", "decided": low})
    assert judge(WIDE, planted, [{"outcome": "converged"}])["rate"] is True


def test_a_rate_below_the_derived_bound_alone_does_not_contradict_what_is_published():
    planted = estimates(ratio=(0.5, 0.9), published=Estimate(7.0, 5.0, 9.0).as_json())
    told = judge(WIDE, planted, [{"outcome": "converged"}])
    assert (told["rate"], told["rate_derived"]) == (True, False)
    assert told["answer"] == "supported"


def test_the_lowest_of_three_factors_is_called_short_where_the_rate_is_below_the_bound():
    def short(limit, start, training):
        values = {"kernel": limit * start, "training": training, "rate": limit * start * training}
        row = {f"{name}_ratio": {"value": value} for name, value in values.items()}
        return short_factor({**row, "limit_ratio": limit})

    assert short(1.01, 0.6, 0.9) == "start"
    assert short(1.01, 0.9, 0.6) == "training"
    assert short(1.0, 0.6, 2.0) is None


def test_a_limit_far_above_the_published_bound_carries_over_to_the_decision():
    run = {"width": 64, "bound": 2.0, "bound_published": 0.5, "limit": 3.0}
    start = {"width": 128, "start_limit": Estimate(1.0, 0.9, 1.1).as_json()}
    limits = {"training_ratio": Estimate(0.8, 0.5, 1.5).as_json()}
    found = decided_ratios([run], limits, [start])
    assert found["derived"]["value"] == pytest.approx(1.5 * 0.8)
    assert found["derived"]["interval"] == pytest.approx([1.5 * 0.9 * 0.5, 1.5 * 1.1 * 1.5])
    assert found["published"]["value"] == pytest.approx(4 * 1.5 * 0.8)


# --- the whole study


def test_every_run_is_in_the_result_once(result):
    assert len(result["runs"]) == 2 * 3 * 2 + 2 * 4 * 3 * 2
    places = [(r["kind"], r["name"], r["kappa"], r["width"], r["seed"]) for r in result["runs"]]
    assert len(set(places)) == len(places)
    assert {row["width"] for row in result["bounds"]} == {8, 16, 32}
    assert result["verdict"]["answer"] in ("supported", "contradicted", "undecided")


def test_the_table_is_made_of_the_runs(result):
    row = next(r for r in result["bounds"] if (r["name"], r["width"]) == ("balanced", 16))
    runs = [r for r in result["runs"] if r["kind"] == "scheme" and r["name"] == "balanced"]
    logs = [np.log(r["rate"] / r["bound"]) for r in runs if r["width"] == 16]
    assert row["rate_ratio"]["value"] == pytest.approx(np.exp(np.mean(logs)))
    product = row["kernel_ratio"]["value"] * row["training_ratio"]["value"]
    assert row["rate_ratio"]["value"] == pytest.approx(product)
    over = row["bound"] / row["bound_published"]
    assert over >= 1.0
    assert row["published_ratio"]["value"] == pytest.approx(over * row["rate_ratio"]["value"])
    starts = [s for s in result["kernels"]["starts"] if s["name"] == "balanced"]
    assert [s["width"] for s in starts] == [8, 16, 32, 64]


def test_curves_are_told_in_units_of_the_bound(result):
    curve = result["curves"][0]
    run = next(
        r
        for r in result["runs"]
        if all(r[k] == curve[k] for k in ("kind", "name", "kappa", "width")) and r["seed"] == 0
    )
    assert curve["scaled_time"][-1] == pytest.approx(run["time"] * run["bound"])
    assert curve["fraction"][-1] == pytest.approx(run["loss_fraction"])
    bound = result["bound_curve"]
    np.testing.assert_allclose(bound["fraction"], np.exp(-np.array(bound["scaled_time"])))


def test_regimes_are_those_of_the_schemes(result):
    assert {row["name"]: row["regime"] for row in result["limits"]} == {
        "balanced": "theta-lazy",
        "mup": "critical",
    }


# --- bad input


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"schemes": ("luo",)}, "takes schemes without free parameters.*gamma"),
        ({"schemes": ("ntkk",)}, "Scheme must be one of.*'ntk'"),
        ({"spreads": ("flat",)}, "Spread must be one of"),
        ({"seeds": 1}, "Seeds must be a whole number of at least 2.*they are the error"),
        ({"widths": (64, 128)}, "at least 3 values of width, each given once"),
        ({"threshold_widths": (64, 128)}, "at least 3 values of threshold width"),
        ({"kappas": (1.0, 2.0, 2.0, 4.0)}, "at least 4 values of kappa, each given once"),
        ({"kappas": (1.0, 2.0, -4.0, 8.0)}, "Kappa must be above zero"),
        ({"kept": 1.5}, "Kept share must lie strictly between 0 and 1"),
        ({"tolerated": 0.0}, "Tolerated share must lie strictly between 0 and 1"),
        ({"activation": "swish"}, "Activation must be one of"),
    ],
)
def test_impossible_settings_are_refused(given, words):
    with pytest.raises(InputError, match=words):
        TheoremSettings(**given)


def test_limits_need_runs_of_every_scheme():
    rows = bound_limits(SMALL, [])
    assert all(row["rate_ratio"]["value"] is None for row in rows)
