"""With which exit code does a command end that answers a question?"""

SUPPORTED, CONTRADICTED, BAD_INPUT, UNDECIDED = 0, 1, 2, 3

WORDS = (
    "Exit code: 0 supported, 1 contradicted or runs missing, 2 bad input (nothing was run), 3 undecided or "
    "outside the assumptions."
)
"""The one table, for studies, `check` and `validate`; ``docs/command-line.md`` says more."""


def exit_code(answer: str, *, complete: bool = True) -> int:
    """The code of an answer; runs that are missing weigh more than what the others say.

    Example:
        >>> exit_code("supported"), exit_code("outside"), exit_code("supported", complete=False)
        (0, 3, 1)
    """
    if not complete:
        return CONTRADICTED
    return {"supported": SUPPORTED, "contradicted": CONTRADICTED}.get(answer, UNDECIDED)
