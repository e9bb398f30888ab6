"""What moto leaves out of calls to S3 and DynamoDB: mended within the call that asked for it.

Gaps of Lambda and API Gateway are mended behind the wire, in `tests.support.moto_extension`.
"""

from typing import Any

from moto.dynamodb.models import dynamodb_backends

from tests.support.faults import Recorder


class MotoGaps(Recorder):
    """An `Aws` over moto that keeps to AWS where moto forgets a part of a request.

    CreateBucket: AWS tags the bucket in the same call, moto drops the tags.
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucketConfiguration.html
    TagResource (DynamoDB): AWS replaces a tag that is there, moto keeps both, and its pages then lead in a circle.
    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TagResource.html
    UpdateTable: a stream that was ended can be followed by another one; moto remembers the old one for ever.
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html
    """

    def call(self, service: str, operation: str, /, *, region: str | None = None, **params: Any) -> dict[str, Any]:
        answer = super().call(service, operation, region=region, **params)
        tags = params.get("CreateBucketConfiguration", {}).get("Tags")
        if operation == "CreateBucket" and tags:
            self.inner.call("s3", "PutBucketTagging", Bucket=params["Bucket"], Tagging={"TagSet": tags})
        if (service, operation) == ("dynamodb", "TagResource"):
            table = dynamodb_backends[self.scope.account][self.scope.region].tables[params["ResourceArn"].split("/")[1]]
            table.tags[:] = {tag["Key"]: tag for tag in table.tags}.values()
        if operation == "UpdateTable" and params.get("StreamSpecification", {}).get("StreamEnabled") is False:
            table = dynamodb_backends[self.scope.account][self.scope.region].tables[params["TableName"]]
            table.latest_stream_label = None
        return answer
