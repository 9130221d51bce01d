"""How does a study of the theorem look?"""
