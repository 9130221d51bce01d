"""Which networks are drawn at a width from a scheme?"""
