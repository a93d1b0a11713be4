"""What each language needs beyond a list of its pronouns."""
