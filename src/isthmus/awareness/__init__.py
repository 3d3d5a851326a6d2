"""What the register, and data sets of the user, show of the rivals: flows, pressure, readiness, exercises, words and deeds.

Described, never explained: no series here carries a causal claim, and none enters a campaign. The layer reads the register only.
"""
