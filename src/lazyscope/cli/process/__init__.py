"""How does a command begin and end as a process: streams, signals, refusals?"""
