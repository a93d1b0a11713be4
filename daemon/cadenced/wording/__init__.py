"""How we sound: who a text is about, and what to mend in it."""
