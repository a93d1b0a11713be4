"""Every way to name a day works in every language: the table of forms, form by form and language by language."""

import tomllib
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import pytest

from cadenced.reading import dates, intent

FORMS = tomllib.loads(Path(__file__).with_name("date_forms.toml").read_text("utf-8"))
SENT = datetime(2026, 3, 10, 9, 30, tzinfo=timezone(timedelta(hours=1)))
READERS = {"wish": dates.again_on, "back": dates.back_on}
CASES = [
    pytest.param(kind, language, form[language], form["between"], id=f"{kind}-{name}-{language}")
    for kind, forms in FORMS.items()
    for name, form in forms.items()
    for language in intent.LANGUAGES
]


@pytest.mark.parametrize(("kind", "language", "text", "between"), CASES)
def test_a_form_names_its_day_in_every_language(kind, language, text, between):
    found = READERS[kind](text, SENT, language)
    if not between:
        assert found is None
    else:
        assert found is not None
        assert date.fromisoformat(between[0]) <= found <= date.fromisoformat(between[1])
