"""The API for its server (`granian --interface rsgi wsgi:front`) and for `flask --app wsgi …`."""

import gc
import os
import sys

from config import Config, ConfigError
from wxapi.app import create_app, make_front
from wxapi.platform import keys

# The folder may be a link, which leads to the next release before this process ends: what is imported late is of the
# release that it began with.
sys.path[:] = [os.path.realpath(folder) for folder in sys.path]

try:
    config = Config.from_env(os.environ)
    app = create_app(config)
    # Operator commands run without: some of them mend it.
    if "FLASK_RUN_FROM_CLI" not in os.environ:
        keys.refuse_missing(config)
except ConfigError as error:
    sys.exit(f"Cannot start: {error}")
front = make_front(app)

# What was made until here lives as long as the process: looking through it for garbage again and again takes a tenth
# of a small request.
gc.collect()
gc.freeze()
gc.set_threshold(50_000, 20, 50)
