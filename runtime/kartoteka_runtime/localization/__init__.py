"""Values in people's own form: numbers, money, dates and durations, shown and read."""
