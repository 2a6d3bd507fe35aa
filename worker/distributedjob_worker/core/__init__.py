"""The worker's decisions: functions of values; no clock, no thread, no IO, no log."""
