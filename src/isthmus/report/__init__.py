"""What people read: the scoreboard in a terminal, the report in a browser."""
