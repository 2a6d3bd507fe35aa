"""The Kubernetes API, through the official asyncio client; nobody else imports it."""
