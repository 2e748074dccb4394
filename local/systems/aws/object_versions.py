"""Listings of object versions without copies of the objects' data.

For each page, moto copies every object of the bucket with its data, and keeps the copies until it ends: emptying a
bucket of 270 MB took 500 MB.
"""

from typing import Any

from moto.s3.models import FakeKey


def install() -> None:
    """A listing's copies have no data."""
    key: Any = FakeKey
    key.__deepcopy__ = _without_data


def _without_data(key: Any, _memo: Any) -> Any:
    # A listing shows it. moto computes it from the data when it is first read.
    _ = key.etag
    # Not through moto's constructor, which keeps each object that it makes.
    copied = object.__new__(type(key))
    copied.__dict__.update(key.__dict__)
    # What the end of the copy would close is the object's.
    del copied._value_buffer
    copied.multipart, copied.disposed = None, True
    return copied
