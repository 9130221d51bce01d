import json
import os

import numpy as np
import pytest

from lazyscope import InputError
from lazyscope.observe import (
    Cadence,
    Look,
    Measurement,
    Observations,
    Subject,
    from_json,
    group_parameters,
    open_observations,
    save_observations,
    to_dataset,
    to_json,
)

SUBJECT = Subject(
    parameters=("in.weight", "in.bias", "out.weight"),
    shapes=((4, 3), (4,), (1, 4)),
    groups=("in", "out"),
    parameter_group=(0, 0, 1),
    num_points=5,
    num_outputs=1,
    has_targets=False,
    notes=("Something.",),
    provenance={"numpy": "2"},
)


def measurement(size):
    nan = np.nan
    return Measurement(
        parameter_frobenius=np.array([size, np.inf if size else 0.0, size]),
        parameter_operator=np.array([size, nan, size]),
        group_frobenius=np.array([size, size]),
        group_operator=np.array([size, size]),
        total=size,
        probe_loss=nan,
        kernel_change=size,
        kernel_alignment=1.0,
        target_alignment=nan,
        linearisation_gap=nan,
        linearisation_share=size,
        flipped=size / 10,
    )


def record(*sizes):
    looks = [Look(3 * k, float(k), 1.0 / (k + 1), measurement(s)) for k, s in enumerate(sizes)]
    return Observations(SUBJECT, tuple(looks), 0.5)


def same(one, other):
    return json.dumps(to_json(one)) == json.dumps(to_json(other))


def test_a_record_survives_the_disk_with_what_is_not_finite(tmp_path):
    before = record(0.0, 0.2)
    after = open_observations(save_observations(before, tmp_path / "record.json"))
    assert after.subject == before.subject
    assert same(before, after)
    for name in ("parameter_frobenius", "parameter_operator", "target_alignment"):
        np.testing.assert_array_equal(after.series(name), before.series(name))
    assert [p.name for p in tmp_path.iterdir()] == ["record.json"]


def test_a_look_more_leaves_the_old_record_alone():
    old = record(0.0)
    new = old.with_look(Look(7, 1.0, 0.1, measurement(0.5)), seconds=0.25)
    assert (len(old.looks), len(new.looks), new.observing_seconds) == (1, 2, 0.75)


@pytest.mark.parametrize(
    ("size", "verdict"), [(0.05, "lazy"), (0.5, "borderline"), (2.0, "not-lazy"), (np.nan, None)]
)
def test_the_verdict_follows_the_largest_relative_change(size, verdict):
    assert record(0.0, size).summary()["verdict"] == verdict


def test_the_summary_has_the_keys_of_our_own_runs():
    summary = record(0.0, 0.2).summary()
    assert {
        "loss",
        "steps",
        "displacement",
        "kernel_change",
        "linearisation_gap",
        "verdict",
    } <= set(summary)
    assert set(summary["displacement"]) == {"operator", "frobenius", "total"}
    json.dumps(summary, allow_nan=False)


def test_labelled_data_have_the_names_of_leaves_and_groups():
    made = to_dataset(record(0.0, 0.2))
    assert made["group_frobenius"].sel(step=3, group="out") == 0.2
    assert made["parameter_group"].sel(parameter="in.bias") == "in"
    assert made.attrs["numpy"] == "2"
    assert all("units" in made[name].attrs for name in made.data_vars)


def test_other_files_are_refused(tmp_path):
    with pytest.raises(InputError, match="must be a JSON file"):
        open_observations(tmp_path / "nothing.json")
    (tmp_path / "other.json").write_text('{"format": "another"}')
    with pytest.raises(InputError, match="must have the format"):
        open_observations(tmp_path / "other.json")
    cut = to_json(record(0.0))
    del cut["total"]
    with pytest.raises(InputError, match="must be whole"):
        from_json(cut)
    with pytest.raises(InputError, match="path that can be written"):
        save_observations(record(0.0), tmp_path / "no" / "folder.json")


def test_a_changed_number_is_told_by_the_checksum(tmp_path):
    path = save_observations(record(0.0, 0.25), tmp_path / "record.json")
    path.write_text(path.read_text().replace("0.25", "0.26", 1))
    with pytest.raises(InputError, match=r"must be whole.*checksum.*edited, or damaged"):
        open_observations(path)


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("step", []),
        ("step", [0.5, 1]),
        ("loss", [1.0]),
        ("parameter_frobenius", [[1.0], [1.0]]),
        ("group_operator", [[1.0, "1"], [1.0, 1.0]]),
        ("total", None),
        ("observing_seconds", []),
        ("subject", []),
        ("parameter_group", [0, 0, 2]),
        ("parameter_group", [0, 0]),
        ("shapes", [[4, "3"], [4], [1, 4]]),
        ("parameters", [["a"], "b", "c"]),
        ("provenance", [1]),
    ],
)
def test_a_record_of_another_shape_is_refused(part, value):
    stored = to_json(record(0.0, 0.2))
    holder = stored["subject"] if part in stored["subject"] else stored
    holder[part] = value
    with pytest.raises(InputError, match="must be whole"):
        from_json(stored)


def test_a_file_that_cannot_be_a_record_is_refused_with_the_true_cause(tmp_path):
    (tmp_path / "deep.json").write_text("[" * 10_000)
    os.mkfifo(tmp_path / "pipe")
    for path, words in (
        (tmp_path / "deep.json", "nested too deeply"),
        (tmp_path / "pipe", "a pipe or device"),
        (tmp_path, "a folder where a file belongs"),
        ("https://example.org/record.json", "a URL"),
        (tmp_path / ("a" * 5000), "a name longer than"),
    ):
        with pytest.raises(InputError, match=words):
            open_observations(path)


def test_looks_are_spread_evenly_over_the_logarithm_of_steps():
    cadence, steps = Cadence(per_decade=10), [0]
    while steps[-1] < 10**6:
        steps.append(cadence.step_after(steps[-1]))
    assert steps[:6] == [0, 1, 2, 3, 4, 6]
    late = np.array([s for s in steps if s >= 1000])
    assert len(late) == 31
    np.testing.assert_allclose(np.diff(np.log10(late)), 0.1, atol=2e-3)


def test_the_budget_counts_the_next_look():
    cadence = Cadence(share=0.05)
    assert cadence.affords(cost=0.04, spent=0.0, elapsed=1.0)
    assert not cadence.affords(cost=0.06, spent=0.0, elapsed=1.0)
    assert not cadence.affords(cost=0.04, spent=0.02, elapsed=1.02)


def test_a_cadence_without_sense_is_refused():
    with pytest.raises(InputError, match="Per_decade must be a whole number"):
        Cadence(per_decade=0)
    with pytest.raises(InputError, match="Share of the time must lie strictly between"):
        Cadence(share=5)


LEAVES = ("in.weight", "in.bias", "inner.weight", "out.weight")


def test_arrays_of_one_layer_make_a_group_unless_told_otherwise():
    assert group_parameters(LEAVES) == (("in", "inner", "out"), (0, 0, 1, 2))
    assert group_parameters(LEAVES, lambda name: name[:2]) == (("in", "ou"), (0, 0, 0, 1))
    named = {"in": "a", "in.bias": "b", "inner": "a", "out": "c"}
    assert group_parameters(LEAVES, named) == (("a", "b", "c"), (0, 1, 0, 2))


@pytest.mark.parametrize("groups", [{"in": "a", "out": "b"}, {"wrong": "a"}, lambda name: None])
def test_arrays_without_a_group_are_refused(groups):
    with pytest.raises(InputError, match="must belong to a group that has a name"):
        group_parameters(LEAVES, groups)


def test_a_function_of_groups_that_raises_is_refused():
    with pytest.raises(InputError, match=r"must name the group .*ValueError for in.weight"):
        group_parameters(LEAVES, int)


FIRST = {
    "parameters": "leaves",
    "parameter_group": "leaf_group",
    "parameter_frobenius": "leaf_frobenius",
    "parameter_operator": "leaf_operator",
}


def test_a_record_of_the_first_format_is_read():
    stored = to_json(record(0.0, 0.2))
    old = {FIRST.get(name, name): value for name, value in stored.items()}
    old["subject"] = {FIRST.get(name, name): value for name, value in stored["subject"].items()}
    read = from_json({**old, "format": "lazyscope-observations-1"})
    assert to_json(read) == stored


@pytest.mark.parametrize("new", FIRST)
def test_parts_of_a_record_answer_to_their_old_names(new):
    part = SUBJECT if hasattr(SUBJECT, new) else measurement(0.2)
    with pytest.warns(DeprecationWarning, match=f"{FIRST[new]} is {new} now") as caught:
        found = getattr(part, FIRST[new])
    assert found is getattr(part, new)
    assert caught[0].filename == __file__


def test_a_part_that_never_was_is_an_error():
    with pytest.raises(AttributeError, match="leaf_sizes"):
        SUBJECT.leaf_sizes  # noqa: B018
