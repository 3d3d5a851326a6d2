"""The model against reality: cases with a verdict, each printed whether it passes or not."""
