"""Running commands on Linux: start, watch, end and clean up; knows no message and no network."""
