"""By how much aggression fails to pay, and what a first war does to a second challenger. Margins, never a probability of war."""
