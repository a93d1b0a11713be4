"""What came in: any bytes become an Inbound and a verdict."""
