"""The API for a WSGI server (`granian --interface wsgi wsgi:app`) and for `flask --app wsgi …`."""

import os
import sys

from config import Config, ConfigError
from wxapi.app import create_app

try:
    app = create_app(Config.from_env(os.environ))
except ConfigError as error:
    sys.exit(f"Cannot start: {error}")
