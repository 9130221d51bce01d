"""Which form has the result that a page of this study reads?"""

FORMAT = 1
