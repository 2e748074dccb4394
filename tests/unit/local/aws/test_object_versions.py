"""What a listing of object versions costs the local AWS."""

from typing import Any

import boto3
from moto import mock_aws
from moto.s3.models import FakeKey

from local.systems.aws import object_versions


def test_a_listing_of_versions_keeps_no_copy_of_an_object() -> None:
    object_versions.install()
    moto_object: Any = FakeKey
    with mock_aws():
        s3 = boto3.client(
            "s3", region_name="us-east-1", aws_access_key_id="unused", aws_secret_access_key="unused"
        )
        s3.create_bucket(Bucket="listed")
        s3.put_object(Bucket="listed", Key="first", Body=b"data")
        s3.put_object(Bucket="listed", Key="second", Body=b"data")
        kept = len(moto_object.instances_tracked)

        listed = s3.list_object_versions(Bucket="listed")["Versions"]

        assert [(version["Key"], version["Size"]) for version in listed] == [("first", 4), ("second", 4)]
        assert len(moto_object.instances_tracked) == kept
        assert s3.get_object(Bucket="listed", Key="first")["Body"].read() == b"data"
