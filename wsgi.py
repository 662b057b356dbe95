"""The API for its server (`granian --interface rsgi wsgi:front`) and for `flask --app wsgi …`."""

import gc
import os
import sys

from config import Config, ConfigError
from wxapi.app import create_app, make_front

try:
    app = create_app(Config.from_env(os.environ))
except ConfigError as error:
    sys.exit(f"Cannot start: {error}")
front = make_front(app)

# What was made until here lives as long as the process: looking through it for garbage again and again takes a tenth
# of a small request.
gc.collect()
gc.freeze()
gc.set_threshold(50_000, 20, 50)
