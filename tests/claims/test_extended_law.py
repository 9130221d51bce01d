"""What the law says of many outputs, cross-entropy and biases, and what its rows make of numbers."""

import itertools

import numpy as np
import pytest

from lazyscope.claims.law._extended import EXTENDED_LAW, RMS, family_findings
from lazyscope.claims.law._extended_families import (
    FAMILIES,
    LEAD,
    NUM_WIDTHS,
    bias_corrections,
    bias_speeds,
    exponents_with_biases,
    measured_layers,
)
from lazyscope.claims.law._extended_networks import NETWORKS, _asked
from lazyscope.data import load_dataset
from lazyscope.scaling import displacement_exponents, relative_speed_exponents
from lazyscope.study import LayerEstimate

BY_NAME = {each.name: each for each in FAMILIES}


def test_a_bias_of_the_first_layer_alone_changes_no_exponent():
    for scales, speeds in (((0.1, 0.3), (0.0, 0.4)), ((0.5, -0.2), (0.3, 0.0))):
        assert exponents_with_biases(scales, speeds) == pytest.approx(
            displacement_exponents(scales, speeds)
        )


def test_biases_count_where_activations_are_smaller_than_one_and_only_there():
    large, small = (0.2, 0.1, 0.1), (-0.25, -0.25, 0.75)
    still = (0.0, 0.0, 0.0)
    assert exponents_with_biases(large, still) == pytest.approx(displacement_exponents(large))
    assert exponents_with_biases(small, still)[0] == pytest.approx(-0.75)
    assert displacement_exponents(small)[0] == pytest.approx(-0.25)


def test_schemes_of_biases_have_a_bias_ahead_of_every_weight():
    family = BY_NAME["bias"]
    for depth, seed in itertools.product(family.counts, range(5)):
        for scheme, _ in family.schemes(depth, seed):
            assert sum(scheme[0]) > 0
            ahead = max(bias_speeds(*scheme)) - max(relative_speed_exponents(*scheme))
            assert ahead >= LEAD
            plain = displacement_exponents(*scheme)
            amended = exponents_with_biases(*scheme)
            assert min(p - a for p, a in zip(plain, amended, strict=True)) > 0.2
            assert bias_corrections(scheme)[0] > 0


@pytest.mark.parametrize("family", FAMILIES, ids=lambda each: each.name)
def test_one_seed_draws_the_same_schemes_and_points_and_another_others(family):
    depth = min(family.counts)
    assert family.schemes(depth, 3) == family.schemes(depth, 3)
    assert family.schemes(depth, 3) != family.schemes(depth, 4)
    points = [seed for _, seed in family.schemes(depth, 3)]
    assert len(set(points)) == len(points)
    for scheme, _ in family.schemes(depth, 3):
        widths = family.widths(scheme)
        assert len(widths) == NUM_WIDTHS
        assert 1 < widths[0] < widths[-1] <= 1e30


def layers_of(family, shift):
    """Every layer of a draw, with its exponent `shift` away from the law and a half-width of 0.003."""
    nan = float("nan")
    for depth in family.counts:
        for scheme, _ in family.schemes(depth, 1):
            for layer, law in enumerate(family.law(*scheme), 1):
                e = law + shift
                numbers = (e, e - 0.003, e + 0.003, e, e, nan, nan, nan)
                yield LayerEstimate(*scheme, layer, law, 0.5, *numbers, (), 0)


@pytest.mark.parametrize(("shift", "verdict"), [(0.001, "agrees"), (2 * RMS, "disagrees")])
def test_exponents_near_the_law_agree_and_those_off_by_half_a_step_are_refuted(shift, verdict):
    found = {each.name: list(layers_of(each, shift)) for each in FAMILIES}
    rows = {row.name: row for row in family_findings(found, 1)}
    assert {rows[f"{name}-exponents"].verdict for name in BY_NAME} == {verdict}
    assert rows["extended-intervals"].verdict == verdict
    assert rows["bias-control-without"].verdict == "disagrees"


def test_a_layer_without_an_exponent_leaves_its_row_undecided():
    found = {each.name: list(layers_of(each, 0.0)) for each in FAMILIES}
    broken = list(layers_of(FAMILIES[0], float("nan")))
    found["outputs"][0] = broken[0]
    rows = {row.name: row for row in family_findings(found, 1)}
    assert rows["outputs-exponents"].verdict == "undecided"
    assert rows["bias-exponents"].verdict == "agrees"


def test_squares_of_displacements_add_over_outputs():
    data = load_dataset("digits", num_points=6, num_test=0, target="classes", seed=1)
    alpha, time = np.array([3.0, 2.0]), 0.5
    together = _asked(data.x_train, data.y_train, alpha, time) ** 2
    alone = sum(
        _asked(data.x_train, data.y_train[:, [c]], alpha, time) ** 2
        for c in range(data.y_train.shape[1])
    )
    assert together == pytest.approx(alone)
    doubled = np.concatenate([data.y_train, data.y_train], axis=1)
    assert _asked(data.x_train, doubled, alpha, time) == pytest.approx(np.sqrt(2 * together))


def test_named_networks_have_the_exponents_of_the_rows_they_follow():
    predicted = {each.name: each.predicted for each in NETWORKS}
    assert predicted == pytest.approx(
        {
            "outputs-quarter": -0.25,
            "entropy-quarter": -0.25,
            "bias-quarter": -0.75,
            "bias-second": -1.75,
        }
    )
    assert EXTENDED_LAW.check_drawn is not None


@pytest.mark.slow
def test_biases_refute_the_law_without_them_at_virtual_widths():
    family = BY_NAME["bias"]
    found = measured_layers(family, 2, 9001)
    assert all(e.contained for e in found)
    assert max(abs(e.error) for e in found) < RMS
    plain = [
        displacement_exponents(e.scale_exponents, e.speed_exponents)[e.layer - 1] for e in found
    ]
    assert not any(e.low <= p <= e.high for e, p in zip(found, plain, strict=True))
