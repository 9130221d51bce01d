"""How does a study of scaled outputs look?"""
