"""Who may do what: grants of roles, and how far each privilege reaches for one user."""
