"""Does the theory hold? Every claim with its prediction, measurement, interval and verdict."""

from lazyscope.claims._catalogue import CLAIMS
from lazyscope.claims._finding import Claim, Effort, Finding, Section, Verdict
from lazyscope.claims._verdict import (
    SLOPE_ACCURACY,
    all_of,
    share_estimate,
    under_assumptions,
)
from lazyscope.claims.run._record import RunSettings, read_records
from lazyscope.claims.run._run import check_claim, check_claims, select_claims
from lazyscope.claims.run._summary import counts, is_sound, validation

__all__ = [
    "CLAIMS",
    "SLOPE_ACCURACY",
    "Claim",
    "Effort",
    "Finding",
    "RunSettings",
    "Section",
    "Verdict",
    "all_of",
    "check_claim",
    "check_claims",
    "counts",
    "is_sound",
    "read_records",
    "select_claims",
    "share_estimate",
    "under_assumptions",
    "validation",
]
