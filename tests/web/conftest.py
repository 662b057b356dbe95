import pytest
from flask import Flask

from tests.web.browsing import Browser


@pytest.fixture
def browser(app: Flask) -> Browser:
    """A browser that nobody has signed in at."""
    return Browser(app)
