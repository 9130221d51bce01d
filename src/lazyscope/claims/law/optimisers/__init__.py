"""Does what was derived for other optimisers than gradient descent hold?"""
