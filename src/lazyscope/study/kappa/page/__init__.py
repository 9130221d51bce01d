"""How does a study of kappa look?"""
