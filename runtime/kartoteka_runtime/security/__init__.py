"""Who acts and how they proved it."""
