"""What goes out: rendered text, composed bytes, invitations."""
