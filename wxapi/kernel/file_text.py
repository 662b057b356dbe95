"""Texts of files: of one that somebody hands in, in an encoding that spreadsheets save here, and of one they get."""

import codecs
import re

# What a file in UTF-16 begins with; Excel's “Unicode text” is one, with tabs between its cells.
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_HAN = re.compile("[\u4e00-\u9fff]")
_BROKEN = "\ufffd"
# A spreadsheet takes a text that begins so for a formula (OWASP, CVE-2021-41270), also after it was saved as CSV. The
# wide ones are a Chinese keyboard's: Excel reads them so in East Asia, and Numbers whatever NFKC makes a narrow one.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", *"＝＋－＠﹦﹢﹣﹫⁼⁺₌₊⩵⩶﬩")


class EncodingError(ValueError):
    """The bytes are no text; `sentence` says why, in Chinese, and `line` where, 0 for all of it."""

    def __init__(self, sentence: str, line: int = 0) -> None:
        super().__init__(sentence)
        self.sentence, self.line = sentence, line


def decoded(data: bytes) -> str:
    """The text of a file in UTF-8, with a byte order mark or without, or in GB 18030, of which GBK is a part.

    Raises:
        EncodingError: it is neither.
    """
    if data.startswith(_UTF_16):
        raise EncodingError("是 UTF-16 编码，请另存为“CSV UTF-8”。")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if _meant_as_utf8(data):
            # Read as GB 18030 it would be names that nobody has.
            line = data.count(b"\n", 0, error.start) + 1
            raise EncodingError(f"第 {line} 行有损坏的 UTF-8 字符。", line) from error
    try:
        return data.decode("gb18030")
    except UnicodeDecodeError as error:
        raise EncodingError("既不是 UTF-8 编码，也不是 GB 18030（GBK）编码。") from error


def no_formula(text: str) -> str:
    """The text of a cell that no spreadsheet runs: with an apostrophe before what looks like a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _meant_as_utf8(data: bytes) -> bool:
    """Whether more of it is Chinese in UTF-8 than is not: of a text in GBK hardly a character is."""
    text = data.decode("utf-8", errors="replace")
    return data.startswith(codecs.BOM_UTF8) or len(_HAN.findall(text)) > text.count(_BROKEN)
