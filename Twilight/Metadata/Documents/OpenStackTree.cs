using System.Text.Json.Nodes;

namespace PonyCloud.Twilight.Metadata.Documents;

/// <summary>What OpenStack's metadata service says of an instance (docs.openstack.org/nova, "Metadata"). Pure.</summary>
public static class OpenStackTree
{
    public const string Name = "openstack";

    // The last one before the service began to speak of devices that there are none of here.
    private static readonly string[] Versions = ["2018-08-27", "latest"];

    public static MetadataNode Of(InstanceMetadata instance)
    {
        var content = MetadataNode.Branch.Of(
        [
            ("meta_data.json", Json(Metadata(instance))),
            ("network_data.json", Json(NetworkData.Of(instance))),
            ("user_data", MetadataNode.Of(instance.UserData)),
            ("vendor_data.json", Json([])),
            ("vendor_data2.json", Json([])),
        ]);
        return MetadataNode.Branch.Of(Versions.Select(version => (version, (MetadataNode?)content)), Versions);
    }

    private static JsonObject Metadata(InstanceMetadata instance) => new()
    {
        ["uuid"] = instance.Uuid.ToString(),
        ["name"] = instance.Name,
        ["hostname"] = instance.HostName,
        ["project_id"] = instance.Tenant?.ToString(),
        ["launch_index"] = 0,
        ["meta"] = new JsonObject(),
        ["public_keys"] = new JsonObject(instance.NamedKeys.Select(key => KeyValuePair.Create(key.Name, (JsonNode?)key.Key))),
        ["keys"] = MetadataJson.Array(instance.NamedKeys.Select(key => new JsonObject
        {
            ["name"] = key.Name,
            ["type"] = "ssh",
            ["data"] = key.Key,
        })),
    };

    private static MetadataNode.Leaf Json(JsonObject content) => new MetadataNode.Leaf(MetadataJson.Text(content), MetadataNode.Leaf.Json);
}
