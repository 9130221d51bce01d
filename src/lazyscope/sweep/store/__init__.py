"""How are the runs of a sweep kept on disk?"""
