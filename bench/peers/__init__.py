"""What a user would pick instead, each at its best, in a virtual environment of their own."""
