"""How does one run go: through which program, from its settings to its record?"""
