"""The product; `app.py` puts its features together."""

import gc

# Every process begins by making some 200,000 objects that stay. By Python's own bound of 700 new ones its collector
# looks through them again and again meanwhile, which takes a sixth of the processor time of a start.
gc.set_threshold(50_000)
