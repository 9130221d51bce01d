"""What do eigenvalues and functions of a kernel look like from its products with a few vectors?"""
