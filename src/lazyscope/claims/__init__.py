"""Does the theory hold? Every claim with its prediction, measurement, interval and verdict."""

from lazyscope._deprecated import moved
from lazyscope.claims._catalogue import CLAIMS
from lazyscope.claims._finding import Claim, Effort, Finding, Section, Verdict
from lazyscope.claims._row import Row
from lazyscope.claims._rule import Rule
from lazyscope.claims._verdict import (
    SLOPE_ACCURACY,
    all_of,
    share_estimate,
    under_assumptions,
)
from lazyscope.claims.register._standing import expectations
from lazyscope.claims.run._record import RunSettings, read_records
from lazyscope.claims.run._run import check_claim, check_claims, select_claims
from lazyscope.claims.run._summary import counts, is_sound, validation

__all__ = [
    "CLAIMS",
    "SLOPE_ACCURACY",
    "Claim",
    "Effort",
    "Finding",
    "Row",
    "Rule",
    "RunSettings",
    "Section",
    "Verdict",
    "all_of",
    "check_claim",
    "check_claims",
    "counts",
    "expectations",
    "is_sound",
    "read_records",
    "select_claims",
    "share_estimate",
    "under_assumptions",
    "validation",
]

_INSTEAD = {
    "number_verdict": "lazyscope.measure.Estimate.agreement",
    "at_most": "lazyscope.measure.Estimate.at_most",
    "at_least": "lazyscope.measure.Estimate.at_least",
    "between": "lazyscope.measure.Estimate.between",
    "share_interval": "lazyscope.claims.share_estimate",
}
__getattr__ = moved(__name__, {name: f"{__name__}._earlier.{name}" for name in _INSTEAD}, _INSTEAD)
