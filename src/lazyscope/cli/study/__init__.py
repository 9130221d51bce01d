"""Which commands run studies?"""
