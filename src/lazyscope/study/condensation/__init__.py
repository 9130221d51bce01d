"""Where in a plane of schemes do the input weights condense?"""
