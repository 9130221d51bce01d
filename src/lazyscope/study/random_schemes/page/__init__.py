"""How does a study of random schemes look?"""
