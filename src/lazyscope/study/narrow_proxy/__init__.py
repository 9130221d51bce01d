"""What will a wide network do, as narrow ones of the same build say?"""
