"""Which form has the result that a page of this study reads?"""

FORMAT = "lazyscope-coordinate-check-1"
TRAINED_FORMAT = "lazyscope-training-check-1"
