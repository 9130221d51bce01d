"""How are the runs of a sweep made, here or on a cluster?"""
