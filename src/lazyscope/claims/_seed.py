"""From which seed does a claim draw what it runs, where nobody gave one?"""

import secrets

_SEEDS = 10**6


def new_seed() -> int:
    """One that nobody chose, of few digits, to be typed."""
    return secrets.randbelow(_SEEDS)
