"""Does the page of a phase diagram hold what was stored, in few bytes, and refuse what does not fit?"""

import base64
import json
import re
from html import unescape

import numpy as np
import pytest

from lazyscope._checks import InputError
from lazyscope.study import write_map_page
from report.pages import from_planes, held_data
from report.synthetic_map import synthetic_map

SMALL = {"num_cells": 4, "widths": (10, 100), "num_seeds": 2, "num_neurons": 8, "num_failed": 2}


def page_of(runs, estimates, folder):
    return write_map_page(runs, estimates, folder / "map.html").read_text(encoding="utf-8")


def data_of(text):
    return held_data(text, 'id="map-data"')


def unpacked(array):
    if "planes" in array:
        return from_planes(array)
    kind = next(name for name in ("f4", "i4", "u1") if name in array)
    values = np.frombuffer(base64.b64decode(array[kind]), dtype=f"<{kind}")
    return (np.array(array["labels"])[values] if kind == "u1" else values).reshape(array["shape"])


@pytest.fixture(scope="module")
def small():
    return synthetic_map(**SMALL)


@pytest.fixture(scope="module")
def text(small, tmp_path_factory):
    return page_of(*small, tmp_path_factory.mktemp("map"))


def test_full_plane_with_all_curves_stays_below_two_and_a_half_megabytes(tmp_path):
    runs, estimates = synthetic_map(num_records=256)
    assert runs["outcome"].shape == (11, 11, 4, 3)
    path = write_map_page(runs, estimates, tmp_path / "map.html")
    assert path.stat().st_size < 2.5e6


@pytest.mark.parametrize("name", ["exponent", "low", "high", "predicted", "fit", "order"])
def test_estimates_reach_the_page_in_single_precision(text, small, name):
    stored = small[1][name].values.astype("<f4")
    np.testing.assert_array_equal(unpacked(data_of(text)["arrays"][name]), stored)


@pytest.mark.parametrize("name", ["sign", "verdict"])
def test_labels_reach_the_page_unchanged(text, small, name):
    stored = small[1][name].values
    np.testing.assert_array_equal(unpacked(data_of(text)["arrays"][name]), stored)


def test_runs_reach_the_page_with_their_outcomes(text, small):
    arrays = data_of(text)["arrays"]
    np.testing.assert_array_equal(unpacked(arrays["outcome"]), small[0]["outcome"].values)
    stored = small[0]["displacement_operator"].values.astype("<f4")
    np.testing.assert_array_equal(unpacked(arrays["displacement"]), stored)


def test_loss_curves_lose_only_their_unused_slots(text, small):
    arrays = data_of(text)["arrays"]
    begin = unpacked(arrays["curve_begin"])
    for name in ("curve_time", "curve_loss"):
        drawn = np.split(unpacked(arrays[name]), begin[1:-1])
        stored = small[0][name].values.reshape(len(drawn), -1)
        used = np.isfinite(small[0]["curve_loss"].values).reshape(stored.shape)
        assert 0 < used.sum() < used.size
        for curve, whole, kept in zip(drawn, stored, used, strict=True):
            np.testing.assert_allclose(curve, whole[kept], rtol=1 / 8192)


def test_too_many_records_are_drawn_by_every_few_with_both_ends_and_the_page_says_so(
    small, tmp_path, monkeypatch
):
    monkeypatch.setattr("lazyscope.study.phase_diagram.page._data._MOST_RECORDS", 500)
    text = page_of(*small, tmp_path)
    assert "of loss curves one record in" in text.lower()
    arrays = data_of(text)["arrays"]
    begin, drawn = unpacked(arrays["curve_begin"]), unpacked(arrays["curve_loss"])
    stored = small[0]["curve_loss"].values.reshape(len(begin) - 1, -1)
    assert 0 < len(drawn) < 0.6 * np.isfinite(stored).sum()
    for k, whole in enumerate(stored):
        kept = whole[np.isfinite(whole)]
        ends = drawn[begin[k] : begin[k + 1]][[0, -1]]
        np.testing.assert_allclose(ends, kept[[0, -1]], rtol=1 / 8192)


def test_planar_weights_become_angle_and_amplitude_of_the_first_seed_at_the_largest_width(
    text, small
):
    drawn = unpacked(data_of(text)["arrays"]["weights_final"])
    first, second = np.moveaxis(small[0]["input_weights_final"].values[:, :, -1, 0], -1, 0)
    output = small[0]["output_weights_final"].values[:, :, -1, 0, :, 0]
    z = first + 1j * second
    np.testing.assert_allclose(drawn[..., 0], np.angle(z, deg=True), rtol=1 / 8192, atol=1e-4)
    np.testing.assert_allclose(drawn[..., 1], np.abs(z) * np.abs(output), rtol=1 / 8192)


def test_axes_given_in_another_order_give_the_same_map(small, tmp_path):
    runs, estimates = small
    order = ("seed", "width", "gamma_prime", "gamma")
    turned = runs.transpose(*order, ...)
    other = estimates.transpose("layer", "gamma", "gamma_prime", ...)
    data = data_of(page_of(turned, other, tmp_path))
    assert data == data_of(page_of(runs, estimates, tmp_path))


def test_page_without_weights_curves_or_predictions_is_still_a_page(small, tmp_path):
    runs, estimates = small
    names = [n for n in runs.data_vars if "weights" in str(n) or "curve" in str(n)]
    text = page_of(runs.drop_vars(names), estimates.drop_vars(["predicted", "fit"]), tmp_path)
    keys = {quantity["key"] for quantity in data_of(text)["quantities"]}
    assert "predicted" not in keys
    assert "difference" not in keys
    assert 'data-panel="loss"' not in text
    assert 'data-panel="weights"' not in text


def test_table_counts_verdicts_layer_by_layer(text, small):
    section = text[text.index('<section id="layers">') : text.index('<section id="disagreements">')]
    cells = [int(cell) for cell in re.findall(r"<td>(\d+)</td>", section)]
    verdict, exponent = small[1]["verdict"].values, small[1]["exponent"].values
    expected = []
    for k in range(2):
        expected += [k + 1, np.isfinite(exponent[..., k]).sum()]
        expected += [(verdict[..., k] == v).sum() for v in ("agrees", "undecided", "disagrees")]
    assert cells == expected


def test_every_disagreement_is_listed(text, small):
    section = text[text.index('<section id="disagreements">') : text.index('id="outcomes"')]
    number = int((small[1]["verdict"].values == "disagrees").sum())
    assert number > 0
    assert section.count('class="tone bad">disagrees') == number


def test_failed_runs_are_counted_by_outcome(text, small):
    section = text[text.index('<section id="outcomes">') : text.index('<section id="settings">')]
    for name in ("diverged", "out-of-steps"):
        count = int((small[0]["outcome"].values == name).sum())
        assert re.search(rf"{name}</td><td>{count}</td>", section)


def test_unfinished_sweep_says_how_many_runs_are_there(small, tmp_path):
    runs = small[0].copy(deep=True)
    runs["outcome"].values[0, 0] = "missing"
    runs["displacement_operator"].values[0, 0] = np.nan
    text = page_of(runs, small[1], tmp_path)
    assert "60 of 64 runs are in the store" in text


def test_hostile_names_stay_text(small, tmp_path):
    runs, estimates = small
    name = "</script><img src=x onerror=alert(1)>"
    lines = json.dumps([{"name": name, "kind": "predicted", "x": [0, 1], "y": [0, 1]}])
    hostile = estimates.assign_attrs(title=name, boundaries=lines)
    text = page_of(runs.assign_attrs(settings=json.dumps({name: name})), hostile, tmp_path)
    body = re.sub(r"<(script|style)>.*?</\1>", "", text, flags=re.DOTALL)
    assert "<img" not in body
    assert name in unescape(body)
    assert data_of(text)["boundaries"][0]["name"] == name


def test_estimates_without_verdicts_are_refused(small, tmp_path):
    with pytest.raises(InputError, match=r"must have the variables exponent.*no high, verdict"):
        page_of(small[0], small[1].drop_vars(["high", "verdict"]), tmp_path)


def test_estimates_over_three_axes_are_refused(small, tmp_path):
    with pytest.raises(InputError, match=r"exactly two axes.*depth.*\.sel\(depth=1\)"):
        page_of(small[0], small[1].expand_dims(depth=[1, 2]), tmp_path)


def test_estimates_of_another_sweep_are_refused(small, tmp_path):
    other = small[1].assign_coords(gamma=small[1]["gamma"].values + 0.1)
    with pytest.raises(InputError, match=r"must share the axis gamma.*4 values from 0.25"):
        page_of(small[0], other, tmp_path)


def test_runs_over_further_axes_are_refused(small, tmp_path):
    with pytest.raises(InputError, match=r"must have the axes gamma, gamma_prime, width and seed"):
        page_of(small[0].expand_dims(depth=[1, 2]), small[1], tmp_path)


def test_runs_without_displacement_are_refused(small, tmp_path):
    with pytest.raises(InputError, match=r"variable displacement_operator.*record"):
        page_of(small[0].drop_vars("displacement_operator"), small[1], tmp_path)


def test_axis_of_names_is_refused(small, tmp_path):
    names = {"gamma": ["a", "b", "c", "d"]}
    with pytest.raises(InputError, match=r"axis gamma of a map must be numbers that increase"):
        page_of(small[0].assign_coords(names), small[1].assign_coords(names), tmp_path)


def test_what_estimates_rest_on_reaches_the_page_and_is_counted(small, tmp_path):
    runs, estimates = small
    dims, known = estimates["exponent"].dims, estimates["exponent"].values
    said = np.full(known.shape, "No bend shows", dtype=object)
    said[0, 0, 0] = "A bend shows <here>"
    ends = {"measured": 1.0, "low": 0.5, "high": 2.0}
    largest = {f"largest_{name}": (dims, np.full(known.shape, at)) for name, at in ends.items()}
    largest["largest_measured"][1][0, 1, 1] = 3.0
    straight = {"straight_p": (dims, np.full(known.shape, 0.5)), "assumption": (dims, said)}
    text = page_of(runs, estimates.assign(straight | largest), tmp_path)
    data, cells = data_of(text), known[..., 0].size
    assert data["assumption"][0][0] == ["A bend shows <here>", "No bend shows"]
    assert unpacked(data["arrays"]["largest_measured"])[0, 1, 1] == 3.0
    assert "largest_low" not in [quantity["key"] for quantity in data["quantities"]]
    assert "straight_p" in [quantity["key"] for quantity in data["quantities"]]
    assert f">1 of {cells}<" in text
    assert f">{cells - 1} of {cells}<" in text


def test_a_page_of_estimates_that_say_nothing_of_it_has_no_such_columns(text):
    assert data_of(text)["assumption"] == []
    assert "Largest width as expected" not in text
