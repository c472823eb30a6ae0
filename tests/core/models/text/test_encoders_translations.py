"""Titles in Chinese land near their translations."""

from core.models.text.encoders import encoder_of
from tests.bilingual import CHINESE, ENGLISH, TITLES


def test_the_translation_is_the_nearest_of_fifty_titles_for_nine_in_ten():
    encoder = encoder_of("universal")
    english, chinese = encoder.encode(ENGLISH), encoder.encode(CHINESE)
    cosines = chinese @ english.T  # (50, 50)
    for shares in (cosines, cosines.T):
        right = [row.argmax() == place for place, row in enumerate(shares)]
        print(f"{sum(right)} of {len(TITLES)} found first")
        assert sum(right) >= 0.9 * len(TITLES)
