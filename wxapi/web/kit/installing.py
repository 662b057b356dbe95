"""Putting the pages into an app."""

from flask import Flask

from wxapi.web.kit import access, assets, forms, kept, problems, render, words
from wxapi.web.kit.blueprint import Pages
from wxapi.web.kit.photos import kit


def install(app: Flask, rooms: tuple[Pages, ...]) -> None:
    """Add the rooms and what stands around them. Call after the guard's hook, so that forms know the person."""
    access.install(app)
    words.install(app)
    render.install(app)
    problems.install(app)
    kept.install(app)
    forms.install(app)
    assets.install(app, (kit, *rooms))
    app.register_blueprint(kit)
    for room in rooms:
        app.register_blueprint(room)
