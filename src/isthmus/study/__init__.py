"""Studies: a file that says what is asked, a run that answers it, a folder that holds the answer."""

from isthmus.study.schema import Study

__all__ = ["Study"]
