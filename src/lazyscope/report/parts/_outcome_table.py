"""How did the runs of a result end, as a table of a page?"""

from collections.abc import Mapping

from lazyscope._outcome import Outcome
from lazyscope.report.parts._numbers import percent
from lazyscope.report.parts._page import Cell, Table

CONVERGED, ABSENT = "converged", "missing"


def outcome_table(outcomes: Mapping[str, int]) -> Table:
    """Runs by outcome, with what each outcome means."""
    sentences = {outcome.label: outcome.sentence for outcome in Outcome}
    sentences[ABSENT] = "The run is not in the store yet."
    total = sum(outcomes.values())
    made = total - outcomes.get(ABSENT, 0)
    return Table(
        anchor="outcomes",
        title="How the runs ended",
        caption=f"{made} of {total} runs are in the store; failed ones are kept.",
        header=["Outcome", "Runs", "Share", "What it means"],
        rows=[
            [
                Cell(name, "" if name == CONVERGED else "bad"),
                str(count),
                percent(count / total, 1),
                sentences.get(name, ""),
            ]
            for name, count in outcomes.items()
        ],
        numeric=False,
    )
