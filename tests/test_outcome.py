"""Does every outcome say what happened?"""

import pytest

from lazyscope._outcome import Outcome, RunError


def test_only_convergence_is_what_was_asked_for():
    assert [outcome for outcome in Outcome if outcome.ok] == [Outcome.CONVERGED]


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_has_a_sentence_and_a_label(outcome):
    assert outcome.sentence.endswith(".")
    assert outcome.label == outcome.label.lower()
    assert "_" not in outcome.label


def test_labels_and_codes_are_the_ones_that_stored_results_use():
    labels = ["running", "converged", "out-of-steps", "diverged", "stalled"]
    assert [Outcome(code).label for code in range(5)] == labels


def test_an_error_carries_its_outcome_and_its_sentence():
    with pytest.raises(RunError, match="loss grew beyond all bounds") as caught:
        raise RunError(Outcome.DIVERGED)
    assert caught.value.outcome is Outcome.DIVERGED
