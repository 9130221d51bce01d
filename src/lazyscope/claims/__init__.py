"""Does the theory hold? Every claim with its prediction, measurement, interval and verdict."""

from lazyscope.claims._catalogue import CLAIMS
from lazyscope.claims._finding import Claim, Effort, Finding, Section, Verdict
from lazyscope.claims._verdict import (
    SLOPE_ACCURACY,
    all_of,
    at_least,
    at_most,
    between,
    number_verdict,
    share_interval,
    under_assumptions,
)

__all__ = [
    "CLAIMS",
    "SLOPE_ACCURACY",
    "Claim",
    "Effort",
    "Finding",
    "Section",
    "Verdict",
    "all_of",
    "at_least",
    "at_most",
    "between",
    "number_verdict",
    "share_interval",
    "under_assumptions",
]
