"""The product's front before another app.

What is served behind it has its bodies read before a thread is taken, as ours has; without it a few connections that
send nothing stop everybody, and a request costs a hand-over less.
"""

from flask import Flask

from wxapi.platform.front import Front, Treatment


def front_of(app: Flask) -> Front:
    """The same hand-over for every request; bodies of up to a mebibyte."""
    received = Treatment(longest=1 << 20), None
    return Front(app, lambda _method, _path: received)
