"""What do kinks do to the kernel of a lazy network by themselves?"""
