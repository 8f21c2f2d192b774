"""The description of the Web API in OpenAPI 3.1, made from the registry once a publication."""
