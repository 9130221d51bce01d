"""Does kappa alone decide how far the layers move?"""
