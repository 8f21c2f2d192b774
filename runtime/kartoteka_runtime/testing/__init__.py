"""What our tests and partners' tests share."""
