"""Is nothing that finished lost or done twice, whatever happens to a claim?"""

import json
from dataclasses import replace

import pytest

from lazyscope._checks import InputError
from lazyscope.claims import (
    Claim,
    Finding,
    check_claims,
    counts,
    is_sound,
    read_records,
    select_claims,
    validation,
)
from lazyscope.claims._row import Row
from lazyscope.claims._rule import Rule
from lazyscope.claims.register._entry import Entry
from lazyscope.claims.register._standing import Standing
from lazyscope.measure import Estimate


def finding(name, verdict="agrees", expected="agrees"):
    return Finding(name, "1 = 1", 1.0, Estimate(1.0, 0.9, 1.1), verdict, "one run", expected)


class Counted:
    """A claim that counts how often it was checked."""

    def __init__(self, name, *rows, error=None, **fields):
        self.calls = []
        self.rows, self.error = rows or (finding("row"),), error
        self.claim = Claim(name, "a paper", "it holds", self.check, **fields)

    def check(self, effort, data=None):
        self.calls.append((effort, data))
        if self.error:
            raise self.error
        return self.rows


def test_a_finished_claim_is_not_checked_again(tmp_path):
    one = Counted("one")
    told = []
    for _ in range(2):
        records = check_claims(
            [one.claim], tmp_path, tell=lambda claim, state: told.append((claim.name, state))
        )
    assert one.calls == [("full", None)]
    assert told == [("one", "running"), ("one", "done"), ("one", "kept")]
    assert records[0]["findings"][0]["name"] == "row"
    assert records[0]["seconds"] >= 0
    assert records[0]["machine"]["cores"] >= 1


def test_fresh_checks_what_is_there(tmp_path):
    one = Counted("one")
    check_claims([one.claim], tmp_path)
    check_claims([one.claim], tmp_path, fresh=True)
    assert len(one.calls) == 2


def test_other_code_is_checked_again(tmp_path, monkeypatch):
    one = Counted("one")
    check_claims([one.claim], tmp_path)
    monkeypatch.setattr("lazyscope.claims.run._run.code_digest", lambda: "other")
    check_claims([one.claim], tmp_path)
    assert len(one.calls) == 2


def test_quick_and_full_do_not_replace_each_other(tmp_path):
    one = Counted("one")
    for effort in ("quick", "full", "quick", "full"):
        check_claims([one.claim], tmp_path, effort=effort)
    assert one.calls == [("quick", None), ("full", None)]
    assert set(read_records(tmp_path, "quick")) == set(read_records(tmp_path, "full")) == {"one"}


def test_a_claim_that_raises_is_told_tried_again_and_loses_no_other(tmp_path):
    broken, good = Counted("broken", error=ValueError("no luck")), Counted("good")
    first = check_claims([broken.claim, good.claim], tmp_path)
    assert first[0]["error"] == "ValueError: no luck"
    assert "in check" in first[0]["traceback"]
    assert first[1]["findings"]
    assert not is_sound(first)
    broken.error = None
    assert is_sound(check_claims([broken.claim, good.claim], tmp_path))
    assert (len(broken.calls), len(good.calls)) == (2, 1)


def test_an_interruption_keeps_what_was_finished(tmp_path):
    good, stopped = Counted("good"), Counted("stopped", error=KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        check_claims([good.claim, stopped.claim], tmp_path)
    assert set(read_records(tmp_path, "full")) == {"good"}
    stopped.error = None
    check_claims([good.claim, stopped.claim], tmp_path)
    assert len(good.calls) == 1


def test_a_half_written_record_counts_as_missing(tmp_path):
    one = Counted("one")
    check_claims([one.claim], tmp_path)
    path = tmp_path / "one.json"
    path.write_text(path.read_text()[:100])
    check_claims([one.claim], tmp_path)
    assert len(one.calls) == 2
    assert json.loads(path.read_text())["error"] is None


def drawing(name="drawn", **fields):
    """A claim that draws, and the seeds that it drew from."""
    one = Counted(name, **fields)
    return one, Claim(name, "a paper", "it holds", one.check, check_drawn=one.check)


def test_a_seed_is_drawn_at_the_first_run_and_kept_with_the_record(tmp_path, monkeypatch):
    one, claim = drawing()
    (first,) = check_claims([claim], tmp_path)
    monkeypatch.setattr("lazyscope.claims.run._run.code_digest", lambda: "other")
    (again,) = check_claims([claim], tmp_path)
    check_claims([claim], tmp_path, fresh=True)
    assert one.calls == [("full", first["seed"])] * 3
    assert again["seed"] == first["seed"]
    assert read_records(tmp_path, "full")["drawn"]["seed"] == first["seed"]


def test_another_folder_is_another_draw_and_a_seed_repeats_one(tmp_path):
    _, claim = drawing()
    folders = [tmp_path / name for name in "abc"]
    for folder in folders:
        folder.mkdir()
    (first,) = check_claims([claim], folders[0])
    (second,) = check_claims([claim], folders[1])
    (third,) = check_claims([claim], folders[2], seed=first["seed"])
    assert first["seed"] != second["seed"]
    assert third["seed"] == first["seed"]


def test_another_seed_is_run_again_and_the_same_is_not(tmp_path):
    one, claim = drawing()
    for seed in (5, 5, 6, None):
        check_claims([claim], tmp_path, seed=seed)
    assert one.calls == [("full", 5), ("full", 6)]


def test_claims_that_draw_nothing_have_no_seed(tmp_path):
    one = Counted("one")
    for seed in (None, 5):
        (record,) = check_claims([one.claim], tmp_path, seed=seed)
        assert record["seed"] is None
    assert len(one.calls) == 1


def test_other_data_reaches_only_claims_that_can_use_it(tmp_path):
    fixed, free = Counted("fixed"), Counted("free")
    either = Counted("either")
    claim = Claim("either", "a paper", "it holds", either.check, check_on=either.check)
    check_claims([fixed.claim, free.claim, claim], tmp_path, data="digits")
    assert fixed.calls == free.calls == [("full", None)]
    assert either.calls == [("full", "digits")]


@pytest.mark.parametrize(
    ("verdict", "expected", "key"),
    [
        ("agrees", "agrees", "agree"),
        ("disagrees", "disagrees", "expected"),
        ("outside", "outside", "expected"),
        ("undecided", "undecided", "expected"),
        ("undecided", "agrees", "undecided"),
        ("undecided", "disagrees", "undecided"),
        ("disagrees", "agrees", "unexpected"),
        ("agrees", "disagrees", "unexpected"),
        ("outside", "agrees", "unexpected"),
        ("agrees", "outside", "unexpected"),
    ],
)
def test_every_row_is_counted_once_for_what_it_means(tmp_path, verdict, expected, key):
    records = check_claims([Counted("one", finding("row", verdict, expected)).claim], tmp_path)
    found = counts(records)
    assert {name for name, number in found.items() if number} == {"rows", "counted", key}
    assert is_sound(records) == (key != "unexpected")


def test_a_validation_names_what_is_missing_in_the_order_of_the_table(tmp_path):
    claims = [Counted(name).claim for name in ("c", "a", "b")]
    check_claims(claims[::2], tmp_path)
    found = validation(claims, read_records(tmp_path, "full"), effort="full")
    assert [record["name"] for record in found["claims"]] == ["c", "b"]
    assert found["missing"] == ["a"]
    assert found["summary"]["rows"] == 2
    assert len(found["codes"]) == 1


def test_rows_without_names_of_their_own_are_an_error(tmp_path):
    doubled = Counted("doubled", finding("row"), finding("row"))
    empty = Counted("empty")
    empty.rows = ()
    for record in check_claims([doubled.claim, empty.claim], tmp_path):
        assert "rows with names of their own" in record["error"]


def test_two_claims_of_one_name_are_refused(tmp_path):
    with pytest.raises(InputError, match="Every claim needs a name of its own"):
        check_claims([Counted("one").claim, Counted("one").claim], tmp_path)


def test_an_unknown_claim_is_refused_with_the_nearest_name():
    claims = [Counted("two-layer").claim, Counted("controls").claim]
    assert select_claims(claims, []) == tuple(claims)
    long = replace(claims[0], name="long", by_name=True)
    assert select_claims([*claims, long], []) == tuple(claims)
    assert select_claims([*claims, long], ["long"]) == (long,)
    assert select_claims(claims, ["controls"]) == (claims[1],)
    with pytest.raises(InputError, match="use 'two-layer'"):
        select_claims(claims, ["two-layers"])


def test_an_effort_that_does_not_exist_is_refused(tmp_path):
    with pytest.raises(InputError, match="Effort must be one of full, quick"):
        check_claims([], tmp_path, effort="lazy")


def test_a_folder_that_is_gone_is_refused(tmp_path):
    with pytest.raises(InputError, match="The rows of a claim need a folder that can be written"):
        check_claims([Counted("one").claim], tmp_path / "gone")


def test_a_folder_with_an_impossible_name_is_refused():
    with pytest.raises(InputError, match="a shorter path"):
        read_records("x" * 5000, "quick")


# --- against what was expected first


POWER = {"agrees": 0.9, "disagrees": 0.95}


@pytest.fixture
def registered(monkeypatch):
    """Put entries of the row ``row`` of any claim into the register."""

    def use(*sets):
        first = {
            "prediction": 1.0,
            "expected": "agrees",
            "rule": Rule.number().as_json(),
            "design": {},
        }
        entries = [
            Entry("row", f"2026-11-0{i + 1}", new, "why") for i, new in enumerate((first, *sets))
        ]
        known = {"row": Standing("one", "row", tuple(entries))}
        monkeypatch.setattr(
            "lazyscope.claims.register._standing.standings",
            lambda claim: known if claim == "one" else {},
        )

    return use


def test_a_row_that_was_turned_to_disagree_still_counts_against_its_first_expectation(
    tmp_path, registered
):
    registered({"power": POWER}, {"expected": "disagrees"})
    records = check_claims(
        [Counted("one", finding("row", "disagrees", "disagrees")).claim], tmp_path
    )
    found = counts(records)
    assert (found["unexpected"], found["expected"], found["changed"]) == (1, 0, 1)
    assert not is_sound(records)
    row = validation([Counted("one").claim], {"one": records[0]}, effort="full")["claims"][0][
        "findings"
    ][0]
    assert (row["expected_first"], row["expected_now"], row["as_expected"]) == (
        "agrees",
        "disagrees",
        False,
    )
    assert row["changes"] == [
        {"date": "2026-11-03", "commit": "", "set": {"expected": "disagrees"}, "reason": "why"}
    ]


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"power": {"agrees": 0.5, "disagrees": 1.0}}, "exploratory: power 0.50 to agree"),
        ({"power": POWER, "counted": False}, "cannot fail, or hardly: why"),
        ({}, "exploratory: nothing is known"),
    ],
)
def test_rows_without_power_and_rows_that_cannot_fail_are_shown_and_count_nowhere(
    tmp_path, registered, entry, words
):
    registered(entry)
    for verdict in ("agrees", "disagrees"):
        records = check_claims(
            [Counted("one", finding("row", verdict)).claim], tmp_path, fresh=True
        )
        found = counts(records)
        assert {name for name, number in found.items() if number} == {"rows"}
        assert is_sound(records)
        row = validation([Counted("one").claim], {"one": records[0]}, effort="full")["claims"][0]
        assert row["findings"][0]["uncounted"].startswith(words)
        assert row["findings"][0]["verdict"] == verdict


def test_a_loosened_rule_counts_as_the_first_one(tmp_path, registered):
    registered({"power": POWER}, {"rule": {"resolution": 0.25}})
    row = Finding("row", "x = 1", 1.0, Estimate(1.0, 0.8, 1.2), "agrees", "one run")
    found = counts(check_claims([Counted("one", row).claim], tmp_path))
    assert (found["agree"], found["undecided"]) == (0, 1)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (finding("other"), "are not those declared"),
        (finding("row", "disagrees", "disagrees"), "is not declared as it was judged"),
        (
            Finding("row", "x = 2", 2.0, None, "agrees", "no run"),
            "declares 1.0 and was judged by 2.0",
        ),
    ],
)
def test_a_row_that_is_judged_by_something_else_than_it_declares_is_an_error(tmp_path, row, words):
    declared = (Row("row", 1.0, Rule.number(), {"seeds": 4}),)
    claim = Claim("one", "a paper", "it holds", lambda effort: (row,), rows=declared)
    record = check_claims([claim], tmp_path)[0]
    assert words in record["error"]
