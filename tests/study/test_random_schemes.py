"""Random schemes beside the displacement law: what is drawn, what is estimated, what is refused."""

import functools
import tempfile
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from lazyscope import InputError
from lazyscope.data import sphere_teacher
from lazyscope.scaling import PowerLaw, Scheme, displacement_exponents, growth_power
from lazyscope.study import (
    LayerEstimate,
    RandomSchemesSettings,
    find_study,
    judge_study,
    law_at_widths,
    rms_of_errors,
)
from lazyscope.study.random_schemes._estimates import estimate_layers
from lazyscope.study.random_schemes._judge import RMS, TIE, _verdict, judge_random_schemes

pytestmark = pytest.mark.slow

SMALL = RandomSchemesSettings(counts=(6,), widths=((128, 512, 2048),), replicates=3)
DATA = sphere_teacher(num_points=4, input_dim=4, seed=2)


@functools.cache
def small_run():
    with tempfile.TemporaryDirectory() as folder:
        return judge_study(find_study("random-schemes"), SMALL, folder).result


def small_layers():
    return [LayerEstimate.from_json(layer) for layer in small_run()["layers"]]


def test_more_schemes_keep_the_ones_already_drawn():
    few, many = (RandomSchemesSettings.at_real_widths(counts=(n, 2, 2)) for n in (3, 9))
    assert many.schemes(1)[:3] == few.schemes(1)
    assert few.schemes(2) == many.schemes(2)


def test_another_seed_draws_other_schemes():
    first, second = (RandomSchemesSettings(draw_seed=seed).schemes(1) for seed in (0, 1))
    assert not set(first) & set(second)


def test_full_settings_hold_sixty_schemes_of_three_depths():
    settings = RandomSchemesSettings.at_real_widths()
    drawn = [scheme for depth in settings.all_depths for scheme in settings.schemes(depth)]
    assert len(set(drawn)) >= 60
    assert {len(scales) for scales, _ in drawn} == {2, 3, 4}


def test_every_run_of_a_width_has_a_seed_of_its_own():
    seeds = SMALL.design(1).points["seed"]
    assert len(set(seeds)) == len(seeds) == 18


def test_every_layer_of_every_scheme_is_estimated():
    found = small_layers()
    assert [e.layer for e in found] == [1, 2] * 6
    assert [e.predicted for e in found[:2]] == list(
        displacement_exponents(found[0].scale_exponents, found[0].speed_exponents)
    )
    assert sum(e.failed for e in found) == 0


def test_measured_sizes_are_within_a_factor_of_the_law_without_any_constant():
    ratios = np.array([e.ratio for e in small_layers()])
    assert np.all((ratios > 0.3) & (ratios < 3.5))


def test_the_law_at_widths_is_the_linearised_network_where_training_is_lazy():
    """Relative change of the output layer, s_2 |sum_i c_i x[1]_i| / |W[2]| with c = K^-1 r_0."""
    width, a, sigma = 20_000, (0.4, 0.05), (0.3, 0.0)
    rng = np.random.default_rng(0)
    alpha, speed = width ** np.array(a), width ** np.array(sigma)
    squares = []
    for _ in range(8):
        first = rng.standard_normal((width, 4)) * alpha[0] / np.sqrt(width)
        last = rng.standard_normal(width) * alpha[1] / np.sqrt(width)
        before = DATA.x_train @ first.T
        hidden, open_ = np.maximum(before, 0), (before > 0) * last
        kernel = speed[0] * (open_ @ open_.T) * (DATA.x_train @ DATA.x_train.T)
        kernel += speed[1] * hidden @ hidden.T
        push = np.linalg.solve(kernel, hidden @ last - DATA.y_train[:, 0])
        moved = speed[1] * push @ hidden
        squares.append((moved @ moved) / (last @ last))
    law = law_at_widths(Scheme.from_exponents(a, sigma), np.array([width]), DATA)
    assert law[1, 0] == pytest.approx(np.sqrt(np.mean(squares)), rel=0.05)


@pytest.mark.parametrize("optimiser", ["sign", "muon", "momentum"])
def test_the_law_at_widths_of_an_optimiser_tends_to_its_exponents(optimiser):
    a, rates = (0.2, 0.1, 0.05), (0.0, -0.8, 0.4)
    scheme = Scheme.from_exponents(a, rates, optimiser=optimiser)
    law = law_at_widths(scheme, np.array([10**12, 10**14]), DATA)
    slopes = np.diff(np.log(law))[:, 0] / np.log(100)
    assert slopes == pytest.approx(displacement_exponents(a, rates, optimiser=optimiser), abs=2e-3)


@pytest.mark.parametrize("optimiser", ["sgd", "adam"])
def test_inputs_twice_as_long_are_a_first_layer_twice_as_large_and_as_fast(optimiser):
    widths, exponents = np.array([100.0, 1000.0]), ((0.1, -0.2), (0.0, 0.2))
    longer = replace(DATA, x_train=2 * DATA.x_train)
    scheme = Scheme.from_exponents(*exponents, optimiser=optimiser)
    scales = (PowerLaw(0.5, 0.1), scheme.scales[1])
    speeds = (PowerLaw(0.5 ** growth_power(optimiser), 0.0), scheme.speeds[1])
    same = law_at_widths(replace(scheme, scales=scales, speeds=speeds), widths, longer)
    assert same == pytest.approx(law_at_widths(scheme, widths, DATA), rel=1e-9)


def test_a_run_that_gave_no_value_is_counted_and_the_others_are_estimated():
    schemes = [((0.25, 0.25), (0.0, 0.1))]
    widths = np.array([64.0, 256.0, 1024.0])
    noise = np.random.default_rng(0).normal(0, 0.01, (1, 2, 3, 3))
    values = widths[:, None] ** -0.5 * np.exp(noise)
    values[0, 0, 0, 0] = np.nan
    found = estimate_layers(schemes, widths, values, np.ones((1, 3, 3)), DATA, tolerance=0.2)
    assert [e.failed for e in found] == [1, 0]
    assert found[0].slope == pytest.approx(-0.5, abs=0.02)


def test_levelling_takes_out_the_scatter_of_the_start_and_keeps_the_exponent():
    """Displacements in proportion to the first residual, whose scatter the levelled ones lose."""
    widths = np.array([64.0, 256.0, 1024.0, 4096.0])
    start = np.exp(np.random.default_rng(1).normal(0, 0.5, (1, 4, 4)))
    mean = (4 + 4 * widths**1.5 / widths / 2) / 8  # rho = 3/4, one hidden layer
    values = (widths**-0.5)[:, None] * start[:, None] * np.ones((1, 2, 1, 1))
    losses = mean[:, None] * start**2
    found = estimate_layers(
        [((0.75, 0.0), (0.0, 0.0))], widths, values, losses, DATA, tolerance=0.01
    )
    assert found[0].exponent == pytest.approx(-0.5, abs=1e-3)
    assert abs(found[0].unlevelled + 0.5) > 0.02
    assert found[0].high - found[0].low < 0.1


def test_depths_without_widths_are_refused():
    with pytest.raises(InputError, match="one list of widths for every depth"):
        RandomSchemesSettings(counts=(3, 3), widths=((64, 128, 256),))


@pytest.mark.parametrize("widths", [(64, 128), (128, 64, 256), (64, 64, 128)])
def test_widths_that_do_not_increase_are_refused(widths):
    with pytest.raises(InputError, match="at least 3 increasing numbers"):
        RandomSchemesSettings(counts=(3,), widths=(widths,))


def test_the_numbers_of_the_contract_are_those_of_the_layers():
    result, layers = small_run(), small_layers()
    errors = np.array([e.exponent - e.predicted for e in layers])
    assert result["rms"] == pytest.approx(np.sqrt(np.mean(errors**2)))
    assert result["rms_by_depth"] == {"1": result["rms"]}
    assert result["coverage"] == np.mean([e.low <= e.predicted <= e.high for e in layers])
    assert result["median_half_width"] == pytest.approx(
        np.median([e.high - e.low for e in layers]) / 2
    )
    assert abs(result["worst"][0]["error"]) == pytest.approx(np.abs(errors).max())
    assert result["verdict"]["answer"] in ("supported", "undecided")
    assert (result["verdict"]["supported"] is True) == (result["verdict"]["answer"] == "supported")


@pytest.mark.parametrize(
    ("error", "reach", "schemes", "answer"),
    [
        (0.02, 0.1, 10, "supported"),
        (0.3, 0.1, 10, "contradicted"),
        (0.3, 1.0, 10, "undecided"),
        (0.02, 0.1, 2, "undecided"),
        (0.3, 0.1, 2, "undecided"),
    ],
)
def test_the_rms_away_from_ties_decides_beyond_what_exponents_are_known_to(
    error, reach, schemes, answer, monkeypatch
):
    one = small_layers()[0]
    far = {"exponent": one.predicted + error, "correction": 1.0}
    ends = {"low": one.predicted + error - reach, "high": one.predicted + error + reach}
    layers = [replace(one, **far, **ends, scale_exponents=(0.1 * k, 0.2)) for k in range(schemes)]
    monkeypatch.setattr(
        "lazyscope.study.random_schemes._judge.estimate_layers", lambda *_, **__: layers
    )
    runs = {"depth-1": xr.Dataset({"outcome": ("point", ["converged"])})}
    monkeypatch.setattr("lazyscope.study.random_schemes._judge.measured", lambda *_: (None, None))
    assert judge_random_schemes(SMALL, runs)["verdict"]["answer"] == answer


def test_a_number_of_schemes_in_all_is_shared_out_over_the_depths():
    assert RandomSchemesSettings.at_real_widths(num_schemes=64).counts == (24, 24, 16)
    assert RandomSchemesSettings.at_real_widths(num_schemes=8).counts == (3, 3, 2)
    alone = RandomSchemesSettings.at_real_widths(num_schemes=1)
    assert (alone.counts, len(alone.widths)) == ((1,), 1)
    assert RandomSchemesSettings.at_real_widths(num_schemes=64).design(
        2
    ) == RandomSchemesSettings.at_real_widths().design(2)


def test_other_data_have_one_output_unless_a_target_is_given():
    chosen = RandomSchemesSettings.at_real_widths(data="digits", num_points=6).problem()
    assert chosen == {"data": "digits", "num_points": 6, "data_seed": 2, "target": "parity"}
    assert RandomSchemesSettings.at_real_widths(data="diabetes").problem()["target"] == "value"
    assert (
        RandomSchemesSettings.at_real_widths(data="digits", target="classes").problem()["target"]
        == "classes"
    )


@pytest.mark.parametrize(
    ("given", "name"),
    [({"target": "parity"}, "target"), ({"data": "digits", "input_dim": 9}, "input_dim")],
)
def test_a_setting_of_other_data_is_refused(given, name):
    with pytest.raises(InputError, match=f"{name} must be left out".capitalize()):
        RandomSchemesSettings(**given)


def test_more_replicates_keep_the_seeds_of_fewer():
    few, many = (replace(SMALL, replicates=count).design(1).points for count in (3, 9))
    rows = [set(zip(map(tuple, p["scale_exponents"]), p["seed"], strict=True)) for p in (few, many)]
    assert rows[0] < rows[1]
    assert len(set(many["seed"])) == len(many["seed"]) == 54


def test_the_law_is_held_against_the_seeds_that_it_was_claimed_with():
    assert list(
        RandomSchemesSettings(counts=(3,), widths=((8, 16, 32),)).design(1).points["seed"]
    ) == [*range(12)]


def test_one_scheme_has_no_interval_of_schemes():
    found = [LayerEstimate.from_json(layer) for layer in small_run()["layers"]]
    one = [layer for layer in found if layer.scale_exponents == found[0].scale_exponents]
    assert rms_of_errors(one).interval == (None, None)
    assert None not in rms_of_errors(found).interval
    told = _verdict(one, one, TIE, RMS)
    assert told["answer"] == "undecided"
    assert "[" not in told["sentence"]


def test_layers_without_an_estimate_are_told_and_count_nowhere():
    seen = LayerEstimate(
        scale_exponents=(0.2, 0.3),
        speed_exponents=(0.0, 0.5),
        layer=1,
        predicted=-0.5,
        correction=0.5,
        exponent=-0.5,
        low=-0.51,
        high=-0.49,
        unlevelled=-0.5,
        slope=-0.5,
        excess=np.nan,
        excess_low=np.nan,
        excess_high=np.nan,
        ratio=(),
        failed=0,
    )
    lost = [replace(seen, layer=layer, exponent=np.nan, failed=6) for layer in (1, 2)]
    told = _verdict([seen], [seen], TIE, RMS, missing=lost)
    assert any("2 layers (schemes: 1) have no estimate" in each for each in told["remarks"])
    assert not any("no estimate" in each for each in _verdict([seen], [seen], TIE, RMS)["remarks"])
