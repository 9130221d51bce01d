"""How does a study of condensation look?"""
