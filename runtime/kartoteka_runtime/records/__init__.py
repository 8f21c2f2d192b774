"""Request time: the record service and its pipeline."""
