"""What runs the metadata: tables, record service, endpoints and pages. Private to the project."""
