"""The OData endpoints."""
