"""One module a command; each imports what is slow when it runs, not before."""
