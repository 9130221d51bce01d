"""How do the layers of a user's network depend on its width when it is trained as the user trains it?"""
