"""How does a phase diagram look?"""
