"""Campaigns: stocks, output, decisions, shipments and use, week by week, in many futures."""
