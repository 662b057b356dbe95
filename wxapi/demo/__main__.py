"""`python -m wxapi.demo`, or `make run`: the whole system with the demo city on this machine."""

import sys
from os import environ

from wxapi.demo import operator
from wxapi.demo.errors import DemoError
from wxapi.demo.interrupts import StopRequested
from wxapi.demo.runner import run
from wxapi.demo.settings import DemoSettings

_HELP = """\
python -m wxapi.demo            (or: make run)
python -m wxapi.demo flask …    an operator's command on the demo that runs, such as `flask doctor`: docs/operations.md

The whole system on this machine: PostgreSQL, Valkey, a fake WeChat, the API, the workers and a demo city.
Ctrl-C ends everything it started; the next start finds the data again.

Settings (environment):
  WXAPI_PORT              the API's port                          8000
  WXAPI_FAKE_WECHAT_PORT  the fake WeChat's port                  8001
  WXAPI_FAKE_WECHAT_HOST  its address; another one lets everybody who reaches it log in as anybody  127.0.0.1
  WXAPI_FAKE_WECHAT_ANY_CODE  on: it takes codes it has not made, such as DevTools'; an openid: all of them
                          log in as that person                   off
  WECHAT_APPID, WECHAT_SECRET  a WeChat account of your own, such as a test account, instead of the fake
  WXAPI_HOST              the API's address                       127.0.0.1
  WXAPI_DATA_DIR          where data, keys and logs lie           ./var
  WXAPI_DEMO_LIFE         off: an empty city, without its 60 days of reports and its class   on
  WXAPI_WORKERS           worker processes for each queue         1
  DATABASE_URL            use this PostgreSQL (15 or newer) instead of the embedded one
  REDIS_URL               use this Redis (6.2 or newer) or Valkey instead of the embedded one
  STORAGE_URL             keep files there (file:///folder, s3://bucket/prefix) instead of the data folder
All settings of the product work as well: docs/operations.md"""


def main() -> int:
    """Run; returns the exit code."""
    arguments = sys.argv[1:]
    if arguments and arguments[0] != "flask":
        print(_HELP)
        return 0 if arguments in (["--help"], ["-h"]) else 2
    try:
        settings = DemoSettings.from_env(environ)
        if arguments:
            operator.flask(settings.folder, arguments[1:])
        run(settings)
    except StopRequested:
        print("Stopped.")
        return 0
    except KeyboardInterrupt:
        return 130
    except DemoError as error:
        print(f"Cannot run {'the command' if arguments else 'the demo'}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
