"""`python -m kartoteka_runtime.cli` is `kartoteka`."""

from kartoteka_runtime.cli.main import main

main()
