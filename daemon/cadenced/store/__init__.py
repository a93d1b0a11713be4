"""Memory: tables, transactions and queries; the only place where SQL is written."""
