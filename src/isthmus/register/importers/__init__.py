"""Readers of public data sets in the files that their publishers ship. Isthmus ships none of the data: its user brings them.

`DATASETS` lists the sets; `read(name, path)` reads one. Each module reads the files of one publisher and can be used alone.
Every reader checks the header first and raises `isthmus.errors.InputError` with the file, row, column, what was found and what
is allowed.
"""

from isthmus.register.importers.catalog import DATASETS, DataFile, Dataset, dataset, read

__all__ = ["DATASETS", "DataFile", "Dataset", "dataset", "read"]
