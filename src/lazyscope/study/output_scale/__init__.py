"""Does the crossover of scaled outputs depend on kappa alone?"""
