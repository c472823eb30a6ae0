"""Guess in what encoding a file is written, from its bytes."""

from __future__ import annotations

import codecs
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

UTF8 = "utf-8"
ENCODINGS = (
    UTF8,
    "utf-8-sig",
    "utf-16",
    "utf-16-le",
    "utf-16-be",
    "gb18030",
    "cp950",
    "cp932",
    "euc_jp",
    "cp949",
    "latin-1",
    "cp1252",
    "cp1250",
    "iso8859-2",
    "cp1251",
    "koi8-r",
    "cp866",
    "cp1253",
    "cp1254",
    "iso8859-15",
)
ENCODING_LABELS = {
    "gb18030": "GB18030 (Chinese)",
    "cp950": "Big5 (Chinese)",
    "cp932": "Shift-JIS (Japanese)",
    "euc_jp": "EUC-JP (Japanese)",
    "cp949": "EUC-KR (Korean)",
    "cp1250": "cp1250 (Central Europe)",
    "iso8859-2": "iso8859-2 (Central Europe)",
    "cp1251": "cp1251 (Cyrillic)",
    "koi8-r": "KOI8-R (Cyrillic)",
    "cp866": "cp866 (Cyrillic)",
    "cp1253": "cp1253 (Greek)",
    "cp1254": "cp1254 (Turkish)",
}
_WEIGHED = 8_000  # bytes of lines with more than ASCII
_LEAST_AHEAD = 3.0  # log-likelihood; a guess that leads by less is a doubt
_ODD = -10.0  # log-likelihood per character beyond ASCII below which a text is hardly one
_SAMPLE = 1 << 20  # bytes looked at
_MOST = 256 << 20  # bytes of nothing but ASCII after which the rest is taken for UTF-8
_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_PRINTED_IN_CP1252 = re.compile(rb"[\x80-\x9f]")


@dataclass(frozen=True)
class EncodingGuess:
    """An encoding, and what a piece of the text would be in others that are hardly less likely."""

    encoding: str
    sample: str = ""  # a piece in this encoding; "" where there is no doubt
    others: tuple[tuple[str, str], ...] = ()  # encoding, the same piece in it

    @property
    def doubtful(self) -> bool:
        """Whether a person must look."""
        return bool(self.sample)


def guess_encoding(path: Path) -> EncodingGuess:
    """A guess from the first megabyte in which there is anything but ASCII."""
    with path.open("rb") as file:
        sample = file.read(_SAMPLE)
        if _marked(sample) or b"\0" in sample[:4096]:
            return guess_from(sample)
        while sample.isascii() and file.tell() < _MOST and (more := file.read(_SAMPLE)):
            sample = more
    return guess_from(sample)


def guess_from(sample: bytes) -> EncodingGuess:
    """A guess from some bytes; they may end within a character."""
    if sure := _marked(sample) or _wide(sample) or (UTF8 if _decodes(sample, UTF8) else None):
        return EncodingGuess(sure)
    lines = [line for line in sample.splitlines(keepends=True) if not line.isascii()]
    if sum(_is_utf8(line) for line in lines) > len(lines) / 2:
        return EncodingGuess(UTF8)  # and the others are rejected, line by line
    taken: list[bytes] = []
    size = 0
    for line in lines:
        if size + len(line) > _WEIGHED and taken:
            break
        taken.append(line)
        size += len(line)
    return _likeliest(b"".join(taken)[: 2 * _WEIGHED])


def _likeliest(sample: bytes) -> EncodingGuess:
    readings = readings_of(sample)
    if not readings:
        return EncodingGuess("latin-1", _piece(sample.decode("latin-1")))
    best = readings[0]
    near = [other for other in readings[1:] if best.score - other.score < _LEAST_AHEAD]
    others = {other.text: other.encoding for other in reversed(near) if other.text != best.text}
    name = best.encoding
    if name == "cp1252" and not _PRINTED_IN_CP1252.search(sample):
        name = "latin-1"
    if not others and best.per_letter > _ODD:
        return EncodingGuess(name)
    at = _first_difference(best.text, *others)
    pieces = tuple((encoding, _piece(text, at)) for text, encoding in others.items())
    return EncodingGuess(name, _piece(best.text, at), pieces[::-1][:3])


def _first_difference(text: str, *others: str) -> int:
    places = zip(text, *others, strict=False)
    return next((at for at, letters in enumerate(places) if len(set(letters)) > 1), 0)


def _piece(text: str, at: int = 0) -> str:
    """The line around a place, at most some words of it."""
    start = max(text.rfind("\n", 0, at) + 1, at - 20)
    return text[start : start + 60].split("\n", 1)[0].strip() or "?"


def _marked(sample: bytes) -> str | None:
    return next((name for mark, name in _MARKS.items() if sample.startswith(mark)), None)


def _wide(sample: bytes) -> str | None:
    """UTF-16 without a mark has zeros in every other byte of commas, digits and line ends."""
    head = sample[:4096]
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if even + odd < max(2, len(head) / 300):
        return None
    return "utf-16-le" if odd > 20 * even else "utf-16-be" if even > 20 * odd else None


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode(UTF8)
    except UnicodeDecodeError:
        return False
    return True


def _decodes(sample: bytes, encoding: str) -> bool:
    """Whether the bytes are valid, apart from a character cut at either end."""
    for start in range(4):
        try:
            codecs.getincrementaldecoder(encoding)().decode(sample[start:])
        except UnicodeDecodeError:
            continue
        return True
    return False


# How well bytes read as text of each encoding: what letters are likely, and beside which.

_ASCII = math.log(1 / 40)  # of one letter of ASCII
_NEVER = math.log(1e-7)

_SIMPLIFIED = (
    "的一是不了在人有我他这中大来上个国到说们为子和你地出道也时年得就那要下以生会自着去之过家学对可"
    "她里后小么心多天而能好都然没日于起还发成事只作当想看文无开手十用主行方又如前所本见经头面公同三已"
    "老从动两长知民样现分将外但身些与高意进把法此实回二理美点月明其种声全工己话儿者向情部正名定女问力"
    "机给等几很业最间新什打便位因重被走电四第门相次东政海口使教西再平真听世气信北少关并内加化由却代军"
    "产入先山五太水万市眼体别处总才场师书比住员九笑性通目华报立马命张活难神数件安表原车白应路期叫死常"
    "提感金何更反合放做系计或司利受光王果亲界及今京务制解各任至清物台象记边共风战干接它许八特觉望直服"
    "毛林题建南度统色字请交爱让认算论百吃义科怎元社术结六功指思非流每青管夫连远资队跟带花快条院变联言"
    "权往展该领传近留红治决周保达办运武半候七必城父强步完革深区即求品士转量空甚众技轻程告江语英基派满"
    "商品评分户影歌手机包鞋衣笔张王李刘陈杨赵黄吴徐孙胡朱林何郭罗梁宋郑谢韩唐冯董萧程曹袁邓许傅沈曾"
)
_TRADITIONAL = (
    "的一是不了在人有我他這中大來上個國到說們為子和你地出道也時年得就那要下以生會自著去之過家學對可"
    "她裡後小麼心多天而能好都然沒日於起還發成事只作當想看文無開手十用主行方又如前所本見經頭面公同三已"
    "老從動兩長知民樣現分將外但身些與高意進把法此實回二理美點月明其種聲全工己話兒者向情部正名定女問力"
    "機給等幾很業最間新什打便位因重被走電四第門相次東政海口使教西再平真聽世氣信北少關並內加化由卻代軍"
    "產入先山五太水萬市眼體別處總才場師書比住員九笑性通目華報立馬命張活難神數件安表原車白應路期叫死常"
    "提感金何更反合放做系計或司利受光王果親界及今京務制解各任至清物台象記邊共風戰幹接它許八特覺望直服"
    "毛林題建南度統色字請交愛讓認算論百吃義科怎元社術結六功指思非流每青管夫連遠資隊跟帶花快條院變聯言"
    "商品評分戶影歌筆包鞋衣陳楊趙黃吳徐孫胡朱郭羅梁宋鄭謝韓唐馮董蕭曹袁鄧傅沈曾"
)
_KANJI = (
    "日一国人年大十二本中長出三時行見月後前生五間上東四今金九入学高円子外八六下来気小七山話女北午百書"
    "先名川千水半男西電校語土木聞食車何南万毎白天母火右読友左休父雨商品名価格評会員映画田鈴佐藤高橋伊"
    "渡辺村小林加吉物語的新場分自動社者地方家手目力心思作通言度私神理事部明代立同回全定発意体最現実不"
    "性世界化主題問道戦画用対開業夜猫犬星空海花風雪愛恋夢旅店客茶機鉄銀羅門都京顧歌音楽本文著"
)
_HANGUL = (
    "이다는의에가을고지하한은기로도사자나리인아시어대그있서해수스들정일부전제라보주게상장으소과구여면만모"
    "유비조동물공원성우마오세안거적연신니미안위요트드중국영화선생관계무진학교방음개물량재실용문경김박최"
    "강임윤송권황홍고객품목제목이름회원평점기생충올드보산행엄를부탁채식주의휴대폰케노북무"
)
_RUSSIAN = {  # letter -> how often in a hundred
    "о": 11,
    "е": 8.5,
    "а": 8,
    "и": 7.4,
    "н": 6.7,
    "т": 6.3,
    "с": 5.5,
    "р": 4.7,
    "в": 4.5,
    "л": 4.4,
    "к": 3.5,
    "м": 3.2,
    "д": 3,
    "п": 2.8,
    "у": 2.6,
    "я": 2,
    "ы": 1.9,
    "ь": 1.7,
    "г": 1.7,
    "з": 1.6,
    "б": 1.6,
    "ч": 1.4,
    "й": 1.2,
    "х": 1,
    "ж": 0.9,
    "ш": 0.7,
    "ю": 0.6,
    "ц": 0.5,
    "щ": 0.4,
    "э": 0.3,
    "ф": 0.3,
    "ъ": 0.04,
    "ё": 0.1,
}
_GREEK = {  # letter -> how often in a hundred
    "α": 10,
    "ο": 8,
    "ι": 8,
    "ε": 8,
    "τ": 7.5,
    "σ": 5,
    "ν": 6,
    "η": 5,
    "υ": 4,
    "ρ": 4,
    "π": 4,
    "κ": 4,
    "μ": 3.3,
    "λ": 3,
    "ω": 2,
    "ς": 4,
    "δ": 1.8,
    "γ": 1.7,
    "χ": 1.2,
    "θ": 1.2,
    "ά": 2,
    "ό": 2,
    "ί": 2,
    "έ": 1.5,
    "φ": 1,
    "ή": 1.2,
    "β": 0.7,
    "ξ": 0.5,
    "ζ": 0.4,
    "ύ": 1,
    "ώ": 0.7,
    "ψ": 0.2,
    "ϊ": 0.1,
    "ϋ": 0.1,
}
_WESTERN = {
    **dict.fromkeys("éèàüöäáíóñçêãåøôúßæ", 5.0),
    **dict.fromkeys("âîûõëïùìòœ", 1.5),
    **dict.fromkeys("’“”–—…€", 2.0),
    **dict.fromkeys("‘„«»°ÿðþý¿¡®™£·•§º", 0.3),
}
_CENTRAL = {
    **dict.fromkeys("áéíóěščřžýůúąćęłńśźżőűöü", 4.0),
    **dict.fromkeys("ďťňäôľĺŕăîâţşđ", 0.8),
    **dict.fromkeys("’“”–—„", 1.0),
}
_TURKISH = {
    **dict.fromkeys("ışğçöüi", 10.0),
    "İ": 5.0,
    **dict.fromkeys("âîû", 0.5),
    **dict.fromkeys("’“”–—", 1.0),
}
Likely = Callable[[str], float]  # a decoded text -> its log-likelihood


@dataclass(frozen=True)
class Reading:
    """The bytes as one encoding has them, and how likely that text is."""

    encoding: str
    text: str
    score: float  # log-likelihood; comparable between encodings of the same bytes

    @property
    def per_letter(self) -> float:
        """Mean log-likelihood of a letter beyond ASCII."""
        beyond = sum(not letter.isascii() for letter in self.text)
        return (self.score - _ASCII * (len(self.text) - beyond)) / max(1, beyond)


def readings_of(sample: bytes) -> list[Reading]:
    """The sample in every encoding that can hold it, the likeliest first; not in UTF-8 or 16.

    A character may be cut at its end.
    """
    found = []
    for encoding, likely in _LIKELY.items():
        try:
            text = codecs.getincrementaldecoder(encoding)().decode(sample)
        except UnicodeDecodeError:
            continue
        found.append(Reading(encoding, text, likely(text)))
    return sorted(found, key=lambda reading: -reading.score)


def _wide_script(common: str, shares: Callable[[str], float], prior: float) -> Likely:
    """Text of a script with thousands of letters; shares: probability of one that is no common."""
    known = set(common)

    def likely(text: str) -> float:
        score, before = prior, " "
        for letter in text:
            if letter.isascii():
                score += _ASCII
            elif letter in known:
                score += math.log(0.55 / len(known))
            else:
                score += math.log(max(shares(letter), 1e-7))
            if letter.isalpha() and before.isalpha() and letter.isascii() != before.isascii():
                score += math.log(0.2)
            before = letter
        return score

    return likely


def _level(encoding: str, first: range, second: range, sizes: tuple[int, int]) -> Likely:
    """Share of a letter by the level of its lead byte: everyday letters, then rare ones."""

    def share(letter: str) -> float:
        try:
            code = letter.encode(encoding)
        except UnicodeEncodeError:
            return 0.0
        if len(code) == 2 and code[0] in first:
            return 0.38 / sizes[0]
        if len(code) == 2 and code[0] in second and code[1] >= 0xA1:
            return 0.01 / sizes[1]
        return 1e-5 if letter in "，。、：；！？（）《》「」『』·…—～　・ー" else 1e-7

    return share


def _japanese(letter: str) -> float:
    if "ぁ" <= letter <= "ん":
        return 0.3 / 83
    if "ァ" <= letter <= "ー":
        return 0.25 / 86
    if "｡" <= letter <= "ﾟ":  # narrow letters of one byte
        return 1e-5
    try:
        code = letter.encode("euc_jp")
    except UnicodeEncodeError:
        return 0.0
    if len(code) == 2 and 0xB0 <= code[0] <= 0xCF:
        return 0.3 / 2965
    return 0.005 / 3390 if len(code) == 2 and code[0] > 0xCF else 1e-5


def _alphabet(letters: dict[str, float], prior: float, *, latin: bool) -> Likely:
    """Text of an alphabet; latin: its letters stand one by one among those of ASCII."""
    total = sum(letters.values())

    def likely(text: str) -> float:
        score, before = prior, " "
        for letter in text:
            if letter.isascii():
                torn = not latin and letter.isalpha() and before.isalpha() and not before.isascii()
                score += _ASCII + (math.log(0.02) if torn else 0)
            else:
                share = letters.get(letter) or letters.get(letter.lower(), 0.0)
                small = share / total * (0.1 if latin else 0.5)
                score += math.log(small) if small else _NEVER
                # What a letter beyond ASCII costs behind the one before it
                neighbour = 0.0
                if before.isalpha():
                    if latin and not before.isascii() and letter.isalpha():
                        neighbour += math.log(0.15)
                    if not latin and before.isascii():
                        neighbour += math.log(0.02)
                    if letter.isupper() and before.islower():
                        neighbour += math.log(0.01)
                    if letter.isupper() and before.isupper():
                        neighbour += math.log(0.5)
                    if letter.islower() and before.isupper() and not latin:
                        neighbour += math.log(0.6)
                    if not letter.isalpha() and letter not in "’“”–—…«»™®":
                        neighbour += math.log(0.05)
                elif letter.isupper():
                    neighbour += math.log(0.5)
                score += neighbour
            before = letter
        return score

    return likely


_LIKELY: dict[str, Likely] = {
    "gb18030": _wide_script(
        _SIMPLIFIED, _level("gb2312", range(0xB0, 0xD8), range(0xD8, 0xF8), (3755, 3008)), 0.0
    ),
    "cp950": _wide_script(
        _TRADITIONAL, _level("cp950", range(0xA4, 0xC7), range(0xC9, 0xFA), (5401, 7652)), -1.0
    ),
    "cp932": _wide_script(_KANJI, _japanese, -1.0),
    "euc_jp": _wide_script(_KANJI, _japanese, -2.0),
    "cp949": _wide_script(
        _HANGUL, _level("euc_kr", range(0xB0, 0xC9), range(0xCA, 0xFE), (2350, 4888)), -1.0
    ),
    "cp1252": _alphabet(_WESTERN, 0.0, latin=True),
    "cp1251": _alphabet(_RUSSIAN, -1.0, latin=False),
    "koi8-r": _alphabet(_RUSSIAN, -2.0, latin=False),
    "cp866": _alphabet(_RUSSIAN, -3.0, latin=False),
    "cp1250": _alphabet(_CENTRAL, -2.0, latin=True),
    "iso8859-2": _alphabet(_CENTRAL, -3.0, latin=True),
    "cp1253": _alphabet(_GREEK, -1.0, latin=False),
    "cp1254": _alphabet(_TURKISH, -2.0, latin=True),
}
