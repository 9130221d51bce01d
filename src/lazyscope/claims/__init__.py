"""Does the theory hold? Every claim with its prediction, measurement, interval and verdict."""

from lazyscope.claims._catalogue import CLAIMS
from lazyscope.claims._finding import Claim, Effort, Finding, Verdict

__all__ = ["CLAIMS", "Claim", "Effort", "Finding", "Verdict"]
