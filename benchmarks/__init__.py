"""What a request costs: Kartoteka against a lean hand-written twin on the same data."""
