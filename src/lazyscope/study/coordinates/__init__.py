"""How do the layers of a user's network depend on its width?"""
