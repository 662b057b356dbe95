"""The room at the door."""

from wxapi.web.kit.blueprint import Pages

room = Pages("login", __name__)
