"""On which directions, and when, do small input weights gather beyond two layers and beyond tanh?"""
