"""Does the loss fall at the rate that the theorem guarantees?"""
