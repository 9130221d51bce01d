"""Can an expectation be edited after the fact without anybody noticing?"""

import hashlib
import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from lazyscope._checks import InputError
from lazyscope.claims import (
    CLAIMS,
    Claim,
    Finding,
    RunSettings,
    check_claim,
    counts,
    is_sound,
    validation,
)
from lazyscope.claims._row import Row
from lazyscope.claims._rule import Rule
from lazyscope.claims.register import _standing
from lazyscope.claims.register._append import differences, next_entry
from lazyscope.claims.register._entry import Entry, digest, read_entries, state_after
from lazyscope.claims.register._power import power_of
from lazyscope.claims.register._standing import Standing, standings
from lazyscope.measure import Estimate
from lazyscope.report import validation_page

FILES = sorted(Path(_standing.__file__).parent.glob("*.jsonl"))
SEAL = json.loads((Path(__file__).parent / "sealed_register.json").read_text())
BY_NAME = {claim.name: claim for claim in CLAIMS}
ALL = {(name, row): one for name in BY_NAME for row, one in standings(name).items()}


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.name)
def test_every_row_is_what_its_last_entry_says(claim):
    assert not differences(claim), "append an entry with a reason: tools/register_rows.py"


def test_every_claim_of_the_table_has_a_register_and_no_other_has():
    assert {path.stem for path in FILES} == set(BY_NAME) == set(SEAL)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_lines_that_were_sealed_are_as_they_were(path):
    lines, sealed = SEAL[path.stem]
    text = path.read_bytes().splitlines(keepends=True)
    assert len(text) >= lines
    assert hashlib.sha256(b"".join(text[:lines])).hexdigest() == sealed


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_what_is_committed_is_where_the_file_begins(path):
    command = ["git", "show", f"HEAD:./{path.name}"]
    shown = subprocess.run(command, cwd=path.parent, capture_output=True, check=False)
    if shown.returncode:
        pytest.skip("no checkout with a history")
    assert path.read_bytes().startswith(shown.stdout)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_lines_are_written_as_entries_write_themselves_and_say_why(path):
    for line in path.read_text().splitlines():
        entry = Entry(**json.loads(line))
        assert entry.line() == line
        assert len(entry.reason) > 20
        assert entry.date[:2] == "20"


def history(*sets):
    lines, previous = [], ""
    for day, new in enumerate(sets):
        line = Entry("row", f"2026-11-{day + 1:02}", new, "a good reason", "", previous).line()
        lines.append(line)
        previous = digest(line)
    return lines


def test_a_line_that_was_edited_left_out_or_moved_is_refused():
    lines = history({"expected": "agrees"}, {"expected": "disagrees"}, {"prediction": 1.0})
    assert len(read_entries("\n".join(lines), name="x")["row"]) == 3
    edited = [lines[0].replace('"agrees"', '"disagrees"'), *lines[1:]]
    for wrong in (edited, lines[1:], lines[::2], lines[::-1]):
        with pytest.raises(InputError, match="appended to and never rewritten"):
            read_entries("\n".join(wrong), name="x")


ROW = Row("row", -0.5, Rule.number(), {"widths": (64, 256), "seeds": 4})


@pytest.mark.parametrize(
    "changed",
    [
        {"prediction": -0.25},
        {"expected": "disagrees"},
        {"rule": Rule.number(resolution=0.25)},
        {"rule": Rule.number(accuracy=0.1)},
        {"design": {"widths": (64, 256), "seeds": 6}},
        {"design": {"widths": (64, 256)}},
    ],
)
def test_a_row_cannot_change_without_an_entry(monkeypatch, changed):
    entries = (Entry("row", "2026-11-24", ROW.as_json(), "registered before it ran"),)
    known = {"row": Standing("claim", "row", entries)}
    monkeypatch.setattr("lazyscope.claims.register._append.standings", lambda name: known)
    claim = Claim("claim", "a paper", "it holds", lambda effort: (), rows=(ROW,))
    assert not differences(claim)
    other = replace(claim, rows=(replace(ROW, **changed),))
    assert list(differences(other)["row"]) == list(changed)
    assert differences(replace(claim, rows=())) == {"row": {"retired": True}}
    entry = next_entry(known["row"], "row", differences(other)["row"], "why", date="2026-11-25")
    known["row"] = Standing("claim", "row", (*entries, entry))
    assert not differences(other)
    assert known["row"].first == ROW.as_json()
    assert [one.reason for one in known["row"].changes] == ["why"]


# --- what the history says


def test_changes_of_mind_of_the_first_tables_are_on_record():
    first = {name: one.first for (_, name), one in ALL.items()}
    now = {name: one.now for (_, name), one in ALL.items()}
    for row in ("ten-outputs", "entropy-exponent"):
        assert (first[row]["expected"], now[row]["expected"]) == ("agrees", "disagrees")
    assert first["bias-takes-over"]["expected"] == "disagrees"
    assert now["bias-takes-over"]["expected"] == "undecided"
    assert first["bias-takes-over-amended"]["prediction"] == -0.75
    assert ALL["off-law", "bias-takes-over-amended"].retired
    for row in ("lee-first", "lee-hidden-2", "lee-hidden-3", "lee-last", "lee-kernel"):
        assert (first[row]["rule"]["resolution"], now[row]["rule"]["resolution"]) == (0.125, 0.25)
        assert (first[row]["design"]["target"], now[row]["design"]["target"]) == (
            "classes",
            "parity",
        )
    assert first["paper-rate"]["design"]["extrapolation"] == ["m^-0.5"]
    assert len(now["paper-rate"]["design"]["extrapolation"]) == 4
    tolerated = [state["paper-threshold"]["design"]["tolerated"] for state in (first, now)]
    assert tolerated == [0.05, 0.2]
    starts = [state["chizat-convolution"]["design"]["alphas"][0] for state in (first, now)]
    assert starts == [32.0, 1024.0]


def test_a_rule_that_was_loosened_is_undone_for_the_count():
    row = {"verdict": "agrees", "measured": -0.546, "low": -0.65, "high": -0.273}
    assert ALL["lee", "lee-first"].first_verdict(row) == "undecided"
    narrow = {"verdict": "agrees", "measured": -0.5, "low": -0.56, "high": -0.45}
    assert ALL["lee", "lee-first"].first_verdict(narrow) == "agrees"


def test_design_is_merged_key_by_key_and_none_takes_a_key_out():
    entries = [
        Entry("a", "1", {"expected": "agrees", "design": {"seeds": 4, "data": "x"}}, "new"),
        Entry("a", "2", {"design": {"seeds": 6, "data": None}}, "noise"),
    ]
    assert state_after(entries) == {"expected": "agrees", "design": {"seeds": 6}}


# --- power


def number_row(half_width, **rule):
    noise = {"model": "interval", "half_width": half_width, "source": "made up"}
    return {"prediction": -0.5, "rule": Rule.number(**rule).as_json(), "design": {}, "noise": noise}


def test_wide_intervals_cannot_agree_and_narrow_ones_tell_half_a_step():
    assert power_of(number_row(0.2), num_draws=40)["agrees"] == 0.0
    fine = power_of(number_row(0.03), num_draws=60)
    assert fine["agrees"] >= 0.9
    assert fine["disagrees"] >= 0.99
    coarse = power_of(number_row(0.2, resolution=0.25), num_draws=60)
    assert coarse["agrees"] >= 0.9
    assert 0.4 < coarse["disagrees"] < 0.8


def test_a_row_below_a_power_of_four_fifths_is_exploratory():
    def standing(power):
        return Standing("c", "r", (Entry("r", "1", {"expected": "agrees", "power": power}, "x"),))

    assert not standing({"agrees": 0.8, "disagrees": 1.0}).uncounted
    assert "exploratory" in standing({"agrees": 0.79, "disagrees": 1.0}).uncounted
    assert "0.10 to disagree" in standing({"agrees": 0.9, "disagrees": 0.1}).uncounted
    assert "exploratory" in standing(None).uncounted


@pytest.mark.parametrize(
    ("model", "verdict"),
    [
        ({"model": "mean", "sd": 0.01}, 1.0),
        ({"model": "mean", "sd": 1.0}, 0.0),
        ({"model": "size", "cells": 200, "sd": 0.05}, 1.0),
        ({"model": "size", "cells": 200, "sd": 0.2}, 0.0),
    ],
)
def test_noise_decides_whether_a_bound_can_be_met(model, verdict):
    rule = Rule.at_most(0.1).as_json()
    row = {"prediction": 0.0, "rule": rule, "design": {"seeds": 5}, "noise": model}
    assert power_of(row, num_draws=60)["agrees"] == pytest.approx(verdict, abs=0.1)


def test_a_share_of_few_cells_cannot_be_known_to_be_large():
    def share(cells):
        noise = {"model": "share", "cells": cells, "exact": 0.98, "away": 0.8}
        row = {"prediction": 1.0, "rule": Rule.at_least(0.9).as_json(), "noise": noise}
        return power_of(row, num_draws=40)

    assert share(20)["agrees"] == 0.0
    assert min(share(250).values()) > 0.9


def test_an_interval_judged_in_words_says_nothing_alone():
    assert Rule("other", words="every cell").judge(Estimate(1.0, 0.9, 1.1), 1.0) is None
    assert Rule.from_json(Rule.between(0.0, 1.0).as_json()) == Rule.between(0.0, 1.0)


def test_rows_of_a_claim_without_register_have_no_standing():
    assert standings("no such claim") == {}


QUICK = [
    ("chizat", "chizat-dense-relu"),
    ("three-layer", "regimes-differ"),
    ("off-law", "step-0.9"),
]
OTHERS = [key for key, one in ALL.items() if one.now.get("noise") and key not in QUICK]


@pytest.mark.parametrize("key", QUICK, ids="/".join)
def test_power_on_record_is_that_of_the_noise_on_record(key):
    now = ALL[key].now
    assert now["power"] == power_of(now)


@pytest.mark.slow
@pytest.mark.parametrize("key", OTHERS, ids="/".join)
def test_power_on_record_is_that_of_the_design_on_record(key):
    now = ALL[key].now
    assert power_of(now) == pytest.approx(now["power"], abs=0.01)


def test_rows_that_no_number_could_refute_count_nowhere():
    out = {name for (_, name), one in ALL.items() if one.uncounted.startswith("cannot fail")}
    assert {"outside-rho", "outside-saturated", "outside-kink", "outside-norm"} <= out
    assert {"paper-rate-at-fixed-kappa", "bound-inside"} <= out
    assert {name for _, name in ALL if name.endswith("-convergence")} <= out
    assert {name for _, name in ALL if name.startswith("not-condensed-")} <= out
    counted = {
        name for (claim, name), one in ALL.items() if claim == "condensation" and not one.uncounted
    }
    of_tanh = {"condensed-tanh", "directions-tanh", "direction-tanh", "sharper-tanh"}
    assert counted == of_tanh | {"off-line-half", "off-line", "lazy-directions"}


def test_no_row_counts_without_noise_from_a_named_source():
    for one in ALL.values():
        if not one.uncounted:
            assert one.now["noise"]["source"]
            assert min(one.now["power"].values()) >= 0.8


def test_a_page_shows_every_change_of_mind_and_what_is_no_longer_run():
    row = Finding(
        "ten-outputs",
        "e = -1/4",
        -0.25,
        Estimate(-0.1, -0.2, -0.06),
        "disagrees",
        "runs",
        "disagrees",
    )
    claim = replace(BY_NAME["off-law"], check=lambda effort: (row,), rows=())
    record = check_claim(claim, RunSettings("full", None, "0"))
    page = validation_page(validation([claim], {"off-law": record}, effort="full"))
    assert (
        "1 came out against the first expectation. That one is explained below. 1 row was changed after "
        "it was registered." in page
    )
    assert "| 1.00, 1.00 | **disagrees** (since then expected), explained |" in page
    assert "explained: the row is judged by an operator norm" in page
    changes = page.partition("## Changes of mind")[2]
    assert (
        "| 2026-11-24 | `off-law/ten-outputs` | expected verdict disagrees | The row had disagreed"
        in changes
    )
    assert (
        "| `off-law/bias-takes-over-amended` | agrees | The prediction of -0.75 was taken out"
        in changes
    )


def explained_standing(verdict):
    """A row that was expected to agree, with an entry that explains one verdict."""
    power = {"agrees": 1.0, "disagrees": 1.0}
    first = {
        "prediction": -0.5,
        "expected": "agrees",
        "rule": Rule.number().as_json(),
        "design": {},
    }
    entries = (
        Entry("row", "1", first | {"power": power}, "registered"),
        Entry("row", "2", {"explained": {"verdict": verdict, "why": "of the norm"}}, "recomputed"),
    )
    return Standing("claim", "row", entries)


@pytest.mark.parametrize(("explained", "words"), [("disagrees", 1), ("undecided", 0)])
def test_a_row_that_is_explained_counts_against_expectation_and_for_that_verdict_only(
    monkeypatch, explained, words
):
    known = {"row": explained_standing(explained)}
    for module in ("register._standing", "register._append"):
        monkeypatch.setattr(f"lazyscope.claims.{module}.standings", lambda name: known)
    row = Finding("row", "e = -1/2", -0.5, Estimate(-0.2, -0.3, -0.1), "disagrees", "runs")
    claim = Claim("claim", "a paper", "it holds", lambda effort: (row,))
    record = check_claim(claim, RunSettings("full", None, "0"))
    summary = counts([record])
    assert (summary["unexpected"], summary["explained"]) == (1, words)
    assert not is_sound([record])
    page = validation_page(validation([claim], {"claim": record}, effort="full"))
    assert ("That one is explained below." in page) == bool(words)
    assert ("Against the first expectation, explained: of the norm." in page) == bool(words)
    assert known["row"].changes == ()


def test_readme_counts_as_the_page_does():
    root = Path(__file__).parents[2]
    told = next(
        line for line in (root / "docs/validation.md").read_text().splitlines() if line[:3] == "Of "
    )
    assert f"> {told}\n" in (root / "README.md").read_text()
