"""The benchmarks: ``make bench`` runs ``python -m bench``; each module says what it measures."""
