"""The page: jobs, their index maps, failures and nodes, to look at in a browser."""
