"""What a client can cost the searches of others: long notes and spellings."""

import pytest

from acare import search_terms

EVERY_LETTER = "äöüåø" * 4 + "'ü" * 4
TEXTS = {"plain": "smith", "umlauts": "ä" * 40, "letters": EVERY_LETTER, "words": "Müller Åse O’Brien Größe"}


def terms(notes):
    """The words of a client with these notes, as FTS5 divides them."""
    words = search_terms.of_client("", "", None, None, "[]", "[]", notes)
    return [word for word in words.replace("'", " ").split() if word.isalnum()]


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_word_has_at_most_two_spellings_in_the_index(text):
    parts = text.replace("'", " ").replace("’", " ").split()
    joined = text.replace("’", "'").count("'") > 0  # the word without its apostrophes is one more
    assert len(terms(text)) <= 2 * (len(parts) + joined)


def test_of_notes_the_first_characters_are_indexed():
    notes = "first " + "x " * ((search_terms.MAX_NOTES - 12) // 2) + "last" + "  later " + "ü" * 3000
    assert {"first", "last", "x"} == set(terms(notes))
