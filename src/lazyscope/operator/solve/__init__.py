"""How is a linear system with a kernel solved that is only multiplied with?"""
