"""How does the table of all claims look?"""
