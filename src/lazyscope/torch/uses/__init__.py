"""What does a forward pass of a module do with its parameters?"""
