"""How do networks of one library or another answer what is asked of them?"""
