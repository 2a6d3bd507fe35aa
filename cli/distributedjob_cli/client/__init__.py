"""Who is asked: the API server, and the operator's endpoint."""
