"""The wire: SMTP submission and the IMAP inbox."""
