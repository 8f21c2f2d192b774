"""The only place with SQL: tables, statements and connections."""
