"""What is a sweep: axes, cells, cost, units of work?"""
