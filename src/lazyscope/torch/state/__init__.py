"""How is a module asked without leaving a trace in it?"""
