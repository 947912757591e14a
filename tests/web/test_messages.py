"""What the catalogues gather."""

from __future__ import annotations

import io

from babel.messages.extract import extract_from_dir

from fundflow.errors import NotFound
from fundflow.money import NotAnAmount
from fundflow.web import messages


def test_the_sentence_of_a_refusal_is_a_message_even_through_other_refusals() -> None:
    source = b'class A(NotFound):\n    """Gone:\n    {what}.\n\n    Only for readers of the code.\n    """\n'
    messages._refusals.clear()
    messages._refusals.update(messages._names_of_refusals() | {"A"})
    found = [message for _line, _name, message, _comments in messages.extract_code(io.BytesIO(source), [], [], {})]
    messages._refusals.clear()
    assert found == ["Gone: {what}."]


def test_extracted_sentences_are_what_refusals_look_up() -> None:
    found = {
        message
        for _path, _line, message, *_rest in extract_from_dir(
            str(messages.PACKAGE),
            method_map=[(name, "fundflow.web.messages:extract_code") for name in ("errors.py", "money.py")],
        )
    }
    assert NotAnAmount.template() in found
    assert NotFound.template() in found
