"""What people and programs are shown, made of values alone."""
