"""Does the crossover of scaled outputs depend on kappa alone?"""

from lazyscope.study.output_scale._collapse import spread as spread
