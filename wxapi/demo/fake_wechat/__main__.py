"""`python -m wxapi.demo.fake_wechat`: prints `ready http://127.0.0.1:PORT`; ends on SIGTERM or Ctrl-C."""

import signal
import sys
from typing import NoReturn

import click

from wxapi.demo.fake_wechat.server import FakeServer
from wxapi.demo.fake_wechat.world import PushTarget, World
from wxapi.platform.wechat.push_crypto import PushKeys


@click.command(help="A fake WeChat on this machine, for development and tests. `GET /_fake` lists its control side.")
@click.option("--port", default=8001, show_default=True, type=click.IntRange(0, 65535), help="0 takes any free port.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Another lets phones of this network log in.")
@click.option("--appid", default="wx0123456789abcdef", show_default=True, envvar="WECHAT_APPID")
@click.option("--secret", default="fake-secret", envvar="WECHAT_SECRET", help="Keys are better given by environment.")
@click.option("--push-url", default="", help="Where events are pushed, e.g. http://127.0.0.1:8000/api/v1/wechat/push")
@click.option("--push-token", default="", envvar="WECHAT_PUSH_TOKEN", help="The Token of the push settings.")
@click.option(
    "--push-aes-key", default="", envvar="WECHAT_PUSH_AES_KEY", help="The EncodingAESKey of the push settings."
)
@click.option(
    "--any-code",
    default="off",
    show_default=True,
    envvar="WXAPI_FAKE_WECHAT_ANY_CODE",
    help="on: a code this fake has not made logs in as somebody named after it, `dev:reporter-1` as reporter-1. "
    "An openid: every such code logs in as that person, as DevTools need it, whose codes change.",
)
@click.option("--clock-offset", type=float, envvar="WXAPI_CLOCK_OFFSET_S", help="Seconds the product begins ahead.")
def main(  # noqa: PLR0913, PLR0917 - one argument an option
    host: str,
    port: int,
    appid: str,
    secret: str,
    push_url: str,
    push_token: str,
    push_aes_key: str,
    any_code: str,
    clock_offset: float | None,
) -> None:
    """Serve until told to stop."""
    world = World(appid, secret, any_code="" if any_code == "off" else any_code)
    if clock_offset is not None:
        world.clock_offset = world.shift = clock_offset
    if push_url:
        world.push_target = PushTarget(push_url, _keys(push_token, push_aes_key, appid))
    try:
        server = FakeServer(world, port, host)
    except OSError as error:
        raise click.ClickException(f"port {port} cannot be used ({error.strerror}); try --port 0") from error
    signal.signal(signal.SIGTERM, _stop)
    sys.stdout.write(f"ready {server.url}\n")
    sys.stdout.flush()
    try:
        server.serve_forever(poll_interval=0.1)
    except KeyboardInterrupt:
        server.server_close()


def _keys(token: str, aes_key: str, appid: str) -> PushKeys:
    try:
        return PushKeys.from_settings(token, aes_key, appid)
    except ValueError as error:
        raise click.ClickException(str(error)) from error


def _stop(_signal: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
