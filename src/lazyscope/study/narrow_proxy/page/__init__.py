"""How does the prediction of a wide network look?"""
