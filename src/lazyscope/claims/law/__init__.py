"""Where does the displacement law hold, and what is beyond its assumptions?"""
