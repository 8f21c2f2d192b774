"""The web client: pages generated from metadata, plain HTML first."""
