"""Does the loss fall at the rate that the theorem guarantees?"""

from lazyscope.study.theorem._bound import mean_ratio as mean_ratio
