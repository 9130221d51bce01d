"""How does a phase diagram look, of exponents or of condensation?"""
