"""How does a coordinate check look?"""
