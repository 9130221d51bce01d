"""What do many runs together say: exponents, rates, thresholds, with intervals?"""
