"""How did a run end?

The fate of a computation is a value, not an exception: a run that diverges is a result. Inside
compiled programs an outcome is its integer code; outside it is an `Outcome` with a sentence.
"""

from enum import IntEnum

from lazyscope._portable import PortableError

INTERRUPTED = 130
"""Exit code of a process that an interruption ends."""


class Outcome(IntEnum):
    """How a run ended. ``outcome.sentence`` says it in words; ``outcome.label`` is its short name.

    Example:
        >>> Outcome(1).label, Outcome.DIVERGED.ok
        ('converged', False)
    """

    RUNNING = 0
    CONVERGED = 1
    OUT_OF_STEPS = 2
    DIVERGED = 3
    STALLED = 4

    def __str__(self) -> str:
        return self.label

    def __format__(self, format_spec: str) -> str:
        return format(self.label, format_spec)

    @property
    def label(self) -> str:
        """Short name, as used in stored results and JSON."""
        return self.name.lower().replace("_", "-")

    @property
    def ok(self) -> bool:
        """Whether the run reached what was asked of it."""
        return self is Outcome.CONVERGED

    @property
    def sentence(self) -> str:
        """What happened, and what one can do about it."""
        return _SENTENCES[self]


class RunError(PortableError, RuntimeError):
    """A run that did not converge, raised only where the caller asked for it."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome
        super().__init__(outcome.sentence)


_SENTENCES = {
    Outcome.RUNNING: "The run has not ended.",
    Outcome.CONVERGED: "The loss reached the asked level.",
    Outcome.OUT_OF_STEPS: (
        "The steps ran out before the loss reached the asked level; "
        "allow more steps or ask for less."
    ),
    Outcome.DIVERGED: (
        "The loss grew beyond all bounds (a hundred million times its start, or no longer finite); "
        "the step is too large for this network, or the initial scale overflows."
    ),
    Outcome.STALLED: (
        "The loss cannot fall further: the gradient vanished, the step became too small to "
        "represent, or the residual lies where the tangent kernel is zero (duplicate inputs with "
        "different targets, dead units)."
    ),
}
