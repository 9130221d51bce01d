"""How far do layers and kernels move, as powers of the width and at one width?"""
