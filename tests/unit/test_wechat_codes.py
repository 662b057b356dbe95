import pytest

from wxapi.platform.wechat import codes
from wxapi.platform.wechat.codes import ErrorClass, classify

# Section 9 of the developer reference, code by code.
EXPECTED = {
    ErrorClass.OK: [0],
    ErrorClass.TOKEN: [40001, 40014, 42001],
    ErrorClass.BUSY: [-1],
    ErrorClass.MINUTE: [45011],
    ErrorClass.DAY: [45009],
    ErrorClass.CONFIG: [40002, 40013, 40125, 40164, 40243, 41002, 41004, 61004],
    ErrorClass.RIGHTS: [48001, 48004, 50002, 43107],
    ErrorClass.CODE: [40029, 40163],
    ErrorClass.USER: [40003, 43104, 61010, 40226, 43101],
    ErrorClass.CONTENT: [87014],
    ErrorClass.BUG: [41001, 40066, 40129, 40169, 43002, 43302, 44002, 47001, 47003, 40037, 41030],
    ErrorClass.UNKNOWN: [12345, -2],
}


@pytest.mark.parametrize(("wanted", "code"), [(kind, code) for kind, some in EXPECTED.items() for code in some])
def test_each_code_has_its_class(wanted: ErrorClass, code: int) -> None:
    assert classify("/wxa/any", code) is wanted


def test_no_code_is_in_two_classes() -> None:
    all_codes = [code for some in codes._CODES.values() for code in some]
    assert len(all_codes) == len(set(all_codes))


def test_two_codes_mean_something_else_on_one_path() -> None:
    assert classify(codes.TOKEN_PATH, 40001) is ErrorClass.CONFIG
    assert classify(codes.QR_PATH, 45009) is ErrorClass.MINUTE


def test_what_opens_a_circuit_also_alerts() -> None:
    assert codes.OPENS_CIRCUIT < codes.ALERTS
