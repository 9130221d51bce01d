"""How are claims run, kept and summed up?"""
