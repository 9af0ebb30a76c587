# Run in a guest by root: cloud-init's own classes against the metadata service, whichever of them the guest itself uses.
import json

from cloudinit import helpers
from cloudinit.sources import DataSourceEc2

source = DataSourceEc2.DataSourceEc2({"datasource": {"Ec2": {"strict_id": False, "max_wait": 10, "timeout": 5}}}, None, helpers.Paths({}))
crawled = source.crawl_metadata()
source.metadata = crawled["meta-data"]
# Seen as Amazon's own machine, it asks for a token first.
source._cloud_name = DataSourceEc2.CloudNames.AWS
source.metadata_address = None
waited = source.wait_for_metadata_service()
print(json.dumps({
    "version": crawled["_metadata_api_version"],
    "user-data": crawled["user-data"].decode(),
    "meta-data": crawled["meta-data"],
    "network": DataSourceEc2.convert_ec2_metadata_network_config(crawled["meta-data"]["network"]),
    "token": bool(waited and source._api_token),
    "keys": source.get_public_ssh_keys(),
}))
