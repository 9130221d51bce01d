"""What changes with the number of layers of a residual network?"""
