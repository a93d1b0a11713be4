"""Embedded mail servers, prospects who answer, and a fast clock."""
