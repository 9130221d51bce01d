"""Which claims have to fail?"""
