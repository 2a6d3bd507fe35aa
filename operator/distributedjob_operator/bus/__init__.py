"""NATS, through nats-py; nobody else imports it."""
