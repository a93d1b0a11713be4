"""The law: who is written to next, when, and when to stop. No I/O, no clock, no chance."""
