"""Which commands answer one question?"""
