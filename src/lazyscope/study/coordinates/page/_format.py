"""Which form has the result that a page of this study reads?"""

FORMAT = "lazyscope-coordinate-check-1"
