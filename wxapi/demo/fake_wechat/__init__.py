"""A WeChat for development and tests: the real endpoints' behaviour on this machine, without the real WeChat.

Strict where the real one is, so that a wrong client fails here: one-use codes, tokens that die, grants that run out,
template fields with types. `control.py` is the side for people and tests. All state is in memory.
"""
