"""Which claims can be checked, in the order of the table?"""

from lazyscope.claims._finding import Claim

CLAIMS: tuple[Claim, ...] = ()
"""Every claim of the table; each file of this room adds the one it answers."""
