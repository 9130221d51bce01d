"""Do joined records have the exponents of what was put into them, at the steps that all have seen?"""

import dataclasses
import json

import numpy as np
import pytest

from lazyscope import InputError
from lazyscope.observe import Look, Measurement, Observations, Subject, join_observations
from lazyscope.report import write_joined_page

WIDTHS, STEPS = (64, 256, 1024, 4096), (1, 10, 100)
POWERS = {"in": -0.5, "out": 0.0}


def record(width, seed, steps=(0, *STEPS), groups=tuple(POWERS)):
    """The kernel changes as m^(-1 + step / 100): lazy at first, not at the end."""
    rng = np.random.default_rng((width, seed))
    looks = []
    for step in steps:
        noise = np.exp(0.02 * rng.normal(size=3))
        moved = np.array([width ** POWERS[g] for g in POWERS]) * noise[:2] * min(step, 1)
        change = width ** (-1 + step / 100) * noise[2]
        seen = Measurement(moved, moved, moved, moved, 0.1, 1, change, 1, 0.5, 0, np.nan, 0)
        looks.append(Look(step, float(step), 1.0, seen))
    subject = Subject(groups, ((width, 3), (1, width)), groups, (0, 1), 4, 1, True)
    return Observations(subject, tuple(looks))


def of(**subject):
    found = record(256, 0)
    return dataclasses.replace(found, subject=dataclasses.replace(found.subject, **subject))


def joined(seeds=3):
    return join_observations({w: [record(w, s) for s in range(seeds)] for w in WIDTHS})


def test_exponents_over_time_are_those_of_the_records():
    found = joined().exponents("kernel_change")
    expected = [-1 + step / 100 for step in STEPS]
    assert found.agreements(expected).tolist() == ["agrees"] * 3
    groups = joined().exponents("group_operator")
    assert groups.agreements(list(POWERS.values()) * 3).tolist() == ["agrees"] * 6
    assert groups.agreements([0.0, -0.5] * 3).tolist() == ["disagrees"] * 6


def test_steps_that_one_record_has_not_seen_are_left_out():
    records = {w: [record(w, 0)] for w in WIDTHS}
    records[64].append(record(64, 1, steps=(0, 2, 10, 100)))
    assert join_observations(records).steps == (10, 100)
    values = join_observations(records).values("kernel_change")
    assert values.shape == (2, 1, 4, 2)
    assert np.isnan(values[0, 0, 1:, 1]).all()


def test_too_few_runs_have_no_exponent_and_a_page_that_says_so(tmp_path):
    few = join_observations({w: record(w, 0) for w in (64, 256)})
    assert few.exponents("kernel_change") is None
    path = write_joined_page(json.loads(json.dumps(few.summary())), tmp_path / "page.html")
    assert "not estimated" in path.read_text("utf-8")


def test_the_page_has_the_exponents_of_the_summary(tmp_path):
    stored = json.loads(json.dumps(joined().summary(), allow_nan=False))
    value = stored["exponents"]["kernel_change"][0][0][0]
    text = write_joined_page(stored, tmp_path / "page.html").read_text("utf-8")
    assert str(value) in text
    assert "operator norm" in text
    with pytest.raises(InputError, match="needs the format lazyscope-joined"):
        write_joined_page({"format": "another"}, tmp_path / "page.html")


@pytest.mark.parametrize(
    ("records", "message"),
    [
        ({64: record(64, 0)}, "given for two widths at least.*1 widths"),
        ([record(64, 0)], "given for two widths at least.*list"),
        ({64: record(64, 0), 256: []}, "records of width 256 must be records of observers"),
        (
            {64: record(64, 0), 256: record(256, 0, groups=("a", "b"))},
            "the same groups.*a, b beside",
        ),
        ({64: record(64, 0), 256: record(256, 0, steps=(0, 2))}, "looked at a common step"),
        ({64.5: record(64, 0), 256: record(256, 0)}, "every width must be a whole number"),
        ({True: record(64, 0), 256: record(256, 0)}, "every width must be a whole number"),
        ({64: record(64, 0), 256: None}, "records of width 256 must be records of observers"),
        ({64: record(64, 0), 256: 3}, "records of width 256 must be records of observers"),
        (
            {64: record(64, 0), 256: of(loss="cross-entropy")},
            "same probe points and loss.*cross-entropy",
        ),
        (
            {64: record(64, 0), 256: of(num_points=32)},
            "same probe points and loss.*num_points 4, 32",
        ),
    ],
)
def test_records_that_cannot_be_joined_are_refused(records, message):
    with pytest.raises(InputError, match=f"(?i){message}"):
        join_observations(records)


@pytest.mark.parametrize(
    "changed",
    [
        {"groups": ["in"]},
        {"groups": None},
        {"exponents": {}},
        {"exponents": {"kernel_change": []}},
        {"exponents": {"kernel_change": [[["x", 0, 0]]] * 3}},
        {"steps": [1]},
        {"steps": []},
        {"widths": None},
    ],
)
def test_a_summary_that_was_changed_has_no_page(changed, tmp_path):
    stored = json.loads(json.dumps(joined(1).summary()))
    stored["exponents"] |= changed.get("exponents", {})
    if changed.get("exponents") == {}:
        stored["exponents"] = {}
    stored |= {name: value for name, value in changed.items() if name != "exponents"}
    with pytest.raises(InputError, match="must be as summary"):
        write_joined_page(stored, tmp_path / "page.html")


def test_a_quantity_that_records_do_not_have_is_refused():
    with pytest.raises(InputError, match="quantity of joined records"):
        joined(1).values("colour")
