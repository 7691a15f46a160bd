"""`python -m zuruf`."""

from zuruf.cli import main

main()
