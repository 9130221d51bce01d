"""What do the papers of the field claim, row by row?"""
