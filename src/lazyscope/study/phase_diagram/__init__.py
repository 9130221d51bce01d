"""Which power of the width does every cell of a plane of schemes follow?"""
