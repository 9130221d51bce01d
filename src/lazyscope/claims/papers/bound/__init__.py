"""Does the loss fall at the rate of the theorem, factor by factor?"""
